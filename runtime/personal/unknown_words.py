"""The user's words that are not in the vocabulary."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.text.extra_words import ExtraWords


class OutsideWords:
    """Words sorted by folded form. Each folded form occurs once, in the form that the user writes most.

    words: the forms. keys: the folded forms. uses: weights [words]. trust: see `StoreConfig.trusted` [words].
    """

    def __init__(self) -> None:
        self.words: tuple[str, ...] = ()
        self.keys: tuple[str, ...] = ()
        self.uses: NDArray[np.float64] = np.zeros(0)
        self.trust: NDArray[np.int64] = np.zeros(0, np.int64)
        self._most: dict[str, float] = {}  # folded form -> weight of its heaviest form

    def fill(self, rows: list[tuple[str, str, float, int]]) -> None:
        """Replace the content with these words (folded form, form, weight, trust)."""
        rows = sorted(rows)
        starts = [number for number, row in enumerate(rows) if not number or row[0] != rows[number - 1][0]]
        groups = [rows[start:end] for start, end in pairwise([*starts, len(rows)])]
        best = [max(group, key=lambda row: row[2]) for group in groups]
        self.words = tuple(row[1] for row in best)
        self.keys = tuple(row[0] for row in best)
        self.uses = np.array([sum(row[2] for row in group) for group in groups])
        self.trust = np.array([sum(row[3] for row in group) for group in groups], np.int64)
        self._most = {row[0]: row[2] for row in best}

    def add(self, key: str, form: str, weight: float, trust: int, of_form: float) -> None:
        """Count `form` once more. `of_form` is its weight after that."""
        place = bisect_left(self.keys, key)
        if self.keys[place : place + 1] != (key,):
            self.words = (*self.words[:place], form, *self.words[place:])
            self.keys = (*self.keys[:place], key, *self.keys[place:])
            self.uses = np.insert(self.uses, place, weight)
            self.trust = np.insert(self.trust, place, trust)
        else:
            self.uses[place] += weight
            self.trust[place] += trust
            if of_form > self._most[key] and form != self.words[place]:
                self.words = (*self.words[:place], form, *self.words[place + 1 :])
        self._most[key] = max(of_form, self._most.get(key, 0.0))

    def find(self, key: str) -> int | None:
        """The position of the word with this folded form; None if there is none."""
        place = bisect_left(self.keys, key)
        return place if self.keys[place : place + 1] == (key,) else None

    def extra(self, probabilities: NDArray[np.float64], chosen: NDArray[np.bool_]) -> ExtraWords | None:
        """The words that are `chosen` [words], as candidates with their probabilities [words]."""
        return ExtraWords(self.words, self.keys, probabilities * chosen, capitalised=True) if self.words else None
