"""Find words by their letters typed without accents: "uber" or "ueber" for "über", "manana" for "mañana"."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
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
        letters = {letter for letter in set(joined) if not letter.isascii()}
        single = str.maketrans({letter: without_accent(letter) for letter in letters})
        double = str.maketrans({letter: _PAIRS.get(letter, without_accent(letter)) for letter in letters})
        found: set[tuple[str, int]] = set()
        for table in (single, double):
            plain = joined.translate(table).split("\n")
            found.update((p, place) for p, place in zip(plain, marked, strict=bool(marked)) if p != keys[place])
        ordered = sorted(found)
        self._plain = [plain for plain, _ in ordered]
        self._places = np.array([place for _, place in ordered], np.intp)

    def starting_with(self, typed: str, probabilities: NDArray[np.float32], count: int, whole: bool) -> list[Place]:
        """Return the `count` likeliest words that start with the folded letters `typed` only without their accents.

        probabilities: probability of each word [words]. whole: only words that have no further letters.
        """
        low, high = prefix_range(self._plain, typed)
        if low == high:
            return []
        places = self._places[low:high]
        order = np.argsort(-probabilities[places], kind="stable")
        found: dict[int, int] = {}
        for row in order.tolist():
            place, plain = int(places[row]), self._plain[low + row]
            key = self._keys[place]
            if place in found or key.startswith(typed) or (whole and plain != typed):
                continue
            found[place] = len(key) if len(plain) == len(typed) else self._letters(key, plain, len(typed))
            if len(found) == count:
                break
        return [*found.items()]

    @staticmethod
    def _letters(key: str, plain: str, typed: int) -> int:
        """How many letters of `key` the first `typed` letters of `plain` stand for."""
        pairs = len(plain) > len(key)
        length = 0
        for number, letter in enumerate(key):
            if length >= typed:
                return number
            single = without_accent(letter)
            length += len(_PAIRS.get(letter, single) if pairs else single)
        return len(key)
