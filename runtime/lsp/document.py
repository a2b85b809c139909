"""A document that is open in an editor: its lines, kept up to date by the editor's changes, and places in it.

Inside the server, a place is a line and a number of characters (code points). An editor counts UTF-16 code units, or
UTF-8 bytes, or characters, as it was agreed at the start.
"""

from __future__ import annotations

import io
from typing import NamedTuple

from foretype.runtime.suggestion import utf16_length
from foretype.runtime.text.context import without_surrogates

MOST_CHARACTERS = 50_000
"""Maximum number of characters before the cursor that are read."""
_STEPS = (512, 128, 32, 8, 2, 1)
"""The text before the cursor starts at a line whose number is a multiple of one of these."""
_LINES_AFTER = 50


class Place(NamedTuple):
    """A place in a document: the line, counted from 0, and the number of characters before it in this line."""

    line: int
    character: int


class Document:
    """The text of one open document. Lines end with LF, CR LF or CR, as the protocol defines; no other mark ends one.

    language: the identifier that the editor gave it, in lower case. encoding: how the editor counts: "utf-8", "utf-16"
    or "utf-32".
    """

    def __init__(self, text: str, language: str = "", encoding: str = "utf-16") -> None:
        self.language = language.lower()
        self.encoding = encoding
        self.lines = _lines(text)

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.lines)

    # --- Changes

    def replace(self, start: Place, end: Place, text: str) -> Place:
        """Put `text` in the place of what stands from `start` to `end`. Returns the place after it."""
        first, last = start.line, end.line
        head, tail = self.lines[first][: start.character], self.lines[last][end.character :]
        if not head and first and self.lines[first - 1].endswith("\r"):  # a line feed may join this line end
            first -= 1
            head = self.lines[first]
        changed = _lines(head + text + tail)
        if not changed[-1] and last + 1 < len(self.lines):  # what follows is the next line
            changed.pop()
        self.lines[first : last + 1] = changed
        before = _lines(head + text)
        return Place(min(first + len(before), len(self.lines)) - 1, len(before[-1]))

    def rewrite(self, text: str) -> None:
        """Replace the whole text."""
        self.lines = _lines(text)

    # --- Places

    def place(self, line: int, units: int) -> Place:
        """The place that the editor calls `units` on `line`. A place outside the text becomes the nearest one in it."""
        if line >= len(self.lines):
            return Place(len(self.lines) - 1, len(self.line(len(self.lines) - 1)))
        text = self.line(line)
        if text.isascii() or self.encoding == "utf-32":
            return Place(line, min(units, len(text)))
        if self.encoding == "utf-8":
            return Place(line, len(text.encode()[:units].decode(errors="ignore")))
        return Place(line, len(text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")))

    def units(self, place: Place) -> int:
        """How the editor counts the characters before `place` in its line."""
        text = self.line(place.line)[: place.character]
        if self.encoding == "utf-32":
            return len(text)
        return len(text.encode()) if self.encoding == "utf-8" else utf16_length(text)

    # --- Text

    def line(self, number: int) -> str:
        """The line, without its line end."""
        return self.lines[number].rstrip("\r\n")

    def before(self, place: Place) -> str:
        """The text before `place`, from a line start at most `MOST_CHARACTERS` back; its lines end with LF.

        Where it starts depends only on the number of the line, in large steps, so that it hardly ever moves while a
        user types: a session has to read its context again when it does. A single line that is longer is cut, too.
        """
        last = self.lines[place.line][: place.character]
        for step in _STEPS:
            lines = self.lines[max(0, (place.line // step - 1) * step) : place.line]
            if sum(map(len, lines)) + len(last) <= MOST_CHARACTERS:
                return "".join(_unix(lines)) + last
        half = MOST_CHARACTERS // 2
        return last[max(0, (len(last) // half - 1) * half) :]

    def after(self, place: Place) -> str:
        """The text after `place`, up to some lines further; its lines end with LF."""
        rest = self.lines[place.line : place.line + _LINES_AFTER]
        return "".join(_unix([rest[0][place.character :], *rest[1:]]))[:MOST_CHARACTERS]


def _lines(text: str) -> list[str]:
    """The lines of `text` with their ends; the last one has none, and may be empty."""
    lines = list(io.StringIO(without_surrogates(text), newline=""))
    return lines if lines and not lines[-1].endswith(("\n", "\r")) else [*lines, ""]


def _unix(lines: list[str]) -> list[str]:
    return [f"{line.rstrip(chr(13) + chr(10))}\n" if "\r" in line else line for line in lines]
