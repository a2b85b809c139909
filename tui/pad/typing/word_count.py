"""The number of words of a text, kept up to date by looking at what changed."""

from __future__ import annotations

from collections.abc import Sequence

from foretype.tui.editor.buffer import Buffer, Change

_SIDE = 64
"""Characters on both sides of a change that are counted with it; a longer word on its border may count twice."""


class WordCount:
    """words: those of `buffer`, which are what stands between white space."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self.words = sum(len(line.split()) for line in buffer.lines)

    def note(self, changes: Sequence[Change]) -> None:
        """Count what changes did, right after they were made."""
        if len(changes) != 1:  # another text, or several changes that were undone: their places have moved meanwhile
            self.words = sum(len(line.split()) for line in self._buffer.lines)
            return
        for change in changes:
            head = self._buffer.lines[change.start[0]][max(0, change.start[1] - _SIDE) : change.start[1]]
            end = change.end
            tail = self._buffer.lines[end[0]][end[1] : end[1] + _SIDE]
            self.words += len((head + change.inserted + tail).split()) - len((head + change.removed + tail).split())
