"""Words outside the vocabulary, with their probabilities: the host's own, the user's, and the bundle's rare ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.text.vocabulary import fold, prefix_range, sort_key


@dataclass(frozen=True)
class ExtraWords:
    """Words from outside the vocabulary that may be offered as well.

    words: as they are to be written; they get capitals where the typed letters have them.
    keys: folded form of each, ascending.
    probabilities: of each, on the scale of the vocabulary's words: all together sum to one. [words]
    capitalised: whether they get a capital at the start of a sentence too.
    scale: factor on all probabilities.
    """

    words: Sequence[str]
    keys: Sequence[str]
    probabilities: NDArray[np.float64]
    capitalised: bool = False
    scale: float = 1.0

    @classmethod
    def of(cls, probabilities: Mapping[str, float]) -> ExtraWords | None:
        """From word -> probability; None where there is no word."""
        words = tuple(sorted(probabilities, key=sort_key))
        return cls(words, tuple(map(fold, words)), np.array([probabilities[word] for word in words])) if words else None

    def starting_with(self, key: str) -> tuple[int, int]:
        """The range [low, high) of the words whose key starts with `key`."""
        return prefix_range(self.keys, key)
