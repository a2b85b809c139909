"""The row of numbered candidates below the text."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from foretype.tui.pad.typing.typing_area import CHOICES


class Candidate(Static):
    """A cell of the row, with its number and its word, if any. A click accepts the word."""

    def __init__(self, number: int) -> None:
        super().__init__(id=f"candidate-{number}")
        self._number = number
        self.show(None)

    def show(self, word: str | None) -> None:
        """Show `word`, or an empty cell if it is None."""
        self.set_class(word is None, "empty")
        self.update(Content.assemble((str(self._number), "$foreground 50%"), "  ", word or ""))

    async def on_click(self) -> None:
        await self.run_action(f"app.accept({self._number})")


class CandidateRow(Horizontal):
    """One cell per candidate, all equally wide."""

    def compose(self) -> ComposeResult:
        for number in range(1, CHOICES + 1):
            yield Candidate(number)

    def show(self, words: Sequence[str], ghost: bool) -> None:
        """Show `words`, best first. ghost: mark the first word as the ghost text at the cursor."""
        for index, cell in enumerate(self.query(Candidate)):
            cell.show(words[index] if index < len(words) else None)
            cell.set_class(ghost and index == 0, "ghost")
