"""A question with a few answers, each with a key, above a diff or preview to scroll through."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_MOST_LINES = 2_000
_MOST_COMPARED = 20_000


class ChoiceScreen(ModalScreen[str]):
    """Asks `question` above `body`. The result is the key of the chosen answer, or "escape"."""

    def __init__(self, question: str, answers: Mapping[str, str], body: Text) -> None:
        """answers: key -> what the answer does."""
        super().__init__()
        self._question = question
        self._answers = dict(answers)
        self._body = body

    def compose(self) -> ComposeResult:
        keys = "   ".join(f"{key.upper()} {text}" for key, text in self._answers.items())
        with VerticalScroll(id="choice") as box:
            box.border_title = "Foretype"
            box.border_subtitle = "Esc decides later"
            yield Static(self._question, markup=False, id="question")
            yield Static(keys, markup=False, id="answers")
            yield Static(self._body, markup=False, id="body")

    def on_key(self, event: events.Key) -> None:
        if event.key in (*self._answers, "escape"):
            event.stop()
            self.dismiss(event.key)


def difference(old: str, new: str, names: tuple[str, str]) -> Text:
    """The lines that differ, in the format of `diff -u`."""
    before, after = old.split("\n"), new.split("\n")
    picture = Text()
    if len(before) + len(after) > _MOST_COMPARED:
        return Text(f"{names[0]} has {len(before)} lines, {names[1]} {len(after)}: too many to compare here")
    for number, line in enumerate(difflib.unified_diff(before, after, *names, lineterm="", n=2)):
        if number == _MOST_LINES:
            picture.append("…\n")
            break
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        picture.append(_plain(line) + "\n", style)
    return picture if picture else Text("No line differs.")


def preview(text: str) -> Text:
    """The start of a text."""
    return Text("\n".join(_plain(line) for line in text.split("\n")[:_MOST_LINES]))


def _plain(line: str) -> str:
    """Replace characters that could control the terminal."""
    return "".join(character if character.isprintable() or character == "\t" else "·" for character in line)
