"""The recent text as a model of its own: words just written come again, above all after the words they came after.

A continuous cache (Kuhn and De Mori 1990; Grave, Joulin and Usunier 2017, equations 2 and 3): every word in the window
is a vote for itself, the stronger the more alike its place and the one at the cursor are. Two places are compared by
the tokens before them: `boost` for each that agrees, counted backwards. That needs no states of a network, costs some
tens of microseconds a word, serves the n-gram fallback as well, and predicts nearly as well as comparing hidden states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import Probabilities


@dataclass(frozen=True)
class CacheConfig:
    """How the cache weighs places, and how much it counts.

    decay: factor on a place's weight for each token it lies further back, in (0, 1].
    boost: factor for each token before the place that agrees with the end of the text, at least 1.
    shares: the cache's share of the probability when the longest agreement in the window is 0, 1, 2, ... tokens; each
        below 1. Longer agreements than the list knows are not looked for.
    """

    decay: float
    boost: float
    shares: tuple[float, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CacheConfig:
        """From a manifest's plain values; a ValueError says which one is missing or not legal."""
        try:
            config = cls(float(values["decay"]), float(values["boost"]), tuple(map(float, values["shares"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"cache: needs numbers decay, boost and shares ({error})") from error
        if not 0.0 < config.decay <= 1.0:
            raise ValueError(f"cache: decay is {config.decay}; it must be above 0 and at most 1")
        if not 1.0 <= config.boost <= 1e6:
            raise ValueError(f"cache: boost is {config.boost}; it must be from 1 to 1000000")
        if not 1 <= len(config.shares) <= 9 or not all(0.0 <= share < 1.0 for share in config.shares):
            raise ValueError("cache: shares must be 1 to 9 numbers, each at least 0 and below 1")
        return config


class Recalled(NamedTuple):
    """What the cache says: votes that sum to one, for words (a word may have several), and its share.

    words: position of each vote's word, id - first_word [votes]. weights: of each vote [votes].
    match: tokens of the longest agreement. share: weight of the cache in the blend.
    """

    words: NDArray[np.intp]
    weights: NDArray[np.float64]
    match: int
    share: float

    def probability(self, word: int) -> float:
        """The cache's probability of the word at this position."""
        return float(self.weights[self.words == word].sum())

    def mix_into(self, words: Probabilities) -> None:
        """Give the cache its share of the probabilities [words], in place; their sum stays what it is."""
        mass = float(words.sum())
        words *= 1.0 - self.share
        np.add.at(words, self.words, (self.weights * (self.share * mass)).astype(words.dtype))


def recall(path: tuple[int, ...], first_word: int, config: CacheConfig) -> Recalled | None:
    """What the words of `path`, token ids of the window, say about the word that follows it; None when it has none."""
    tokens = np.array(path, np.intp)
    places = np.flatnonzero(tokens >= first_word)
    if not len(places):
        return None
    matches = np.zeros(len(tokens), np.intp)
    agrees = np.ones(len(tokens), np.bool_)
    for length in range(1, min(len(config.shares), len(tokens))):
        agrees[:length] = False
        agrees[length:] &= tokens[:-length] == tokens[-length]
        if not agrees.any():
            break
        matches += agrees
    matches = matches[places]
    fading = _powers(config.decay, -(-len(tokens) // 512) * 512)[len(tokens) - 1 :: -1]
    weights = fading[places] * _powers(config.boost, len(config.shares))[matches]
    weights /= weights.sum()
    longest = int(matches.max())
    return Recalled(tokens[places] - first_word, weights, longest, config.shares[longest])


@lru_cache(maxsize=64)
def _powers(base: float, count: int) -> NDArray[np.float64]:
    """base^0, base^1, ... [count]."""
    powers: NDArray[np.float64] = base ** np.arange(float(count))
    powers.flags.writeable = False
    return powers
