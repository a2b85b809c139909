"""Keeps what the user wrote, and leaves out what others wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from foretype.runtime.errors import CorpusError
from foretype.runtime.text.corpus import Document

_NAMED = 5


class Written(NamedTuple):
    """A piece of text and who wrote it: a name or a mail address; "" for the user."""

    author: str
    lines: Document


def own(pieces: Iterable[Written], me: Collection[str], where: str) -> list[Document]:
    """Return the lines of the pieces that the user wrote.

    me: names or addresses of the user, compared without case; they may be a part of the author's. Without any, all
    pieces must have the same author.

    Raises CorpusError, which names `where`, if they have several and none is the user, or the user wrote none.
    """
    found = list(pieces)
    authors = sorted({piece.author for piece in found} - {""})
    if not me and len(authors) > 1:
        raise CorpusError(f"{where}: text by {_listed(authors)}; say which is yours with --me NAME")
    mine = {author for author in authors if any(name.casefold() in author.casefold() for name in me)} if me else authors
    kept = [piece.lines for piece in found if not piece.author or piece.author in mine]
    if found and not kept:
        raise CorpusError(f"{where}: nothing by {', '.join(me)}; its text is by {_listed(authors)}")
    return kept


def _listed(authors: list[str]) -> str:
    more = f" and {len(authors) - _NAMED} more" if len(authors) > _NAMED else ""
    return ", ".join(authors[:_NAMED]) + more
