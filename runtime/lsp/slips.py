"""Finds probable slips in the lines that a user edits, as diagnostics with fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lsprotocol import types

from foretype.runtime.lru import LeastRecentlyUsed
from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.offers import client_range

KEEP = "foretype.keep"
"""The command that keeps a word as it is written."""
_SOURCE = "foretype"
_MOST_LINES = 1000
WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


class Slip(NamedTuple):
    """A probable slip in a line: the characters from `start` to `end`, and what may be meant, likeliest first."""

    start: int
    end: int
    meant: tuple[str, ...]


class Slips:
    """The slips of one document, remembered for each text of a line, so that they move with the lines."""

    def __init__(self) -> None:
        self._found: LeastRecentlyUsed[str, tuple[Slip, ...]] = LeastRecentlyUsed(_MOST_LINES)
        self._kept: set[str] = set()

    def note(self, line: str, slips: tuple[Slip, ...]) -> None:
        """Remember the slips of a line."""
        self._found.put(line, slips)

    def keep(self, word: str) -> None:
        """Never report `word`, in this spelling, again."""
        self._kept.add(word)

    def at(self, document: Document, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Slip]]:
        """Yield the slips on the lines from `first` to `last`, each with the number of its line."""
        for number, line in enumerate(document.lines[first : None if last is None else last + 1], first):
            for slip in self._found.get(line.rstrip("\r\n")) or ():
                if line[slip.start : slip.end] not in self._kept:
                    yield number, slip


def diagnostics(slips: Slips, document: Document) -> list[types.Diagnostic]:
    """Return all slips of a document as an editor shows them."""
    return [_diagnostic(document, number, slip) for number, slip in slips.at(document)]


def fixes(slips: Slips, document: Document, uri: str, first: int, last: int) -> list[types.CodeAction]:
    """Return what can be done about the slips on the lines from `first` to `last`: replace the word, or keep it."""
    actions = []
    for number, slip in slips.at(document, first, last):
        shown = _diagnostic(document, number, slip)
        for word in slip.meant:
            edit = types.WorkspaceEdit(changes={uri: [types.TextEdit(shown.range, word)]})
            title, kind = f"Change to \u201c{word}\u201d", types.CodeActionKind.QuickFix
            preferred = word == slip.meant[0]
            actions.append(types.CodeAction(title, kind, [shown], is_preferred=preferred, edit=edit))
        written = document.line(number)[slip.start : slip.end]
        title = f"Keep \u201c{written}\u201d"
        keep = types.Command(title, KEEP, arguments=[written])
        actions.append(types.CodeAction(title, types.CodeActionKind.QuickFix, [shown], command=keep))
    return actions


def _diagnostic(document: Document, number: int, slip: Slip) -> types.Diagnostic:
    written = document.line(number)[slip.start : slip.end]
    return types.Diagnostic(
        client_range(document, Place(number, slip.start), Place(number, slip.end)),
        f"\u201c{written}\u201d: perhaps {', '.join(slip.meant)}",
        severity=types.DiagnosticSeverity.Information,
        source=_SOURCE,
    )
