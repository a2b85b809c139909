"""Words outside the vocabulary, with their probabilities: those of the host, the user and the bundle's lexicon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.text.vocabulary import fold, prefix_range, sort_key


@dataclass(frozen=True)
class ExtraWords:
    """Words from outside the vocabulary that may be offered as well.

    words: the words as written; they get capitals if the typed letters have them.
    keys: folded form of each, ascending.
    probabilities: probability of each [words], on the scale of the vocabulary's words: all together sum to one.
    capitalised: whether they also get a capital at the start of a sentence.
    scale: factor on all probabilities.
    """

    words: Sequence[str]
    keys: Sequence[str]
    probabilities: NDArray[np.float64]
    capitalised: bool = False
    scale: float = 1.0

    @classmethod
    def of(cls, probabilities: Mapping[str, float]) -> ExtraWords | None:
        """Build from a mapping of word to probability; None if it is empty."""
        words = tuple(sorted(probabilities, key=sort_key))
        return cls(words, tuple(map(fold, words)), np.array([probabilities[word] for word in words])) if words else None

    def starting_with(self, key: str) -> tuple[int, int]:
        """Return the range [low, high) of the words whose key starts with `key`."""
        return prefix_range(self.keys, key)
