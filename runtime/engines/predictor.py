"""Predict the next word: run the engines of a bundle along paths of tokens, and blend their answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import Probabilities, blend
from foretype.runtime.engines.deadline import Deadline, OutOfTimeError, TimedRuns
from foretype.runtime.engines.loading import Engines
from foretype.runtime.engines.recent_words import Recalled, recall
from foretype.runtime.engines.state_cache import StateCache
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import EngineError
from foretype.runtime.lru import LeastRecentlyUsed
from foretype.runtime.text.vocabulary import UNKNOWN_ID

KEPT_PREDICTIONS = 8
_KEPT_LIKELIEST = 64


class Parts(NamedTuple):
    """What each part of the blend predicts at one place.

    logits: neural scores [vocab]; None without the neural model, or without time for it.
    ngram: n-gram probabilities [vocab]. matched: matched order of the n-gram model.
    recalled: prediction of the recent text; None without a cache.
    """

    logits: NDArray[np.float32] | None
    ngram: Probabilities
    matched: int
    recalled: Recalled | None


@dataclass(frozen=True, eq=False)
class Prediction:
    """The words that the engines expect at one place.

    words: probability of each word of the vocabulary, 0 for those that the bundle withholds; read-only [words].
        Entry i belongs to id first_word + i.
    engine: what answered: "blend", "neural" or "ngram".
    unknown: n-gram probability of a word outside the vocabulary, relative to that of all words in it.
    """

    words: Probabilities
    engine: str
    unknown: float


class Likeliest(NamedTuple):
    """The most probable word at one place: its id, and its probability among all tokens, punctuation included."""

    token: int
    probability: float


T = TypeVar("T")
_Source = tuple[NeuralModel | None, tuple[int, ...]]
"""The neural model that answered, or None, and the tokens before the place."""


class Predictor:
    """Predicts the next token along paths of tokens, for one session. Not shared between threads.

    Only this class decides whether the neural model answers. The n-gram model answers if there is no neural model, if
    there is no time for it (see `Deadline`), or if it fails.
    """

    def __init__(self, engines: Engines, deadline: Deadline) -> None:
        self._engines = engines
        self._deadline = deadline
        self._asked = engines.engine
        self._state_cache: StateCache | None = None
        self._neural: NeuralModel | None = None  # what `_state_cache` steps
        self._predictions: LeastRecentlyUsed[_Source, Prediction] = LeastRecentlyUsed(KEPT_PREDICTIONS)
        self._likeliest: LeastRecentlyUsed[_Source, Likeliest] = LeastRecentlyUsed(_KEPT_LIKELIEST)

    def words(self, ids: tuple[int, ...]) -> Prediction:
        """Predict the word after the tokens `ids`. Recent answers are cached.

        If a run of the neural model fails, the next provider or the n-gram model replaces it, with a notice, and still
        gives an answer. Raises EngineError if an engine was requested by name and none is left.
        """
        return self._kept_or_made(self._predictions, ids, self._prediction)

    def likeliest(self, ids: tuple[int, ...]) -> Likeliest:
        """Return the likeliest word after the tokens `ids`, among all tokens. Caches and fails as `words` does."""
        return self._kept_or_made(self._likeliest, ids, self._likeliest_word)

    def prepare(self, ids: tuple[int, ...]) -> None:
        """Let the neural model read a part of `ids`, a path that will be needed soon. May do nothing."""
        if self._state_cache is not None and self._neural is self._engines.neural:
            with suppress(OutOfTimeError, EngineError):  # `words` will meet the same failure and handle it
                self._state_cache.prepare(ids)

    def rest(self) -> None:
        """Clear the caches. The next answers are the same, but take longer."""
        self._predictions.clear()
        self._likeliest.clear()
        if self._state_cache is not None:
            self._state_cache.rest()

    def lately(self, ids: tuple[int, ...]) -> Prediction | None:
        """Return the cached answer of `words` for `ids`, or None."""
        neural = self._engines.neural
        found = None if neural is None else self._predictions.get((neural, ids))
        return self._predictions.get((None, ids)) if found is None else found

    def parts(self, ids: tuple[int, ...]) -> Parts:
        """Return what each engine and the cache predict after `ids`. Raises EngineError as `words` does."""
        return self._parts(ids, self._logits(ids))

    def mix(self, parts: Parts, first: int) -> Probabilities:
        """Blend `parts` over the tokens from id `first` on, for the requested engine. The cache adds to words only."""
        alone = self._asked == "neural" and parts.logits is not None
        mixed = blend(parts.logits, None if alone else parts.ngram, self._engines.shares[parts.matched], first)
        if parts.recalled is not None:
            parts.recalled.mix_into(mixed[self._engines.vocabulary.first_word - first :])
        return mixed

    def _kept_or_made(self, kept: LeastRecentlyUsed[_Source, T], ids: tuple[int, ...], make: Callable[[Parts], T]) -> T:
        """Return the cached answer for `ids`, preferably of the neural model; else make one with what can answer."""
        neural = self._engines.neural
        found = None if neural is None else kept.get((neural, ids))
        if found is None:
            logits = self._logits(ids)
            source = None if logits is None else self._neural
            found = kept.get((None, ids)) if source is None else None
            if found is None:
                found = make(self._parts(ids, logits))
                kept.put((source, ids), found)
        return found

    def _prediction(self, parts: Parts) -> Prediction:
        words = self.mix(parts, self._engines.vocabulary.first_word)
        words[self._engines.withheld] = 0.0
        words.flags.writeable = False
        marks = float(parts.ngram[: self._engines.vocabulary.first_word].sum())
        unknown = float(parts.ngram[UNKNOWN_ID]) / max(1.0 - marks, 1e-9)
        return Prediction(words, "ngram" if parts.logits is None else self._asked, unknown)

    def _likeliest_word(self, parts: Parts) -> Likeliest:
        tokens = self.mix(parts, 0)
        words = tokens[self._engines.vocabulary.first_word :]
        words[self._engines.withheld] = 0.0
        best = int(np.argmax(words))
        return Likeliest(self._engines.vocabulary.first_word + best, float(words[best]))

    def _parts(self, ids: tuple[int, ...], logits: NDArray[np.float32] | None) -> Parts:
        engines = self._engines
        counted, matched = engines.ngram.probabilities(ids)
        recalled = recall(ids, engines.vocabulary.first_word, engines.cache) if engines.cache else None
        return Parts(logits, counted, matched, recalled)

    def _logits(self, ids: tuple[int, ...]) -> NDArray[np.float32] | None:
        """Return the neural scores after `ids`; None if the n-gram model has to answer."""
        while (neural := self._engines.neural) is not None:
            if self._state_cache is None or neural is not self._neural:
                self._neural, self._state_cache = neural, StateCache(TimedRuns(neural, self._deadline))
            try:
                return self._state_cache.logits(ids)
            except OutOfTimeError:
                return None
            except EngineError as error:
                self._engines.fall_back(neural, error)
        return None
