"""The text that is edited, as a list of lines, and the changes to it."""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[int, int]
"""A line and a column, both counted from 0. Columns count code points."""


def end_of(start: Place, text: str) -> Place:
    """The place where `text` ends if it starts at `start`.

    >>> end_of((3, 5), "ab"), end_of((3, 5), "ab\\nc")
    ((3, 7), (4, 1))
    """
    lines = text.count("\n")
    if not lines:
        return start[0], start[1] + len(text)
    return start[0] + lines, len(text) - text.rindex("\n") - 1


@dataclass(frozen=True)
class Change:
    """A replacement of `removed` by `inserted`, at `start`."""

    start: Place
    removed: str
    inserted: str

    @property
    def end(self) -> Place:
        """The place where the inserted text ends."""
        return end_of(self.start, self.inserted)

    def inverse(self) -> Change:
        """The change that undoes this one."""
        return Change(self.start, self.inserted, self.removed)


class Buffer:
    """Lines of text without their line ends. There is always at least one line."""

    def __init__(self, text: str = "") -> None:
        self.lines = text.split("\n")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def end(self) -> Place:
        """The place after the last character."""
        return len(self.lines) - 1, len(self.lines[-1])

    def line(self, row: int) -> str:
        """The text of a line, or "" if there is no such line."""
        return self.lines[row] if 0 <= row < len(self.lines) else ""

    def clamp(self, place: Place) -> Place:
        """The nearest place that exists."""
        if place[0] < 0:
            return 0, 0
        if place[0] >= len(self.lines):
            return self.end
        return place[0], max(0, min(place[1], len(self.lines[place[0]])))

    def between(self, start: Place, end: Place) -> str:
        """The text from `start` to `end`."""
        if start[0] == end[0]:
            return self.lines[start[0]][start[1] : end[1]]
        first, last = self.lines[start[0]][start[1] :], self.lines[end[0]][: end[1]]
        return "\n".join([first, *self.lines[start[0] + 1 : end[0]], last])

    def replace(self, start: Place, end: Place, text: str) -> Change:
        """Replace the text between `start` and `end` by `text`, and return the change."""
        removed = self.between(start, end)
        head, tail = self.lines[start[0]][: start[1]], self.lines[end[0]][end[1] :]
        self.lines[start[0] : end[0] + 1] = (head + text + tail).split("\n")
        return Change(start, removed, text)

    def make(self, change: Change) -> None:
        """Apply a change whose `removed` text is at its start."""
        self.replace(change.start, end_of(change.start, change.removed), change.inserted)
