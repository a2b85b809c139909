"""Finds where lines wrap into screen rows, but only for the rows that are needed.

Long lines are split into chunks of a few thousand characters, and each chunk is wrapped on its own. Thus no key has to
wrap a whole line of a megabyte.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from foretype.tui.editor.buffer import Buffer, Place
from foretype.tui.editor.graphemes import clusters, width_of

_CHUNK = 2048
_SLACK = 256
"""A chunk ends after the last space within its last `_SLACK` characters, if there is one."""


class Row(NamedTuple):
    """A screen row: the part of a line from column `start` to `end`."""

    line: int
    start: int
    end: int


class Layout:
    """The rows of `buffer`, each at most `width` cells wide. Spaces at the end of a row may exceed the width."""

    def __init__(self, buffer: Buffer, width: int) -> None:
        self.buffer = buffer
        self.width = max(1, width)

    def row_at(self, place: Place) -> Row:
        """The row that contains `place`. A place between two rows belongs to the second."""
        line, column = place
        text = self.buffer.lines[line]
        start, end = _chunk(text, column)
        starts = _wrap(text[start:end], self.width)
        number = bisect_right(starts, column - start) - 1
        last = starts[number + 1] if number + 1 < len(starts) else end - start
        return Row(line, start + starts[number], start + last)

    def after(self, row: Row) -> Row | None:
        """The row below; None for the last row."""
        if row.end < len(self.buffer.lines[row.line]):
            return self.row_at((row.line, row.end))
        return self.row_at((row.line + 1, 0)) if row.line + 1 < len(self.buffer.lines) else None

    def before(self, row: Row) -> Row | None:
        """The row above; None for the first row."""
        if row.start > 0:
            return self.row_at((row.line, row.start - 1))
        return self.row_at((row.line - 1, len(self.buffer.lines[row.line - 1]))) if row.line > 0 else None

    def moved(self, row: Row, rows: int) -> Row:
        """The row that is `rows` rows below (above if negative), or the last row in that direction."""
        step = self.after if rows > 0 else self.before
        for _ in range(abs(rows)):
            following = step(row)
            if following is None:
                break
            row = following
        return row

    def from_row(self, row: Row) -> Iterator[Row]:
        """Yield `row` and the rows below it."""
        following: Row | None = row
        while following is not None:
            yield following
            following = self.after(following)

    def cell_of(self, place: Place, row: Row) -> int:
        """The cell of `place` on its row, counted from 0."""
        at = 0
        for cluster in clusters(self.buffer.lines[row.line][row.start : place[1]]):
            at += width_of(cluster, at)
        return at

    def place_at(self, row: Row, cell: int) -> Place:
        """The place whose cluster covers a cell of a row, or the last place of the row."""
        column, at = row.start, 0
        text = self.buffer.lines[row.line]
        for cluster in clusters(text[row.start : row.end]):
            at += width_of(cluster, at)
            # The place after the last cluster of a wrapped row belongs to the next row.
            if at > cell or (column + len(cluster) >= row.end and row.end < len(text)):
                break
            column += len(cluster)
        return row.line, column


def _chunk(text: str, column: int) -> tuple[int, int]:
    start = 0
    while len(text) - start > 2 * _CHUNK:
        end = text.rfind(" ", start + _CHUNK - _SLACK, start + _CHUNK) + 1 or start + _CHUNK
        if column < end:
            return start, end
        start = end
    return start, len(text)


@lru_cache(1024)
def _wrap(text: str, width: int) -> tuple[int, ...]:
    """The columns at which the rows of a text start."""
    return _wrap_plain(text, width) if text.isascii() and text.isprintable() else _wrap_any(text, width)


def _wrap_plain(text: str, width: int) -> tuple[int, ...]:
    """A faster `_wrap_any` for text in which each character takes one cell."""
    starts = [0]
    while len(text) - starts[-1] > width:
        space = text.rfind(" ", starts[-1], starts[-1] + width + 1)
        following = space + 1 if space >= 0 else starts[-1] + width
        while space >= 0 and text[following : following + 1] == " ":
            following += 1
        if following >= len(text):
            break
        starts.append(following)
    return tuple(starts)


def _wrap_any(text: str, width: int) -> tuple[int, ...]:
    starts, at, column, space = [0], 0, 0, 0
    for cluster in clusters(text):
        wide = width_of(cluster, at)
        blank = cluster in (" ", "\t")
        if at + wide > width and not blank and column > starts[-1]:
            starts.append(space if space > starts[-1] else column)
            at = 0
            for earlier in clusters(text[starts[-1] : column]):
                at += width_of(earlier, at)
            wide = width_of(cluster, at)
        at += wide
        column += len(cluster)
        if blank:
            space = column
    return tuple(starts)
