"""Sends the terminal only the cells that changed.

Textual redraws a whole widget when anything in it changes. A typed letter then costs about four kilobytes, which is
noticeable on a slow connection. This module compares the rows of the new screen with those sent before, and writes only
the parts that differ.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import split_graphemes
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual.strip import Strip

_GAP = 12
"""Up to this many equal cells between two differences are sent too: moving the cursor would cost as much."""

Cell = tuple[str, Style | None]


class ScreenDiff:
    """Remembers what the terminal shows."""

    def __init__(self) -> None:
        self._rows: list[Strip] = []
        self._size = (0, 0)

    def forget(self) -> None:
        """Forget what the terminal shows, so that the next update draws everything."""
        self._rows = []

    def update(self, rows: Sequence[Strip], size: tuple[int, int], console: Console) -> str:
        """Return the text that makes the terminal show `rows`."""
        if size != self._size or len(rows) != len(self._rows):
            self._size = size
            before: Sequence[Strip | None] = [None] * len(rows)
        else:
            before = self._rows
        self._rows = list(rows)
        parts = []
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old is None:
                parts += [Control.move_to(0, y).segment.text, new.render(console)]
            elif old is not new and old._segments != new._segments:
                parts += [
                    Control.move_to(start, y).segment.text + new.crop(start, end).render(console)
                    for start, end in _differences(old, new)
                ]
        return "".join(parts)


def _differences(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """The ranges of cells in which `new` differs from `old`."""
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, len(after))]
    ranges: list[tuple[int, int]] = []
    for at, (one, other) in enumerate(zip(before, after, strict=True)):
        if one != other:
            start = at
            while start > 0 and not after[start][0]:  # the second half of a wide character
                start -= 1
            end = at + 1
            while end < len(after) and not after[end][0]:
                end += 1
            if ranges and start - ranges[-1][1] <= _GAP:
                ranges[-1] = ranges[-1][0], end
            else:
                ranges.append((start, end))
    return ranges


def _cells(strip: Strip) -> list[Cell]:
    """One entry per cell. For wide characters, only the first cell contains text."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control:
            continue
        if text.isascii():
            cells.extend((character, style) for character in text)
            continue
        for start, end, width in split_graphemes(text)[0]:
            if width:
                cells.append((text[start:end], style))
                cells.extend([("", style)] * (width - 1))
    return cells
