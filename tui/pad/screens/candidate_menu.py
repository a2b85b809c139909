"""The candidates right under the cursor, like a completion menu."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Offset
from textual.widgets import Static


class CandidateMenu(Static):
    """A menu over the text, with one candidate per line. A setting shows it instead of the row."""

    def __init__(self) -> None:
        super().__init__(id="menu", markup=False)
        self.display = False

    def show(self, words: Sequence[str], ghost: bool, cursor: Offset) -> None:
        """Show `words` under the screen cell `cursor`. ghost: mark the first word as the ghost text."""
        self.display = bool(words)
        lines = []
        for number, word in enumerate(words, 1):
            style = "bold $primary" if ghost and number == 1 else ""
            lines.append(Content.assemble((f"{number} ", "$foreground 50%"), (word, style)))
        self.update(Content("\n").join(lines))
        width = max((len(word) for word in words), default=0) + 4
        below = cursor.y + 1 + len(words) < self.app.size.height - 2
        self.styles.width = width
        self.styles.height = len(words)
        self.absolute_offset = Offset(
            max(0, min(cursor.x, self.app.size.width - width)), cursor.y + 1 if below else cursor.y - len(words)
        )
