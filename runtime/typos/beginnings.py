"""Find beginnings of the vocabulary's words that are a few edits away from the typed letters.

A search compares only a few beginnings: those of similar length whose first letters the keyboard can explain and whose
set of letters differs little from the typed set, which takes one bit operation each. rapidfuzz measures the distance of
the rest (optimal string alignment).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from foretype.runtime.lazy import lazy
from foretype.runtime.text.vocabulary import prefix_range
from foretype.runtime.typos.keyboards import neighbours

LONGEST = 24
"""Most typed letters for which a search is made."""
_WIDTH = LONGEST + 1
_CODES = 32 * 32
_PIECE = 8192
"""Number of words that are prepared at once."""
_COMPARED = 64
"""Number of beginnings that are compared letter by letter, the most promising first."""
_EDIT = 0.005
"""Approximate odds of one edit, used to find the most promising beginnings."""


class Near(NamedTuple):
    """A beginning of words that is near the typed letters.

    text: the beginning. low, high: the words [low, high) that start with it. probability: total of these words.
    distance: edits between the beginning and the typed letters.
    """

    text: str
    low: int
    high: int
    probability: float
    distance: int


class _Letters(NamedTuple):
    """The letters of each word, from which the beginnings of all lengths are built.

    lengths: number of letters, at most `_WIDTH`. shared: number of first letters shared with the word before.
    first: the first three letters, five bits each [words, 3]. sets: letter set of the beginning of each length, one bit
    per letter [lengths, words].
    """

    lengths: NDArray[np.uint8]
    shared: NDArray[np.uint8]
    first: NDArray[np.uint16]
    sets: NDArray[np.uint32]


class _Pairs:
    """Looks up beginnings by two of their letters."""

    def __init__(self, codes: NDArray[np.uint16]) -> None:
        """codes: code of the two letters of each beginning; see `_code`."""
        self._places = np.argsort(codes, kind="stable")
        self._bounds = np.searchsorted(codes[self._places], np.arange(_CODES + 1)).tolist()

    def having(self, one: str, two: str) -> NDArray[np.intp]:
        """Return the places of the beginnings with these letters. May include others that share their code."""
        code = _code(one, two)
        return self._places[self._bounds[code] : self._bounds[code + 1]]


@dataclass(frozen=True)
class _Window:
    """The beginnings to compare with typed letters of one length: from one letter shorter to one longer.

    low, high: the words [low, high) that start with each. lengths: letters of each. sets: letter set of each, as bits.
    first_two, first_and_third, second_and_third: indexes by these letters.
    """

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    lengths: NDArray[np.uint8]
    sets: NDArray[np.uint32]
    first_two: _Pairs
    first_and_third: _Pairs
    second_and_third: _Pairs

    def alike(self, typed: str, layout: str) -> NDArray[np.intp]:
        """Return the places of the beginnings that the first letters of `typed` (at least three) may stand for."""
        one, two, three = typed[0], typed[1], typed[2]
        return np.concatenate(
            [
                self.first_two.having(one, two),
                self.first_and_third.having(one, three),  # the second letter is wrong
                self.first_and_third.having(one, two),  # a letter is missing before the second
                self.first_two.having(one, three),  # the second is one too many
                self.first_two.having(two, one),
                self.first_two.having(two, three),  # the first is one too many
                self.second_and_third.having(one, two),  # a letter is missing before the first
                *[self.first_two.having(near, two) for near in neighbours(layout).get(one, "")],
            ]
        )


class BeginningIndex:
    """Index of the beginnings of a vocabulary's words. All sessions share one.

    The first search prepares the whole vocabulary (some 10 ms for 44,000 words). The first search of each length takes
    2 ms more. `prepare` does this work ahead, a little at a time.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """keys: folded words, ascending."""
        self._keys = keys
        self._windows: dict[int, _Window] = {}
        self._pieces = max(1, -(-len(keys) // _PIECE))
        self._read: dict[int, _Letters] = {}

    def near(
        self, typed: str, layout: str, distance: int, probabilities: NDArray[np.float32], whole: bool = False
    ) -> set[Near]:
        """Return beginnings within `distance` edits of `typed`, which has 3 to LONGEST letters.

        Their lengths range from one letter shorter to one longer. At most one edit is in the first two letters, and a
        wrong first letter must be one that the keyboard explains. That leaves a fiftieth of all beginnings. Of these,
        the `_COMPARED` most promising are compared, or all of them if `whole`.

        probabilities: probability of each word [words]. whole: whether the typed word is finished, so that only
        beginnings count that are words.
        """
        window = self._window(len(typed))
        places = window.alike(typed, layout)
        # One edit changes the set of letters by at most two letters.
        differing = np.bitwise_count(window.sets[places] ^ _set(typed))
        few = np.flatnonzero(differing <= 2 * distance)
        places, least = places[few], (differing[few] + 1) // 2
        low, high = window.low[places], window.high[places]
        if whole:
            high = np.where(self._letters.lengths[low] == window.lengths[places], low + 1, low)
        sums = _sums(probabilities, low, high)
        if len(places) > _COMPARED and not whole:
            promise = sums * np.float32(_EDIT) ** np.maximum(least, 1)
            best = np.argpartition(-promise, _COMPARED)[:_COMPARED]
            places, low, high, sums = places[best], low[best], high[best], sums[best]
        texts = [
            self._keys[word][:length]
            for word, length in zip(low.tolist(), window.lengths[places].tolist(), strict=True)
        ]
        close = extract(typed, texts, scorer=OSA.distance, score_cutoff=distance, limit=None)
        return {
            Near(text, int(low[number]), int(high[number]), float(sums[number]), edits)
            for text, edits, number in close
            if high[number] > low[number]
        }

    def holding(self, typed: str) -> NDArray[np.intp]:
        """Return the positions of words that start with the first letter of `typed` and contain all its letters."""
        low, high = prefix_range(self._keys, typed[0])
        return np.flatnonzero((_set(typed) & ~self._letters.sets[-1, low:high]) == 0) + low

    def prepare(self) -> bool:
        """Do a part of the work of the first searches, which takes at most 3 ms. Return whether there is more to do."""
        for piece in range(0 if self._windows else self._pieces):
            if piece not in self._read:
                self._read[piece] = self._letters_of(piece)
                return True
        for length in range(3, LONGEST + 1):
            if length not in self._windows:
                self._window(length)
                return True
        return False

    def _window(self, length: int) -> _Window:
        found = self._windows.get(length)
        if found is None:
            found = self._windows[length] = self._made(length)
        return found

    def _made(self, middle: int) -> _Window:
        lengths, shared, first, sets = self._letters
        parts = []
        for length in range(middle - 1, middle + 2):
            low = np.flatnonzero(shared < length).astype(np.int32)
            high = np.append(low[1:], np.int32(len(shared)))
            enough = lengths[low] >= length
            low, high = low[enough], high[enough]
            letters = first[low] if length > 2 else first[low] * np.array([1, 1, 0], np.uint16)
            parts.append((low, high, np.full(len(low), length, np.uint8), sets[length - 1][low], letters))
        low, high, counts, those, letters = (np.concatenate(column) for column in zip(*parts, strict=True))
        one, two, three = letters.T
        pairs = (_Pairs(before * 32 + after) for before, after in ((one, two), (one, three), (two, three)))
        return _Window(low, high, counts, those, *pairs)

    @lazy
    def _letters(self) -> _Letters:
        pieces = [self._read.get(piece) or self._letters_of(piece) for piece in range(self._pieces)]
        self._read = {}
        return _Letters(
            np.concatenate([piece.lengths for piece in pieces]),
            np.concatenate([piece.shared for piece in pieces]),
            np.concatenate([piece.first for piece in pieces]),
            np.concatenate([piece.sets for piece in pieces], axis=1),
        )

    def _letters_of(self, piece: int) -> _Letters:
        begin = piece * _PIECE
        before = self._keys[begin - 1] if begin else ""
        cut = np.array([key[:_WIDTH] for key in (before, *self._keys[begin : begin + _PIECE])], f"<U{_WIDTH}")
        rows = cut.view(np.uint32).reshape(len(cut), _WIDTH)
        differ = rows[1:] != rows[:-1]
        rows = rows[1:]
        bits = np.where(rows > 0, np.left_shift(np.uint32(1), rows & 31), np.uint32(0))
        return _Letters(
            (rows > 0).sum(axis=1, dtype=np.uint8),
            np.where(differ.any(axis=1), differ.argmax(axis=1), _WIDTH).astype(np.uint8),
            (rows[:, :3] & 31).astype(np.uint16),
            np.ascontiguousarray(np.bitwise_or.accumulate(bits, axis=1).T),
        )


class Contractions:
    """Finds the words of a vocabulary that have an apostrophe by their letters without it."""

    def __init__(self, keys: Sequence[str]) -> None:
        """keys: folded words, ascending."""
        self._keys = keys
        found = sorted((key.replace("'", ""), place) for place, key in enumerate(keys) if "'" in key)
        self._plain = [plain for plain, _ in found]
        self._places = [place for _, place in found]

    def starting_with(self, typed: str) -> list[int]:
        """Return the positions of the words that start with `typed` only if their apostrophe is left out."""
        low, high = prefix_range(self._plain, typed)
        return [place for place in self._places[low:high] if not self._keys[place].startswith(typed)]


def _sums(probabilities: NDArray[np.float32], low: NDArray[np.int32], high: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the sum of the probabilities in each range [low, high). An empty range gives the value at `low`."""
    order = np.argsort(-low, kind="stable")  # descending, so that the gaps between ranges are not summed as well
    bounds = np.column_stack((low[order], high[order])).ravel()
    if len(bounds) and bounds.max() == len(probabilities):  # the end of a range must be an index
        probabilities = np.append(probabilities, np.float32(0))
    sums = np.empty(len(low), np.float32)
    sums[order] = np.add.reduceat(probabilities, bounds)[::2]
    return sums


def _code(one: str, two: str) -> int:
    """Return a code of five bits for each of two letters. Letters may share a code."""
    return (ord(one) & 31) * 32 + (ord(two) & 31)


def _set(letters: str) -> np.uint32:
    """Return a bit set of the letters. Letters may share a bit, which never makes two sets differ by more."""
    bits = 0
    for letter in letters:
        bits |= 1 << (ord(letter) & 31)
    return np.uint32(bits)
