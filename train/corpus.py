"""Reading text: files, folders, .xz and .gz, standard input; a line is an utterance, a blank line ends a document."""

from __future__ import annotations

import gzip
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

from foretype.runtime.errors import CorpusError

STANDARD_INPUT = Path("-")
_SUFFIXES = {".txt", ".text", ".md", ".xz", ".gz"}

Document = list[str]
"""The lines of one document, without line ends, none of them blank."""


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files that `paths` name: files as they are, folders with the text files in them, `-` for standard input.

    Raises CorpusError for a path that does not exist and for a folder without text files.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in _SUFFIXES)
            if not inside:
                raise CorpusError(f"{path}: no text files here (looked for *{', *'.join(sorted(_SUFFIXES))})")
            files.extend(inside)
        elif path == STANDARD_INPUT or path.exists():
            files.append(path)
        else:
            raise CorpusError(f"{path}: no such file or folder")
    if not files:
        raise CorpusError("no text given: name files or folders, or - for standard input")
    return files


def source_name(file: Path) -> str:
    """The name of the source that `file` holds: its name without endings."""
    return "stdin" if file == STANDARD_INPUT else file.name.split(".")[0]


def _open(file: Path) -> AbstractContextManager[BinaryIO]:
    if file == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)  # not ours to close
    if file.suffix == ".xz":
        return cast(BinaryIO, lzma.open(file, "rb"))
    if file.suffix == ".gz":
        return cast(BinaryIO, gzip.open(file, "rb"))
    return file.open("rb")


def read_lines(file: Path) -> Iterator[str]:
    """The lines of `file`, without line ends. Raises CorpusError, naming file and line, for bytes that are not text."""
    name = "standard input" if file == STANDARD_INPUT else str(file)
    number = 0
    try:
        with _open(file) as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.decode("utf-8")
                if "\x00" in line:
                    raise CorpusError(f"{name}, line {number}: a NUL byte; this is not a text file")
                yield line.removeprefix("\ufeff").rstrip("\r\n") if number == 1 else line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{name}, line {number}: byte 0x{error.object[error.start]:02x} at {error.start} is not UTF-8"
        ) from error
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise CorpusError(f"{name}, after line {number}: cannot be read ({error})") from error


def read_documents(file: Path) -> Iterator[Document]:
    """The documents of `file`. Raises CorpusError when it cannot be read; an empty file has none."""
    document: Document = []
    for line in read_lines(file):
        if line.strip():
            document.append(line)
        elif document:
            yield document
            document = []
    if document:
        yield document
