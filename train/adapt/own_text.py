"""Reads a person's own text from files and folders of every supported kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from foretype.runtime.errors import CorpusError
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.reading import open_source, read_text
from foretype.train.adapt.authors import own
from foretype.train.adapt.chats import is_whatsapp, read_json, read_whatsapp
from foretype.train.adapt.mail import is_maildir, is_mbox, read_maildir, read_mbox, read_message
from foretype.train.adapt.markdown import read_markdown

_SUFFIXES = {".txt", ".text", ".md", ".markdown", ".mbox", ".eml", ".json"}
"""Endings of the files that are read from a folder."""


def read_own_text(paths: Iterable[Path], me: Collection[str] = ()) -> list[Document]:
    """Read the text that the user wrote: mbox, Maildir, mail messages, chat exports, Markdown, plain text.

    me: names or addresses of the user, to tell messages of the user from those of others. In a folder, files with the
    usual endings are read; hidden ones are not.

    Raises CorpusError if a path does not exist, is not text, or holds text of several people and none is the user;
    OSError.
    """
    documents: list[Document] = []
    for path in paths:
        if not path.exists():
            raise CorpusError(f"{path}: no such file or folder")
        for found in _found(path):
            documents += _read(found, me)
    return documents


def _found(path: Path) -> Iterator[Path]:
    """Yield the files and Maildirs in `path`, or `path` itself."""
    if not path.is_dir() or is_maildir(path):
        yield path
        return
    inside = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in inside if entry.is_dir() or entry.suffix.lower() in _SUFFIXES]
    if not files:
        return
    for entry in files:
        yield from _found(entry)


def _read(path: Path, me: Collection[str]) -> list[Document]:
    if path.is_dir():
        return own(read_maildir(path), me, str(path))
    if path.suffix.lower() == ".eml":
        return own(read_message(path), me, str(path))
    with open_source(path) as stream:
        beginning = stream.read(5)
    if is_mbox(path, beginning):
        return own(read_mbox(path), me, str(path))
    text = read_text(path)
    if path.suffix.lower() == ".json":
        return own(read_json(text, str(path)), me, str(path))
    if path.suffix.lower() in (".md", ".markdown"):
        return read_markdown(text)
    if is_whatsapp(text):
        return own(read_whatsapp(text), me, str(path))
    return _paragraphs(text)


def _paragraphs(text: str) -> list[Document]:
    """The texts in `text`, which blank lines separate."""
    documents: list[Document] = [[]]
    for line in text.splitlines():
        if line.strip():
            documents[-1].append(line)
        elif documents[-1]:
            documents.append([])
    return [document for document in documents if document]
