"""The store as a model of the next word: orders 1 to 3, interpolated, and its share of the blend.

The estimate of each order falls back on the one below it with the weight of `prior` words (MacKay and Peto 1995, the
hierarchical Dirichlet model). The share of the blend follows what each side gave to the words that came: after each
word it moves towards the probability that the personal model, of the two, was the one to predict it (a step of
expectation maximisation for mixture weights, Jelinek and Mercer 1980), separately for the longest known context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.blend import Probabilities
from foretype.runtime.candidates import ExtraWords
from foretype.runtime.personal.store import Counted, Store
from foretype.runtime.vocabulary import Vocabulary, fold, is_word, sort_key

INITIAL_SHARES = (0.08, 0.2, 0.35)
"""Shares of the blend before anything is known, where 0, 1, 2 words before the cursor are known."""
_PRIORS = (3.0, 1.0)
"""Words' worth of the lower order in the estimate of order 2 and 3."""
_WARM_UP = 200.0
"""Words learned until the first order has half its share."""
_STEP = 0.02
_LOWEST, _HIGHEST = 0.005, 0.7


class Prediction(NamedTuple):
    """What the store says at one place; all together are 1, or 0 where it knows nothing.

    inside: of each word of the vocabulary [words]. outside: of each other word, as `PersonalWords.outside` orders
    them. order: words of context that it knows here, 0 to 2. share: its weight in the blend.
    """

    inside: NDArray[np.float64]
    outside: NDArray[np.float64]
    order: int
    share: float


@dataclass(frozen=True)
class Outside:
    """Words from outside the vocabulary, in the order of their folded forms; each folded form once.

    trusted: whether a word may be offered like any other [words].
    """

    words: tuple[str, ...]
    keys: tuple[str, ...]
    trusted: NDArray[np.bool_]

    def extra(self, probabilities: NDArray[np.float64], trusted: bool) -> ExtraWords | None:
        """Those that are trusted, or the others, as candidates with their probabilities."""
        if not self.words:
            return None
        return ExtraWords(self.words, self.keys, probabilities * (self.trusted if trusted else ~self.trusted))


