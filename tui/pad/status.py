"""The lines at the bottom of the pad: a notice, the file with its facts, and messages in the place of these."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from foretype.tui.pad.files.keeping import Keeping
from foretype.tui.pad.models import ModelChoice
from foretype.tui.pad.typing.typing_area import TypingArea

WIDE = 60
"""Minimum number of columns at which the status line shows everything."""


class Status:
    """What the pad says about its text, its file and its model.

    pad: shows the lines. learns: whether there is a personal store, so that the line says if the pad learns.
    """

    def __init__(self, pad: App[Any], area: TypingArea, keeping: Keeping, choice: ModelChoice, learns: bool) -> None:
        self._pad = pad
        self._area = area
        self._keeping = keeping
        self._choice = choice
        self._learns = learns
        self._told = False

    def compose(self) -> ComposeResult:
        """Yield the lines, from top to bottom."""
        yield Static(id="notice", classes="warning", markup=False)
        with Horizontal(id="status"):
            yield Static(id="file", markup=False)
            yield Static(id="facts", markup=False)
            yield Static("F1 keys", id="hint", markup=False)
        yield Static(id="message", markup=False)

    def tell(self, message: str, kind: str = "") -> None:
        """Show a message instead of the status line; the status line if it is empty. kind: as in `Pad.tell`."""
        self._told = bool(message)
        line = self._pad.query_one("#message", Static)
        line.set_classes(kind)
        line.update(message)
        line.display = bool(message)
        self._pad.query_one("#status").display = not message

    def clear(self) -> None:
        """Take the last message away."""
        if self._told:
            self.tell("")

    def show(self) -> None:
        """Update the notice and the status line."""
        pad, area = self._pad, self._area
        if not area.is_attached:  # messages of the last key can arrive while the pad closes
            return
        session, wide = area.session, pad.size.width >= WIDE
        notice = pad.query_one("#notice", Static)
        notice.display = session.notice is not None  # the model may fall back at any time
        notice.update(f"! {session.notice}")
        path = self._keeping.path
        name = path.name if path else "(no name)"
        pad.query_one("#file", Static).update(f"● {name}" if self._keeping.changed else name)
        row, column = area.cursor
        words = area.words.words
        facts = [f"{row + 1}:{column + 1}"]
        if wide:
            facts += [f"{words} word{'s' * (words != 1)}", self._choice.described()]
        if self._learns and (wide or session.private):
            facts.append("private" if session.private else "learning")
        facts.append(f"{area.account.saved:.0%} saved")
        pad.query_one("#facts", Static).update(" · ".join(facts))
