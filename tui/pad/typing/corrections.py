"""What choices wrote in the place of other letters, so that one key takes the last of them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foretype.tui.editor.buffer import Place


@dataclass(frozen=True)
class Correction:
    """A word that a choice put in the place of other letters.

    start: where it starts. typed: what was typed. text: what stands there since.
    """

    start: Place
    typed: str
    text: str

    @property
    def end(self) -> Place:
        """Where the text ends that stands there since."""
        return self.start[0], self.start[1] + len(self.text)

    @property
    def word(self) -> str:
        """What was typed, without marks behind it."""
        return self.typed.rstrip(",.!?;:)\"'")


class Corrections:
    """The corrections of one text, the last one last; edits before them may have moved their words."""

    def __init__(self, line: Callable[[int], str]) -> None:
        """line: the text of a line that may not be there any more, "" then."""
        self._line = line
        self._made: list[Correction] = []

    def add(self, start: Place, typed: str, text: str) -> None:
        """Notes that `text` took the place of `typed`, where it does not only go on from it."""
        if typed and not text.startswith(typed.rstrip()):
            self._made.append(Correction(start, typed.rstrip(), text.rstrip()))

    def take(self) -> Correction | None:
        """The last one that still stands where it was made; it, and those after it, are forgotten."""
        while self._made:
            last = self._made.pop()
            row, column = last.start
            if self._line(row)[column : last.end[1]] == last.text:
                return last
        return None

    def undone(self) -> Correction | None:
        """The last one, where its typed letters stand again; it is forgotten."""
        if not self._made:
            return None
        row, column = self._made[-1].start
        return self._made.pop() if self._line(row)[column:].startswith(self._made[-1].typed) else None