class PersonalWords:
    """The words of a store, over one vocabulary, for one session. Follows what this and other processes learn.

    Its methods raise StoreError.
    """

    def __init__(self, store: Store, vocabulary: Vocabulary) -> None:
        self.outside = Outside((), (), np.zeros(0, np.bool_))
        self.shares = list(INITIAL_SHARES)
        self._store = store
        self._vocabulary = vocabulary
        self.version: tuple[int, int] | None = None
        self._places: dict[int, int] = {}  # word id -> position inside, or number of inside words + position outside
        self._forms: dict[str, str] = {}  # folded form -> the user's way to write it
        self._unigrams = np.zeros(len(vocabulary.keys))
        self._scale = 1.0
        self.respelt: list[tuple[int, int]] = []
        """(position inside, position outside) of words that the user writes otherwise than the vocabulary."""

    def refresh(self) -> bool:
        """Take up what has changed in the store; whether anything has."""
        version = self._store.version()
        if version == self.version:
            return False
        self._read()
        self.version = version
        return True

    def _read(self) -> None:
        first, exact = self._vocabulary.first_word, self._vocabulary.exact
        inside = len(self._vocabulary.keys)
        rows = [row for row in self._store.rows() if is_word(row[1])]
        best: dict[str, tuple[float, str]] = {}
        other: dict[str, tuple[float, str, int]] = {}
        for _, form, weight, trust in rows:
            key = fold(form)
            best[key] = max(best.get(key, (0.0, "")), (weight, form))
            if exact.get(form, -1) < first:
                before = other.get(key, (0.0, "", 0))
                other[key] = (*max(before[:2], (weight, form)), before[2] + trust)
        self._forms = {key: form for key, (_, form) in best.items()}
        chosen = sorted(other.values(), key=lambda entry: sort_key(entry[1]))
        words = tuple(form for _, form, _ in chosen)
        trusted = np.array([trust >= self._store.config.trusted for *_, trust in chosen], np.bool_)
        self.outside = Outside(words, tuple(map(fold, words)), trusted)
        places = {key: inside + number for number, key in enumerate(self.outside.keys)}
        self._unigrams = np.zeros(inside + len(words))
        self._places = {}
        for id_, form, weight, _ in rows:
            place = exact[form] - first if exact.get(form, -1) >= first else places[fold(form)]
            self._places[id_] = place
            self._unigrams[place] += weight
        self.respelt = [
            (low - first, places[key])
            for (weight, form, _), key in zip(chosen, self.outside.keys, strict=True)
            if self._forms[key] == form and trusted[places[key] - inside]
            for low in range(*self._vocabulary.prefix_range(key))
            if self._vocabulary.keys[low - first] == key and self._unigrams[low - first] == 0.0
        ]
        self._scale = self._store.scale()
        self.shares = self._store.shares() or list(INITIAL_SHARES)

    def counted(self, counted: Sequence[Counted], before: tuple[int, int]) -> None:
        """Take up what this session has just learned, without reading all of the store.

        before: the store's version before that. New words, and words from outside the vocabulary, whose standing may
        have changed, are read anew at the next `refresh`.
        """
        known = all(self._places.get(entry.id, len(self._unigrams)) < len(self._vocabulary.keys) for entry in counted)
        if before == self.version and known:
            for entry in counted:
                self._unigrams[self._places[entry.id]] += entry.weight
            self._scale = self._store.scale()
            self.version = self._store.version()

    def own_form(self, word: str) -> str | None:
        """How the user writes `word` inside a sentence; else how the vocabulary does; None where neither knows it."""
        key = fold(word)
        found = self._forms.get(key)
        if found is None:
            id_ = self._vocabulary.find(key)
            found = self._vocabulary.tokens[id_] if id_ is not None and id_ >= self._vocabulary.first_word else None
        return found

    def predict(self, context: tuple[str, ...]) -> Prediction:
        """Probabilities of the next word after at most two words, the nearest last."""
        inside = len(self._vocabulary.keys)
        total = float(self._unigrams.sum())
        probabilities = self._unigrams / total if total else self._unigrams.copy()
        order = 0
        for length in range(1, len(context) + 1):
            rows, mass = self._store.continuations(context[-length:])
            if not rows:
                break
            order, prior = length, _PRIORS[length - 1]
            weights = mass / self._scale + prior
            probabilities *= prior / weights
            for id_, weight in rows:
                place = self._places.get(id_)
                if place is not None:
                    probabilities[place] += weight / self._scale / weights
        share = self.shares[order]
        if order == 0:
            learned = total / self._scale
            share *= learned / (learned + _WARM_UP)
        return Prediction(probabilities[:inside], probabilities[inside:], order, share if total else 0.0)

    def place(self, word: str) -> int | None:
        """The position of `word` inside the vocabulary; None for other words."""
        id_ = self._vocabulary.exact.get(word, -1)
        return id_ - self._vocabulary.first_word if id_ >= self._vocabulary.first_word else None

    def adapt(self, prediction: Prediction, modelled: Probabilities, word: str) -> None:
        """Move the share towards whichever side has predicted `word` better.

        modelled: the engines' probabilities at the same place [words].
        """
        place = self.place(word)
        if place is not None:
            personal, other = float(prediction.inside[place]), float(modelled[place])
        else:
            key = fold(word)
            number = next(
                (i for i in [np.searchsorted(self.outside.keys, key)] if self.outside.keys[i : i + 1] == (key,)), None
            )
            personal, other = 0.0 if number is None else float(prediction.outside[number]), 0.0
        share = prediction.share
        mixed = share * personal + (1.0 - share) * other
        if mixed > 0.0:
            order = prediction.order
            moved = (1.0 - _STEP) * self.shares[order] + _STEP * share * personal / mixed
            self.shares[order] = min(max(moved, _LOWEST), _HIGHEST)

    def mix(self, prediction: Prediction, modelled: Probabilities) -> tuple[Probabilities, NDArray[np.float64]]:
        """The blend, of the words inside [words] and outside; together they sum to what `modelled` does."""
        share = prediction.share
        inside: Probabilities = ((1.0 - share) * modelled + share * prediction.inside).astype(np.float32)
        outside = share * prediction.outside
        first_outside = len(inside)
        for low, place in self.respelt:
            outside[place - first_outside] += float(inside[low])
            inside[low] = 0.0
        return inside, outside
