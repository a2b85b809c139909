"""The row of numbered candidates beneath the text."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from foretype.tui.pad.typing.typing_area import CHOICES


class Candidate(Static):
    """One cell of the row: its number and, where there is one, its word; a click accepts it."""

    def __init__(self, number: int) -> None:
        super().__init__(id=f"candidate-{number}")
        self._number = number
        self.show(None)

    def show(self, word: str | None) -> None:
        """Shows `word`, or an empty cell for None."""
        self.set_class(word is None, "empty")
        self.update(Content.assemble((str(self._number), "$foreground 50%"), "  ", word or ""))

    async def on_click(self) -> None:
        await self.run_action(f"app.accept({self._number})")


class CandidateRow(Horizontal):
    """As many cells as there are choices, each as wide as the others, whatever they hold."""

    def compose(self) -> ComposeResult:
        for number in range(1, CHOICES + 1):
            yield Candidate(number)

    def show(self, words: Sequence[str], ghost: bool) -> None:
        """Shows `words`, best first; `ghost` marks the first as the one that stands at the cursor."""
        for index, cell in enumerate(self.query(Candidate)):
            cell.show(words[index] if index < len(words) else None)
            cell.set_class(ghost and index == 0, "ghost")
