"""Counts the words of a text, and updates the count from each change."""

from __future__ import annotations

from collections.abc import Sequence

from foretype.tui.editor.buffer import Buffer, Change

_SIDE = 64
"""Number of characters on both sides of a change that are recounted. Longer words there may count twice."""


class WordCount:
    """Counts the words of `buffer`, separated by white space. words: their number."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self.words = sum(len(line.split()) for line in buffer.lines)

    def note(self, changes: Sequence[Change]) -> None:
        """Update the count. Must be called right after the changes were made."""
        if len(changes) != 1:  # another text, or several undone changes, whose places have moved since
            self.words = sum(len(line.split()) for line in self._buffer.lines)
            return
        for change in changes:
            head = self._buffer.lines[change.start[0]][max(0, change.start[1] - _SIDE) : change.start[1]]
            end = change.end
            tail = self._buffer.lines[end[0]][end[1] : end[1] + _SIDE]
            self.words += len((head + change.inserted + tail).split()) - len((head + change.removed + tail).split())
