"""The help screen: the keys, and what the status line says."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_KEYS = (
    ("Tab, Right", "accept the suggestion"),
    ("Alt+1, 2, 3", "accept a candidate"),
    ("End", "accept all of the ghost"),
    ("Ctrl+R", "take a correction back"),
    ("Esc", "hide suggestions"),
    ("Ctrl+Z, Y", "undo, redo"),
    ("Ctrl+C, X, V", "copy, cut, paste"),
    ("Ctrl+S", "save"),
    ("Ctrl+T", "dark or light"),
    ("Ctrl+P", "private: learn nothing"),
    ("Ctrl+Q", "quit"),
)

_ABOUT = (
    "An accepted word brings its space along; a comma or full stop typed next takes the space back. "
    "Right accepts at the end of a line. An arrow marks a correction of the last word. "
    "Suggestions that were hidden come back with the next change.\n\n"
    "Below stand the engine, the time of its last suggestion, and the share of keystrokes saved: "
    "1 - keys pressed / characters produced."
)


class HelpScreen(ModalScreen[None]):
    """Shows the keys until one is pressed; `notice` is why the model runs on its fallback, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,ctrl+g,enter,space,q", "dismiss", show=False),
    ]

    def __init__(self, notice: str | None) -> None:
        super().__init__()
        self._notice = notice

    def compose(self) -> ComposeResult:
        keys = "\n".join(f"{key:<14}{meaning}" for key, meaning in _KEYS)
        with VerticalScroll(id="help") as box:
            box.border_title = "Foretype"
            box.border_subtitle = "Esc closes"
            yield Static(keys, markup=False)
            yield Static(_ABOUT, markup=False, classes="about")
            if self._notice:
                yield Static(self._notice, markup=False, classes="about warning")
