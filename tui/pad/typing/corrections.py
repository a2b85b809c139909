"""Records accepted words that replaced other letters, so that one key can take the last one back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foretype.tui.editor.buffer import Place


@dataclass(frozen=True)
class Correction:
    """An accepted word that replaced other letters.

    start: the place where it starts. typed: the typed text. text: the text that replaced it.
    """

    start: Place
    typed: str
    text: str

    @property
    def end(self) -> Place:
        """The place where the replacement ends."""
        return self.start[0], self.start[1] + len(self.text)

    @property
    def word(self) -> str:
        """The typed word, without punctuation after it."""
        return self.typed.rstrip(",.!?;:)\"'")


class Corrections:
    """The corrections of one text, in order. Edits may have moved their words since."""

    def __init__(self, line: Callable[[int], str]) -> None:
        """line: returns the text of a line, or "" if it no longer exists."""
        self._line = line
        self._made: list[Correction] = []

    def add(self, start: Place, typed: str, text: str) -> None:
        """Record that `text` replaced `typed`, unless it merely continues it."""
        if typed and not text.startswith(typed.rstrip()):
            self._made.append(Correction(start, typed.rstrip(), text.rstrip()))

    def take(self) -> Correction | None:
        """Remove and return the last correction that is still in its place, and drop those made after it."""
        while self._made:
            last = self._made.pop()
            row, column = last.start
            if self._line(row)[column : last.end[1]] == last.text:
                return last
        return None

    def undone(self) -> Correction | None:
        """Remove and return the last correction if its typed letters are back; else None."""
        if not self._made:
            return None
        row, column = self._made[-1].start
        return self._made.pop() if self._line(row)[column:].startswith(self._made[-1].typed) else None
