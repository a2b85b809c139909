"""The store as a next-word model: interpolated n-grams of orders 1 to 3, and their share of the blend.

The estimate of each order backs off to the order below it with the weight of `prior` words (MacKay and Peto 1995, the
hierarchical Dirichlet model). The share of the blend adapts to how well each side predicts: after each word it moves
towards the posterior probability that the word came from the personal model (a step of expectation maximisation for
mixture weights, Jelinek and Mercer 1980). There is a separate share for each length of the longest known context.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.personal.store import Learned, Store, Version
from foretype.runtime.personal.unknown_words import OutsideWords
from foretype.runtime.text.vocabulary import Vocabulary, fold, is_word

INITIAL_SHARES = (0.08, 0.2, 0.35)
"""Initial shares of the blend if 0, 1 or 2 words before the cursor are known."""
_PRIORS = (3.0, 1.0)
"""Weight of the lower order in the estimates of order 2 and 3, in words."""
_WARM_UP = 200.0
"""Number of learned words at which the first order has half of its share."""
_STEP = 0.02
_LOWEST, _HIGHEST = 0.005, 0.7


class PersonalPrediction(NamedTuple):
    """The store's prediction at one place. All probabilities sum to 1, or to 0 if the store is empty.

    inside: probability of each word of the vocabulary [words]. outside: probability of each other word, in the order of
    `PersonalWords.outside`. order: number of context words that the store knows here, 0 to 2. share: the weight of this
    prediction in the blend.
    """

    inside: NDArray[np.float64]
    outside: NDArray[np.float64]
    order: int
    share: float


class PersonalWords:
    """The words of a store, mapped to one vocabulary, for one session. Follows what this and other processes learn.

    Its methods raise StoreError.
    """

    def __init__(self, store: Store, vocabulary: Vocabulary) -> None:
        self.outside = OutsideWords()
        self.shares = list(INITIAL_SHARES)
        self._store = store
        self._vocabulary = vocabulary
        self.version: Version | None = None
        self._places: dict[int, int | str] = {}  # word id -> position inside, or folded form of a word outside
        self._weights: dict[str, float] = {}  # form -> weight
        self._forms: dict[str, str] = {}  # folded form -> the form that the user writes most
        self._inside = np.zeros(len(vocabulary.keys))
        self._scale = 1.0
        self._respelt: dict[str, range] = {}
        """Folded form -> positions inside the vocabulary of words that the user also writes in another form."""

    def outdated(self) -> bool:
        """Whether the store has changed since it was read."""
        return self._store.version() != self.version

    def refresh(self) -> None:
        """Read the store again if it has changed."""
        version = self._store.version()
        if version != self.version:
            self._read()
            self.version = version

    def _read(self) -> None:
        outside: list[tuple[str, str, float, int]] = []
        self._inside = np.zeros(len(self._vocabulary.keys))
        self._places, self._weights, self._forms, self._respelt = {}, {}, {}, {}
        for id_, form, key, weight, trust in self._store.rows():
            if not is_word(form):
                continue
            place = self._note(id_, form, key, weight)
            if place is None:
                outside.append((key, form, weight, trust))
            else:
                self._inside[place] = weight
        self.outside.fill(outside)
        self._scale = self._store.scale()
        self.shares = self._store.shares() or list(INITIAL_SHARES)

    def _note(self, id_: int, form: str, key: str, weight: float) -> int | None:
        """Remember a form and its weight. Returns its position inside the vocabulary, or None if it is outside."""
        self._weights[form] = weight
        usual = self._forms.get(key)
        if usual is None or weight > self._weights[usual]:
            self._forms[key] = form
        place = self.place(form)
        if place is None:
            self._places[id_] = key
            low, high = self._vocabulary.prefix_range(key)
            first = self._vocabulary.first_word
            same = next((i for i in range(low, high) if self._vocabulary.keys[i - first] != key), high)
            if same > low:
                self._respelt[key] = range(low - first, same - first)
        else:
            self._places[id_] = place
        return place

    def counted(self, learned: Learned) -> None:
        """Apply what this session has just learned, without reading the whole store again."""
        if learned.before != self.version:  # another session or process has changed it too
            return
        for entry in learned.counted:
            if not is_word(entry.form):
                continue
            weight = self._weights.get(entry.form, 0.0) + entry.weight
            key = fold(entry.form)
            place = self._note(entry.id, entry.form, key, weight)
            if place is None:
                self.outside.add(key, entry.form, entry.weight, entry.trust, weight)
            else:
                self._inside[place] += entry.weight
        self._scale = learned.scale
        self.version = learned.after

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Which words outside the vocabulary may be offered like any other [words outside]."""
        return self.outside.trust >= self._store.config.trusted

    def own_form(self, word: str) -> str | None:
        """How the user, or else the vocabulary, writes `word` inside a sentence; None if neither knows it."""
        key = fold(word)
        found = self._forms.get(key)
        if found is None:
            id_ = self._vocabulary.find(key)
            found = self._vocabulary.tokens[id_] if id_ is not None and id_ >= self._vocabulary.first_word else None
        return found

    def predict(self, context: tuple[str, ...]) -> PersonalPrediction:
        """Predict the next word after a context of at most two words, nearest last."""
        total = float(self._inside.sum() + self.outside.uses.sum())
        inside, outside = self._inside / max(total, 1e-30), self.outside.uses / max(total, 1e-30)
        order = 0
        for length in range(1, len(context) + 1):
            rows, mass = self._store.continuations(context[-length:])
            if not rows:
                break
            order, prior = length, _PRIORS[length - 1]
            weights = mass / self._scale + prior
            inside *= prior / weights
            outside *= prior / weights
            for id_, weight in rows:
                place = self._places.get(id_)
                if isinstance(place, int):
                    inside[place] += weight / self._scale / weights
                elif place is not None and (number := self.outside.find(place)) is not None:
                    outside[number] += weight / self._scale / weights
        share = self.shares[order]
        if order == 0:
            learned = total / self._scale
            share *= learned / (learned + _WARM_UP)
        return PersonalPrediction(inside, outside, order, share if total else 0.0)

    def place(self, word: str) -> int | None:
        """The position of `word` inside the vocabulary; None if it is not in it."""
        id_ = self._vocabulary.exact.get(word, -1)
        return id_ - self._vocabulary.first_word if id_ >= self._vocabulary.first_word else None

    def adapt(self, prediction: PersonalPrediction, modelled: Probabilities, word: str) -> None:
        """Move the share towards the side that predicted `word` better.

        modelled: the engines' probabilities at the same place [words].
        """
        place = self.place(word)
        if place is not None:
            personal, other = float(prediction.inside[place]), float(modelled[place])
        else:
            number = self.outside.find(fold(word))
            personal, other = 0.0 if number is None else float(prediction.outside[number]), 0.0
        share = prediction.share
        mixed = share * personal + (1.0 - share) * other
        if mixed > 0.0:
            order = prediction.order
            moved = (1.0 - _STEP) * self.shares[order] + _STEP * share * personal / mixed
            self.shares[order] = min(max(moved, _LOWEST), _HIGHEST)

    def mix(self, prediction: PersonalPrediction, modelled: Probabilities) -> tuple[Probabilities, NDArray[np.float64]]:
        """Blend the words inside [words] and outside the vocabulary. Both together sum to the sum of `modelled`."""
        share = prediction.share
        inside: Probabilities = ((1.0 - share) * modelled + share * prediction.inside).astype(np.float32)
        outside = share * prediction.outside
        trusted = self.trusted
        for key, places in self._respelt.items():
            number = self.outside.find(key)
            if number is not None and trusted[number] and self._forms[key] == self.outside.words[number]:
                for place in places:
                    if self._inside[place] == 0.0:
                        outside[number] += float(inside[place])
                        inside[place] = 0.0
        return inside, outside
