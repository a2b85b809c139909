"""The bar for finding and replacing."""

from __future__ import annotations

import re

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label, Static

from foretype.runtime.errors import ConfigError
from foretype.tui.editor.editor import Editor
from foretype.tui.pad.search import Match, compile_pattern, next_match, previous_match, replace_all, replacement


class FindBar(Horizontal):
    """Finds in `editor`. Enter finds the next match, or replaces it in the second field. Alt+A replaces all."""

    class Left(Message):
        """The user has left the bar."""

    def __init__(self, editor: Editor) -> None:
        super().__init__(id="find")
        self._editor = editor
        self._regular = False

    def compose(self) -> ComposeResult:
        yield Label("Find")
        yield Input(id="pattern", compact=True)
        yield Label("Replace")
        yield Input(id="replacement", compact=True)
        yield Static(id="found", markup=False)

    def open(self) -> None:
        """Show the bar. A selection within one line becomes the pattern."""
        self.display = True
        field = self.query_one("#pattern", Input)
        selected = self._editor.selected_text
        if selected and "\n" not in selected:
            field.value = selected
        self.screen.set_focus(field)
        self._tell("Tab replace · Alt+R regular expression · Alt+A replace all")

    def _tell(self, text: str) -> None:
        self.query_one("#found", Static).update((".* " if self._regular else "") + text)

    def _pattern(self) -> re.Pattern[str] | None:
        text = self.query_one("#pattern", Input).value
        if not text:
            return None
        try:
            return compile_pattern(text, self._regular)
        except ConfigError as error:
            self._tell(str(error))
            return None

    def find(self, forward: bool = True) -> None:
        """Select the next match, or the previous one."""
        pattern = self._pattern()
        if pattern is None:
            return
        start, end = self._editor.selection
        search = next_match if forward else previous_match
        self._select(search(self._editor.buffer, pattern, end if forward else start))

    def _select(self, match: Match | None) -> None:
        if match is None:
            self._tell("not found")
            return
        self._editor.move(match[0])
        self._editor.move(match[1], select=True)
        self._tell(f"line {match[0][0] + 1}")

    def _replace(self) -> None:
        """Replace the selected match, and find the next one."""
        pattern = self._pattern()
        if pattern is None:
            return
        match = self._editor.selection
        line = self._editor.buffer.lines[match[0][0]]
        found = pattern.match(line, match[0][1])
        if match[0] != match[1] and found is not None and (match[0][0], found.end()) == match[1]:
            text = self._replacement(pattern, line, match)
            if text is None:
                return
            self._editor.history.checkpoint()
            self._editor.change(text, *match, "replace")
        self.find()

    def _replacement(self, pattern: re.Pattern[str], line: str, match: Match) -> str | None:
        try:
            return replacement(pattern, line, match, self.query_one("#replacement", Input).value, self._regular)
        except ConfigError as error:
            self._tell(str(error))
            return None

    def _replace_all(self) -> None:
        pattern = self._pattern()
        if pattern is None:
            return
        editor = self._editor
        try:
            text, count = replace_all(
                editor.buffer, pattern, self.query_one("#replacement", Input).value, self._regular
            )
        except ConfigError as error:
            self._tell(str(error))
            return
        if count:
            editor.history.checkpoint()
            editor.change(text, (0, 0), editor.buffer.end, "replace", editor.cursor)
        self._tell(f"{count} replaced")

    def on_key(self, event: events.Key) -> None:
        actions = {
            "escape": lambda: self.post_message(self.Left()),
            "up": lambda: self.find(forward=False),
            "down": self.find,
            "f3": self.find,
            "shift+f3": lambda: self.find(forward=False),
            "alt+a": self._replace_all,
            "alt+r": self._switch,
        }
        if event.key in actions:
            event.stop()
            event.prevent_default()
            actions[event.key]()

    def _switch(self) -> None:
        self._regular = not self._regular
        self._tell("regular expression" if self._regular else "plain text")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "replacement":
            self._replace()
        else:
            self.find()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Select the first match from the cursor on while the pattern is typed."""
        event.stop()
        if event.input.id == "pattern" and event.value:
            pattern = self._pattern()
            if pattern is not None:
                self._select(next_match(self._editor.buffer, pattern, self._editor.selection[0]))
