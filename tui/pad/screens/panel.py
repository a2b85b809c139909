"""The side panel: keystrokes saved, time per suggestion, the model, and the words learned last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Sparkline, Static

from foretype.runtime.personal.store import Store
from foretype.tui.pad.statistics import Day

_MOST_WORDS = 12


class Panel(Vertical):
    """The panel beside the text; F2 shows it. Delete forgets the selected word, and Esc returns to the text."""

    class Left(Message):
        """The user returns to the text."""

    class Forgot(Message):
        """A word was forgotten."""

    def __init__(self, store: Store | None, card: str) -> None:
        super().__init__(id="panel")
        self._store = store
        self._card = card
        self._words: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(id="figures", markup=False)
        yield Static(id="latency", markup=False)
        yield Sparkline([], id="times", summary_function=max)
        yield Static(self._card, id="card", markup=False)
        yield Static("Learned last · Del forgets" if self._store else "Nothing is learned here", id="learned")
        words = OptionList(id="words")
        words.display = self._store is not None
        yield words

    def show(self, today: Day, ever: Day, times: Sequence[float]) -> None:
        """Update the figures. times: seconds that the last suggestions took."""
        rows = [
            ("saved today", f"{today.saved:.0%}"),
            ("saved ever", f"{ever.saved:.0%}"),
            ("words a minute", f"{today.words_a_minute:.0f}"),
            ("words accepted", f"{today.acceptance:.0%}"),
        ]
        self.query_one("#figures", Static).update("\n".join(f"{name:<16}{value:>6}" for name, value in rows))
        last = sorted(times)
        median = f"{last[len(last) // 2] * 1e3:.2f} ms" if last else "-"
        self.query_one("#latency", Static).update(f"{'a suggestion':<14}{median:>8}")
        self.query_one("#times", Sparkline).data = [seconds * 1e3 for seconds in times]

    def show_model(self, card: str) -> None:
        """Update the description of the model."""
        self.query_one("#card", Static).update(card)

    def show_words(self) -> None:
        """Update the list of words learned last from the store."""
        if self._store is None:
            return
        words = self.query_one("#words", OptionList)
        at = words.highlighted
        self._words = self._store.latest(_MOST_WORDS)
        words.clear_options()
        words.add_options(self._words)
        words.highlighted = min(at or 0, len(self._words) - 1) if self._words else None

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.post_message(self.Left())
        elif event.key in ("delete", "backspace") and self._store is not None:
            event.stop()
            at = self.query_one("#words", OptionList).highlighted
            if at is not None and at < len(self._words):
                self._store.forget(self._words[at])
                self.show_words()
                self.post_message(self.Forgot())


def model_card(info: dict[str, Any]) -> str:
    """Describe the model in a few lines."""
    return "\n".join(str(info[name]) for name in ("name", "language", "engine") if info.get(name))
