"""Blend in words that the host supplies at run time, such as contacts and project terms, without any learning.

A weight says how often a word is expected. Weight 1 is once in `WORDS_PER_USE` words, as often as one of the two
thousand most frequent words. That is too little to be shown before the first letter, but enough to appear after one to
three letters. The words are mixed in linearly, as a distribution that is independent of the context.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping

import numpy as np

from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.errors import ConfigError
from foretype.runtime.text.context import MAXIMUM_WORD
from foretype.runtime.text.extra_words import ExtraWords
from foretype.runtime.text.vocabulary import Vocabulary

WORDS_PER_USE = 10_000
HIGHEST_WEIGHT = 1000.0
HIGHEST_SHARE = 0.2
"""Largest share of the probability. If the weights ask for more, all are scaled down together."""


class HostWords:
    """The host's words for one session.

    share: their share of the probability.
    outside: those that are not in the vocabulary, with their probabilities; None if there are none.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.share = 0.0
        self.outside: ExtraWords | None = None
        self._vocabulary = vocabulary
        self._weights: dict[str, float] = {}
        self._inside = np.zeros(0, np.intp)
        self._inside_probabilities = np.zeros(0, np.float32)

    def add(self, words: Mapping[str, float]) -> None:
        """Add words, or change their weights. Raises ConfigError, and adds none, if one is not allowed."""
        weights = {_checked(word): _checked_weight(word, weight) for word, weight in words.items()}
        self._set(self._weights | weights)

    def remove(self, words: Iterable[str]) -> None:
        """Remove words. Unknown words are ignored."""
        gone = {unicodedata.normalize("NFC", word) for word in words}
        self._set({word: weight for word, weight in self._weights.items() if word not in gone})

    def _set(self, weights: dict[str, float]) -> None:
        self._weights = weights
        total = sum(weights.values()) / WORDS_PER_USE
        self.share = min(total, HIGHEST_SHARE)
        scale = self.share / total / WORDS_PER_USE if total else 0.0
        first, exact = self._vocabulary.first_word, self._vocabulary.exact
        inside = {word: exact[word] - first for word in weights if exact.get(word, -1) >= first}
        self._inside = np.array(list(inside.values()), np.intp)
        self._inside_probabilities = np.array([weights[word] * scale for word in inside], np.float32)
        self.outside = ExtraWords.of({word: weights[word] * scale for word in weights if word not in inside})

    def mix_into(self, words: Probabilities) -> None:
        """Mix the host's words into the probabilities [words], in place.

        Together with the probabilities of `outside`, the sum does not change.
        """
        if self.share:
            words *= 1.0 - self.share
            words[self._inside] += self._inside_probabilities


def _checked(word: str) -> str:
    word = unicodedata.normalize("NFC", word)
    if not (0 < len(word) <= MAXIMUM_WORD and word[0].isalpha() and word.isprintable() and " " not in word):
        legal = f"starts with a letter, has no spaces, at most {MAXIMUM_WORD} characters"
        raise ConfigError(f"word {word[:80]!r} cannot be suggested; expected {legal}")
    return word


def _checked_weight(word: str, weight: float) -> float:
    if not (math.isfinite(weight) and 0.0 < weight <= HIGHEST_WEIGHT):
        raise ConfigError(f"weight of {word!r} is {weight}; it must be above 0 and at most {HIGHEST_WEIGHT:g}")
    return float(weight)
