"""The personal side of one text field: what the store adds to its suggestions, and what the store learns from it.

Typing goes on whatever happens to the store: its errors become `notice`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.errors import StoreError
from foretype.runtime.filters import Blocked, Filters
from foretype.runtime.personal.learning.attention import OVERLOOKS, Attention, Looks
from foretype.runtime.personal.learning.learner import Learner, Typed
from foretype.runtime.personal.learning.rules import learnable
from foretype.runtime.personal.personal_model import PersonalWords
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.store import Forgot, Store
from foretype.runtime.text.extra_words import ExtraWords
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import fold

_MOST_WAITING = 1000
"""Words that wait while the store cannot be written; then the oldest are given up."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a store that could not be written is tried again: doubled each time, so that typing costs little."""


class PersonalSession:
    """One field over a store.

    private: whether nothing is learned here. notice: None, or one line saying what is wrong with the store.
    """

    def __init__(self, store: Store, form: TextForm, filters: Filters, private: bool) -> None:
        """Raises TypeError where `store` is no Store, such as a path."""
        if not isinstance(store, Store):
            raise TypeError(f"store must be a Store, not {type(store).__name__}")
        self.private = private
        self.overlooks = OVERLOOKS
        """The chance that the user overlooks a suggestion."""
        self._attention = Attention()
        self._looks = Looks()  # not in the store yet
        self.words = PersonalWords(store, form.vocabulary)
        self.kept: frozenset[str] = frozenset()
        """Folded words that the user does not want corrected."""
        self.blocked: Blocked = filters.blocked(form.vocabulary)
        self._troubles: dict[str, str] = {}
        self._cleared: float | None = None
        self.store = store
        self._vocabulary = form.vocabulary
        self._filters = filters
        self._learner = Learner(form, self.words)
        self._waiting: deque[Observation] = deque(maxlen=_MOST_WAITING)
        self._pause = 0.0
        self._resume_at = 0.0
        self._lists: tuple[object, ...] | None = None

    @property
    def notice(self) -> str | None:
        """None, or one line about the store."""
        if "write" in self._troubles:
            return f"nothing is learned: {self._troubles['write']}"
        if "read" in self._troubles:
            return f"your own words are not used: {self._troubles['read']}"
        return self.store.notice

    @property
    def version(self) -> object:
        """Differs when what the store says may differ."""
        return self.words.version

    def refresh(self) -> None:
        """Take up what the store has learned or forgotten meanwhile."""
        with self._going_on("read"):
            if not self.words.outdated():
                return
            never, allowed = self.store.listed("never"), self.store.listed("allowed")
            self.kept = self.store.listed("kept")
            self.overlooks = self.store.looks().chance_overlooked(OVERLOOKS)
            forgotten = self.store.forgotten()
            lists = (never, allowed, forgotten.hashes)
            if lists != self._lists:
                self._lists = lists
                merged = Filters(self._filters.never | never, self._filters.offensive, self._filters.allowed | allowed)
                self.blocked = merged.blocked(self._vocabulary, forgotten)
            self._note_cleared()
            self.words.refresh()  # last: it ends what is out of date

    def mix(self, words: Probabilities, before: str) -> tuple[Probabilities, ExtraWords | None, ExtraWords | None]:
        """Blend the user's words into `words` [words], at the place after the text `before`.

        Returns the blend over the vocabulary, and the user's other words: those to be offered like any other, and those
        to be offered where little else fits. All together sum to what `words` did. Without a store that can be read,
        `words` and None.
        """
        prediction = None
        with self._going_on("read"):
            prediction = self.words.predict(self._learner.context(before))
        if prediction is None or not prediction.share:
            return words, None, None
        inside, outside = self.words.mix(prediction, words)
        unknown, trusted = self.words.outside, self.words.trusted
        return inside, unknown.extra(outside, trusted), unknown.extra(outside, ~trusted)

    def note_shown(self, text: str, prefix: str, shown: Collection[str]) -> None:
        """Words are shown at the end of `text`, which ends with `prefix`, the letters typed of a word."""
        if not self.private:
            self._attention.note(text, prefix, shown)

    def follow(self, text: str, after: str | None, accepted: bool, foreign: bool) -> list[Typed]:
        """`text` stands before the cursor now; returns the words that count from now on, for `learn_typed`."""
        if not (foreign or self.private):
            self._looks = self._looks.followed_by(self._attention.follow(text, accepted))
        # What is private now must not count once the switch is off, not even as a context.
        typed = self._learner.follow(text, after, accepted, foreign or self.private)
        return [] if self.private else typed

    def finish(self) -> list[Typed]:
        """Nothing more comes in this text, and words that wait are tried once more; returns as `follow`."""
        self._resume_at = 0.0
        typed = self._learner.finish()
        return [] if self.private else typed

    def learn_typed(self, typed: Sequence[tuple[Typed, Probabilities | None]]) -> None:
        """Learn words, each with the engines' probabilities at its place [words], where they are known."""
        if typed:
            with self._going_on("read"):
                if self._note_cleared():
                    typed = []
        self._waiting.extend(word.observation for word, _ in typed)
        if not self._waiting or time.monotonic() < self._resume_at:
            return
        failed_before = self._pause > 0.0
        self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
        self._resume_at = time.monotonic() + self._pause
        with self._going_on("write"):
            for word, probabilities in typed:
                if probabilities is not None:
                    prediction = self.words.predict(word.observation.context)
                    self.words.adapt(prediction, probabilities, word.observation.word)
            if failed_before:  # one word shows as well whether the store can be written
                self._learn_waiting(1)
            self._learn_waiting(len(self._waiting))
            self._pause = self._resume_at = 0.0

    def _learn_waiting(self, count: int) -> None:
        learned = self.store.learn(list(islice(self._waiting, count)), self.words.shares, self._looks)
        self._looks = Looks()
        for _ in range(count):
            self._waiting.popleft()
        self.words.counted(learned)

    def _note_cleared(self) -> bool:
        """Where everything was forgotten meanwhile, give up what waits to be learned from before; returns whether."""
        cleared = self.store.cleared()
        changed = self._cleared is not None and cleared != self._cleared
        if changed:
            self._waiting.clear()
            self._looks = Looks()
            self._learner.disown()
        self._cleared = cleared
        return changed

    def keep(self, word: str) -> None:
        """Remember that `word` is right as it stands."""
        if not self.private and learnable(word) and not self._learner.withholds(word):
            with self._going_on("write"):
                if fold(word) not in self.store.forgotten():
                    self.store.add_to("kept", [word])

    def learn(self, text: str) -> int:
        """Learn all of `text`; returns how many words. Raises StoreError."""
        if self.private:
            return 0
        self.refresh()
        observations = list(self._learner.read(text))
        self.store.learn(observations)
        return len(observations)

    def forget(self, phrase: str) -> Forgot:
        """As `Store.forget`; nothing of it waits to be learned either."""
        self._waiting.clear()
        return self.store.forget(phrase)

    @contextmanager
    def _going_on(self, doing: str) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self._troubles[doing] = str(error)
        else:
            self._troubles.pop(doing, None)
