"""Find the intended words when the typed letters lead nowhere: neighbours of the letters, weighted by the context.

This is a noisy channel (Kernighan, Church and Gale 1990; Brill and Moore 2000): the weight of a word is its probability
in the context times the odds that somebody who means it types these letters (`runtime.typos.error_model`). The letters
of an unfinished word are compared with the beginnings of words: `runtime.typos.beginnings` finds those within a small
distance, and the odds rank them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.lazy import lazy
from foretype.runtime.typos.abbreviated import abbreviated
from foretype.runtime.typos.accents import Unaccented
from foretype.runtime.typos.beginnings import LONGEST, BeginningIndex, Contractions
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.keyboards import neighbours

LITTLE = 0.0002
"""If the words that continue the typed letters are less probable than this, rare words and corrections are offered."""
SHORTEST = 3
"""Fewest letters that are corrected: any two letters are near too many words."""
_WEIGHED = 10
"""Number of beginnings whose odds are computed, the most promising first: the odds take most of the time."""
_UNACCENTED = 8
"""Most words offered for letters typed without accents."""
_HOPELESS = 1e-4
"""Beginnings that promise less than this fraction of the best are skipped: odds of equal distance differ less."""


class Meant(NamedTuple):
    """A range of words that start alike and may be meant.

    low, high: positions of the words [low, high). letters: how many letters of each word are already typed, correctly
    or not. odds: odds that they were typed this way, relative to being typed as intended.
    """

    low: int
    high: int
    letters: int
    odds: float


@dataclass(frozen=True)
class TypoConfig:
    """When and how typed letters are taken for slips.

    errors: the odds of slips.
    trusted: if the words that start with the typed letters have at least this probability in total, given the context
        alone, nothing else is searched for: a slip could hardly be likelier.
    unknown: probability of a single word of at most five letters that is not in the vocabulary. The correction of a
        finished word competes with it.
    longer: factor on `unknown` for each further letter.
    """

    errors: ErrorModel = ErrorModel()  # noqa: RUF009
    trusted: float = LITTLE
    unknown: float = 1e-7
    longer: float = 0.25

    def unknown_word(self, letters: int) -> float:
        """Return the probability of a single unknown word with this number of letters."""
        return self.unknown * self.longer ** max(0, letters - 5)


class NeighbourIndex:
    """The index in which slips are looked up. All sessions of a model share one."""

    def __init__(self, keys: Sequence[str]) -> None:
        """keys: folded words, ascending."""
        self.keys = tuple(keys)
        self.beginnings = BeginningIndex(keys)

    @lazy
    def contractions(self) -> Contractions:
        """The words with an apostrophe."""
        return Contractions(self.keys)

    @lazy
    def unaccented(self) -> Unaccented:
        """The words with accents."""
        return Unaccented(self.keys)


class Typos:
    """Finds the words that may be meant instead of the typed letters."""

    def __init__(self, index: NeighbourIndex, config: TypoConfig) -> None:
        neighbours(config.errors.layout)  # raises an error for an unknown layout now, not at the first slip
        self.config = config
        self.kept: frozenset[str] = frozenset()
        """Folded words that the writer wants as they are."""
        self._index = index

    def meant(
        self, typed: str, probabilities: NDArray[np.float32], trusted: float = 0.0, whole: bool = False
    ) -> list[Meant]:
        """Return the words that the folded letters `typed` may stand for, likelier ones later. Ranges may overlap.

        Covers slips, abbreviations ("tmrw"), and words whose apostrophe or accents were left out.

        probabilities: probability of each word here [words].
        trusted: probability of the words that start with `typed`, which are not in the answer. If it is high enough,
            the answer contains only words with an apostrophe or accents, which people leave out without thinking.
        whole: whether the word is finished, so that all its letters count.
        """
        places = self._index.contractions.starting_with(typed) if len(typed) > 1 else []
        left_out = [
            Meant(place, place + 1, len(typed) + 1, self.config.errors.apostrophe)
            for place in places
            if not whole or len(self._index.keys[place]) == len(typed) + 1
        ]
        unaccented = self._index.unaccented.starting_with(typed, probabilities, _UNACCENTED, whole)
        left_out += [Meant(place, place + 1, letters, self.config.errors.accent) for place, letters in unaccented]
        if trusted >= self.config.trusted or not SHORTEST <= len(typed) <= LONGEST or typed in self.kept:
            return left_out
        index = self._index
        short = abbreviated(typed, index.keys, index.beginnings, probabilities)
        abbreviations = [Meant(place, place + 1, len(index.keys[place]), odds) for place, odds in short]
        return sorted(self._slips(typed, probabilities, whole) + abbreviations, key=_odds) + left_out

    def prepare(self) -> bool:
        """Prepare a part of the search for slips, which takes at most 3 ms. Return whether there is more to prepare."""
        return self._index.beginnings.prepare()

    def _slips(self, typed: str, probabilities: NDArray[np.float32], whole: bool) -> list[Meant]:
        distance = 1 if len(typed) < 4 else 2 if len(typed) < 9 else 3
        errors = self.config.errors
        near = self._index.beginnings.near(typed, errors.layout, distance, probabilities, whole)
        promising = sorted(
            ((found.probability * (errors.slips / 8) ** found.distance, found) for found in near if found.distance),
            reverse=True,
        )
        return [
            Meant(found.low, found.high, len(found.text), errors.odds(typed, found.text))
            for promise, found in promising[:_WEIGHED]
            if promise >= promising[0][0] * _HOPELESS
        ]


def _odds(words: Meant) -> float:
    return words.odds
