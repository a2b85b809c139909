"""What every session on a text field can do, whether one model answers or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from foretype.runtime.suggestion import Suggestion, Suggestions

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Forgot, Store


class TextSession(Protocol):
    """The verbs that `Session` and `Mixture` share; `Session` documents each of them."""

    private: bool

    @property
    def notice(self) -> str | None:
        """None, or one line saying what the session goes on without."""

    @property
    def store(self) -> Store | None:
        """The user's store; None without one."""

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """At most `k` words for the place at the end of `text`, most useful first."""

    def phrase(self, text: str, *, confidence: float = ..., words: int = ...) -> Suggestion | None:
        """The best word for the end of `text` and the words after it, while the model is sure."""

    def corrections(self, text: str, k: int = 3, *, after: str = "", threshold: float = 0.5) -> Suggestions:
        """At most `k` words that may be meant by the last word of `text`."""

    def keep(self, word: str) -> None:
        """Take `word` for what its writer wants."""

    def cancel(self) -> None:
        """Make a `suggest` that is under way answer at once. May be called from any thread."""

    def rest(self) -> None:
        """Give back the memory that makes the next answer fast."""

    def add_words(self, words: Mapping[str, float]) -> None:
        """Let the host's own words be suggested here."""

    def remove_words(self, words: Iterable[str]) -> None:
        """Take words that `add_words` gave out again."""

    def commit(self, text: str, *, after: str | None = None, accepted: bool = False, pasted: bool = False) -> None:
        """Let the store learn from what the user writes."""

    def finish(self) -> None:
        """The user leaves the field, or sends its text."""

    def learn(self, text: str) -> int:
        """Learn all of `text` at once."""

    def forget(self, phrase: str) -> Forgot:
        """Forget a word or phrase."""
