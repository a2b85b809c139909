"""The interface of every session on a text field, whether one model answers or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from foretype.runtime.suggestion import Suggestion, Suggestions
from foretype.runtime.text.languages import Language

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Forgot, Store


class TextSession(Protocol):
    """The methods that `Session` and `Mixture` share; `Session` documents each of them."""

    private: bool

    @property
    def language(self) -> Language:
        """The language that is written at the moment."""

    @property
    def notice(self) -> str | None:
        """None, or one line that says what the session has to work without."""

    @property
    def store(self) -> Store | None:
        """The user's store; None without one."""

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """Suggest at most `k` words for the end of `text`, most useful first."""

    def phrase(self, text: str, *, confidence: float = ..., words: int = ...) -> Suggestion | None:
        """Suggest the best word for the end of `text` and the words after it, while the model is sure."""

    def corrections(self, text: str, k: int = 3, *, after: str = "", threshold: float = 0.5) -> Suggestions:
        """Suggest at most `k` corrections of the last word of `text`."""

    def finished(self, text: str) -> float:
        """The probability that the word at the end of `text` is complete."""

    def keep(self, word: str) -> None:
        """Never correct `word` again."""

    def cancel(self) -> None:
        """Make a running `suggest` answer at once. May be called from any thread."""

    def rest(self) -> None:
        """Free the memory that makes the next answer fast."""

    def add_words(self, words: Mapping[str, float]) -> None:
        """Add words of the host to the suggestions."""

    def remove_words(self, words: Iterable[str]) -> None:
        """Remove words that `add_words` added."""

    def commit(self, text: str, *, after: str | None = None, accepted: bool = False, pasted: bool = False) -> None:
        """Let the store learn from what the user writes."""

    def finish(self) -> None:
        """Learn the last word too. Call it when the user leaves the field or sends its text."""

    def learn(self, text: str) -> int:
        """Learn all of `text` at once."""

    def forget(self, phrase: str) -> Forgot:
        """Forget a word or phrase."""
