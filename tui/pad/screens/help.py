"""The help screen: all keys, and what the pad's screen shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from foretype.tui.pad.keys import Action

_ABOUT = (
    "An accepted word brings its space; a mark typed next takes the space back. An arrow marks a correction of the "
    "last word. Suggestions that were hidden come back with the next change.\n\n"
    "The status line shows the file, the place of the cursor, the words of the text, the model, whether it learns, "
    "and the share of keystrokes saved: 1 - keys pressed / characters produced.\n\n"
    "Keys and colours are settings: see docs/pad.md."
)


class HelpScreen(ModalScreen[None]):
    """Shows the keys until the user closes it. notice: why the model uses its fallback, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,ctrl+g,enter,space,q", "dismiss", show=False),
    ]

    def __init__(self, actions: Sequence[Action], notice: str | None) -> None:
        super().__init__()
        self._actions = actions
        self._notice = notice

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "Foretype"
            box.border_subtitle = "Esc closes, arrows scroll"
            for group, actions in groupby(self._actions, lambda action: action.group):
                keys = "\n".join(f"{action.shown:<24}{action.text}" for action in actions)
                yield Static(f"{group}\n{keys}", markup=False, classes="group")
            yield Static(_ABOUT, markup=False, classes="about")
            if self._notice:
                yield Static(self._notice, markup=False, classes="about warning")
