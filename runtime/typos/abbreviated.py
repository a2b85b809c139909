"""Recognise abbreviated typing: letters omitted after the first, such as "abt" for about and "tmrw" for tomorrow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.typos.beginnings import BeginningIndex

SHORTEST, LONGEST = 3, 6
"""Shortest and longest abbreviation, in letters."""
_ODDS = 0.01
"""Probability that somebody who means a word types it without its vowels."""
_CONSONANT = 0.3
"""Factor for each consonant that is omitted too, except the second letter of a double."""
_LEAST_LEFT_OUT = 2
"""Fewest letters that an abbreviation omits; a single omitted letter is a slip."""
_LIKELY = 1e-6
"""Probability below which the context does not support a word."""
_COMPARED = 40
_VOWELS = frozenset("aeiouy'")


def abbreviated(
    typed: str, keys: tuple[str, ...], index: BeginningIndex, probabilities: NDArray[np.float32]
) -> list[tuple[int, float]]:
    """Return the positions of the words that `typed`, folded, may abbreviate, each with its odds (see `odds`).

    keys: all words, folded. index: their beginnings. probabilities: probability of each word here [words].
    """
    if not SHORTEST <= len(typed) <= LONGEST or not typed.isalpha():
        return []
    places = index.holding(typed)
    likely = probabilities[places]
    places, likely = places[likely > _LIKELY], likely[likely > _LIKELY]
    if len(places) > _COMPARED:
        places = places[np.argpartition(-likely, _COMPARED)[:_COMPARED]]
    found = ((place, odds(typed, keys[place])) for place in places.tolist())
    return [(place, value) for place, value in found if value > 0.0]


def odds(typed: str, word: str) -> float:
    """Return the odds that somebody who means `word` types `typed`; 0 if `typed` is not an abbreviation of it.

    >>> odds("abt", "about") > odds("smth", "something") > odds("abt", "abandonment") > odds("abt", "bat") == 0.0
    True
    """
    if len(word) - len(typed) < _LEAST_LEFT_OUT or typed[0] != word[0]:
        return 0.0
    value, place = _ODDS, 1
    for letter in typed[1:]:
        found = word.find(letter, place)
        if found < 0:
            return 0.0
        value *= _left_out(word, place, found)
        place = found + 1
    return value * _left_out(word, place, len(word))


def _left_out(word: str, begin: int, end: int) -> float:
    """Return the factor for omitting the letters [begin, end) of `word`."""
    kept = [word[at] for at in range(begin, end) if word[at] not in _VOWELS and word[at] != word[at - 1]]
    return float(_CONSONANT ** len(kept))
