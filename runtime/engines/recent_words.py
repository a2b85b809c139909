"""Predict from the recent text: words just written tend to recur, above all after the same preceding words.

This is a continuous cache (Kuhn and De Mori 1990; Grave, Joulin and Usunier 2017, equations 2 and 3). Every word in the
window votes for itself. The more its context resembles the context at the cursor, the stronger the vote. Two contexts
are compared token by token, backwards, and each token that agrees multiplies the vote by `boost`. This needs no hidden
states, costs some tens of microseconds per word and also serves the n-gram fallback. It predicts nearly as well as
comparing hidden states.
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
    """How the cache weights the words of the window, and its share of the blend.

    decay: factor on a word's weight for each token that it is further back, in (0, 1].
    boost: factor for each token before the word that agrees with the end of the text, at least 1.
    shares: share of the cache in the probability if the longest match in the window is 0, 1, 2, ... tokens; each below
        1. The length of the list limits the length of a match.
    """

    decay: float
    boost: float
    shares: tuple[float, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CacheConfig:
        """Read the values of a manifest. Raises ValueError, which says which one is missing or out of range."""
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
    """The prediction of the cache: votes for words, which sum to one, and its share. A word may have several votes.

    words: position of each vote's word, id - first_word [votes]. weights: weight of each vote [votes].
    match: length of the longest match in tokens. share: weight of the cache in the blend.
    """

    words: NDArray[np.intp]
    weights: NDArray[np.float64]
    match: int
    share: float

    def probability(self, word: int) -> float:
        """Return the cache's probability of the word at this position."""
        return float(self.weights[self.words == word].sum())

    def mix_into(self, words: Probabilities) -> None:
        """Mix the cache into the probabilities [words], in place. Their sum does not change."""
        mass = float(words.sum())
        words *= 1.0 - self.share
        np.add.at(words, self.words, (self.weights * (self.share * mass)).astype(words.dtype))


class Places(NamedTuple):
    """Where the words of a window stand, and how much of the text before each agrees with the end of the window.

    tokens: the window [tokens]. places: position of each word in it [votes]. matches: length of the longest match that
    ends before each, in tokens [votes].
    """

    tokens: NDArray[np.intp]
    places: NDArray[np.intp]
    matches: NDArray[np.intp]

    @classmethod
    def find(cls, path: tuple[int, ...], first_word: int, longest: int) -> Places | None:
        """Find the words of `path`, the token ids of a window; None if it has none. `longest` bounds the matches."""
        tokens = np.array(path, np.intp)
        places = np.flatnonzero(tokens >= first_word)
        if not len(places):
            return None
        matches = np.zeros(len(tokens), np.intp)
        agrees = np.ones(len(tokens), np.bool_)
        for length in range(1, min(longest + 1, len(tokens))):
            agrees[:length] = False
            agrees[length:] &= tokens[:-length] == tokens[-length]
            if not agrees.any():
                break
            matches += agrees
        return cls(tokens, places, matches[places])

    def recalled(self, first_word: int, config: CacheConfig) -> Recalled:
        """Predict the word after the window from its words."""
        size = len(self.tokens)
        fading = _powers(config.decay, -(-size // 512) * 512)[size - 1 :: -1]
        weights = fading[self.places] * _powers(config.boost, len(config.shares))[self.matches]
        weights /= weights.sum()
        match = int(self.matches.max())
        return Recalled(self.tokens[self.places] - first_word, weights, match, config.shares[match])


def recall(path: tuple[int, ...], first_word: int, config: CacheConfig) -> Recalled | None:
    """Predict the word after `path`, the token ids of the window, from its words; None if it has no words."""
    found = Places.find(path, first_word, len(config.shares) - 1)
    return found.recalled(first_word, config) if found else None


@lru_cache(maxsize=64)
def _powers(base: float, count: int) -> NDArray[np.float64]:
    """Return base^0, base^1, ... [count]."""
    powers: NDArray[np.float64] = base ** np.arange(float(count))
    powers.flags.writeable = False
    return powers
