"""Connects one text field to the store: the store adds to the field's suggestions and learns from its text.

Errors of the store never interrupt typing; they are reported in `notice`.
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
"""Words that are queued while the store cannot be written. Beyond this, the oldest are dropped."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a failed write is tried again. The pause doubles each time, so that typing stays fast."""


class PersonalSession:
    """The store as one text field uses it.

    private: whether nothing is learned here. notice: None, or one line that says what is wrong with the store.
    """

    def __init__(self, store: Store, form: TextForm, filters: Filters, private: bool) -> None:
        """Raises TypeError if `store` is not a Store (for example, a path)."""
        if not isinstance(store, Store):
            raise TypeError(f"store must be a Store, not {type(store).__name__}")
        self.private = private
        self.overlooks = OVERLOOKS
        """The chance that the user overlooks a suggestion."""
        self._attention = Attention()
        self._looks = Looks()  # not written to the store yet
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
        """A value that changes when the predictions of the store may have changed."""
        return self.words.version

    def refresh(self) -> None:
        """Apply what the store has learned or forgotten since the last call."""
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
            self.words.refresh()  # last: after this, `outdated` is false

    def mix(self, words: Probabilities, before: str) -> tuple[Probabilities, ExtraWords | None, ExtraWords | None]:
        """Blend the user's words into the probabilities `words` [words] at the place after the text `before`.

        Returns the blend over the vocabulary, and two groups of the user's words outside it: those to offer like any
        other word, and those to offer if little else fits. All probabilities together sum to the sum of `words`. If the
        store cannot be read, returns `words`, None and None.
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
        """Note that the words `shown` are shown at the end of `text`, which ends with `prefix`, a partly typed word."""
        if not self.private:
            self._attention.note(text, prefix, shown)

    def follow(self, text: str, after: str | None, accepted: bool, foreign: bool) -> list[Typed]:
        """Follow an edit after which `text` stands before the cursor. Returns the words to pass to `learn_typed`."""
        if not (foreign or self.private):
            self._looks = self._looks.followed_by(self._attention.follow(text, accepted))
        # Private text must not count after `private` is switched off, not even as a context.
        typed = self._learner.follow(text, after, accepted, foreign or self.private)
        return [] if self.private else typed

    def finish(self) -> list[Typed]:
        """End this text, and let queued words be tried again at once. Returns words like `follow`."""
        self._resume_at = 0.0
        typed = self._learner.finish()
        return [] if self.private else typed

    def learn_typed(self, typed: Sequence[tuple[Typed, Probabilities | None]]) -> None:
        """Learn words, each with the engines' probabilities at its place [words], or None if they are not known."""
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
            if failed_before:  # one word is enough to find out whether the store can be written
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
        """Drop the queue of words to learn if the store was cleared since the last call. Returns whether it was."""
        cleared = self.store.cleared()
        changed = self._cleared is not None and cleared != self._cleared
        if changed:
            self._waiting.clear()
            self._looks = Looks()
            self._learner.disown()
        self._cleared = cleared
        return changed

    def keep(self, word: str) -> None:
        """Remember that `word` is right as written."""
        if not self.private and learnable(word) and not self._learner.withholds(word):
            with self._going_on("write"):
                if fold(word) not in self.store.forgotten():
                    self.store.add_to("kept", [word])

    def learn(self, text: str) -> int:
        """Learn all of `text`, and return how many of its words may be learned. Raises StoreError."""
        if self.private:
            return 0
        self.refresh()
        observations = list(self._learner.read(text))
        self.store.learn(observations)
        return len(observations)

    def forget(self, phrase: str) -> Forgot:
        """Forget a phrase like `Store.forget`, and drop the queue of words to learn."""
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
