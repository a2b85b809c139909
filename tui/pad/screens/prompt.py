"""The line that asks for a name or number, instead of the candidates."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label


class PathSuggester(Suggester):
    """Completes the path of a file. Right or Tab accepts the completion."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        found = complete_path(value)
        return None if found == value else found


def complete_path(value: str) -> str:
    """Complete `value` with the first file name, in order, that continues it. Folders end in a slash."""
    folder, _, start = value.rpartition(os.sep)
    place = Path(folder + os.sep if folder or value.startswith(os.sep) else "").expanduser()
    try:
        names = sorted(entry.name + os.sep * entry.is_dir() for entry in os.scandir(place))
    except OSError:
        return value
    shown = (name for name in names if name.startswith(start) and (start or not name.startswith(".")))
    first = next(shown, None)
    return value if first is None or not value else value[: len(value) - len(start)] + first


class Prompt(Horizontal):
    """Asks one question at a time. kind: the current question; "" before the first."""

    @dataclass
    class Answered(Message):
        """The answer to the question `kind`."""

        kind: str
        value: str

    class Left(Message):
        """The user left the question without an answer."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.kind = ""

    def compose(self) -> ComposeResult:
        yield Label()
        yield Input(id="name", compact=True, select_on_focus=False)

    def ask(self, kind: str, label: str, value: str = "", path: bool = False) -> None:
        """Show the question `label`, with `value` as the initial answer. path: complete paths of files."""
        self.kind = kind
        self.query_one(Label).update(label)
        field = self.query_one(Input)
        field.suggester = PathSuggester() if path else None
        field.value = value
        field.cursor_position = len(value)
        self.display = True
        self.screen.set_focus(field)

    def on_key(self, event: events.Key) -> None:
        field = self.query_one(Input)
        if event.key == "tab" and self.kind:
            event.stop()
            event.prevent_default()
            if field.suggester is not None:
                field.value = complete_path(field.value)
                field.cursor_position = len(field.value)
        elif event.key == "escape":
            event.stop()
            self.post_message(self.Left())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Answered(self.kind, event.value.strip()))
