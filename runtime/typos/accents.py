"""Find words by their letters typed without accents: "uber" or "ueber" for "über", "manana" for "mañana"."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.text.vocabulary import prefix_range

_PLAIN = {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "œ": "oe", "æ": "ae", "ŀ": "l", "·": ""}
"""Letters that Unicode does not take apart."""
_PAIRS = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
"""What people write for letters that their keyboard lacks."""
_OWN_KEYS = frozenset("йїґў")
"""Letters with a key of their own on every keyboard of their alphabet, which nobody leaves without its mark."""
Place = tuple[int, int]
"""The position of a word, and how many of its letters the typed ones stand for."""


@lru_cache(maxsize=1024)
def without_accent(letter: str) -> str:
    """Return what is typed for `letter` where accents are left out.

    >>> without_accent("é"), without_accent("ł"), without_accent("й")
    ('e', 'l', 'й')
    """
    if letter in _OWN_KEYS:
        return letter
    return _PLAIN.get(letter, unicodedata.normalize("NFD", letter)[:1])


class Unaccented:
    """The words of a vocabulary that have accents, by their letters without them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """keys: folded words, ascending."""
        self._keys = keys
        marked = [place for place, key in enumerate(keys) if not key.isascii()]
        joined = "\n".join(keys[place] for place in marked)
        single = {letter: without_accent(letter) for letter in set(joined) if not letter.isascii()}
        found: dict[tuple[str, int], dict[str, str]] = {}
        for table in (single, single | _PAIRS):
            plain = joined.translate({ord(letter): text for letter, text in table.items()}).split("\n")
            found |= {(p, m): table for p, m in zip(plain, marked, strict=bool(marked)) if p != keys[m]}
        ordered = sorted(found)
        self._plain = [plain for plain, _ in ordered]
        self._places = np.array([place for _, place in ordered], np.intp)
        self._tables = [found[key] for key in ordered]

    def starting_with(self, typed: str, probabilities: NDArray[np.float32], count: int, whole: bool) -> list[Place]:
        """Return the `count` likeliest words that start with the folded letters `typed` only without their accents.

        probabilities: probability of each word [words]. whole: only words that have no further letters.
        """
        low, high = prefix_range(self._plain, typed)
        if whole:
            high = bisect_right(self._plain, typed, low, high)
        if low == high:
            return []
        places = self._places[low:high]
        own_low, own_high = prefix_range(self._keys, typed)
        others = np.flatnonzero((places < own_low) | (places >= own_high))
        best = others[np.argsort(-probabilities[places[others]], kind="stable")]
        found: dict[int, int] = {}
        for row in best.tolist():
            place = int(places[row])
            if place not in found:
                found[place] = _letters(self._keys[place], self._tables[low + row], len(typed))
                if len(found) == count:
                    break
        return [*found.items()]


def _letters(key: str, table: Mapping[str, str], typed: int) -> int:
    """How many letters of `key` the first `typed` letters of its form without accents, by `table`, stand for."""
    length = 0
    for number, letter in enumerate(key):
        if length >= typed:
            return number
        length += len(table.get(letter, letter))
    return len(key)
