"""Words that may be meant where what is typed leads nowhere: neighbours of the typed letters, weighed by the context.

A noisy channel (Kernighan, Church and Gale 1990; Brill and Moore 2000): a word counts by its probability in this
context times the odds that somebody who means it types these letters (`runtime.typos.error_model`). For an unfinished
word the letters are compared with the beginnings of words: `runtime.typos.beginnings` finds those within a small
distance, and the odds rank what it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.lazy import lazy
from foretype.runtime.typos.abbreviated import abbreviated
from foretype.runtime.typos.beginnings import LONGEST, BeginningIndex, Contractions
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.keyboards import neighbours

LITTLE = 0.0002
"""Probability below which words that go on from the typed letters leave room for others: rare ones, slips."""
SHORTEST = 3
"""Letters below which nothing is corrected: any two letters are near too many words."""
_WEIGHED = 10
"""Beginnings whose odds are looked at, the most promising first: the odds take most of the time."""
_HOPELESS = 1e-4
"""Nor are those that promise less than this part of the best: odds of equal distance differ less."""


class Meant(NamedTuple):
    """Words that may be meant: those of a range that start alike.

    low, high: positions of the words [low, high). letters: how many of a word's letters are typed already, rightly or
    wrongly. odds: that they were typed so, against being typed as meant.
    """

    low: int
    high: int
    letters: int
    odds: float


@dataclass(frozen=True)
class TypoConfig:
    """When, and how, typed letters are taken for slips.

    errors: the odds of slips. trusted: where the words that start with the typed letters have at least this
    probability together, before a letter is looked at, nothing else is sought: a slip could hardly be likelier.
    unknown: the probability of any one word of at most five letters that the vocabulary does not hold, against which a
    correction of a finished word has to stand. longer: factor on it for each further letter.
    """

    errors: ErrorModel = ErrorModel()  # noqa: RUF009
    trusted: float = LITTLE
    unknown: float = 1e-7
    longer: float = 0.25

    def unknown_word(self, letters: int) -> float:
        """The probability of any one unknown word of so many letters."""
        return self.unknown * self.longer ** max(0, letters - 5)


class NeighbourIndex:
    """What slips are looked up in; one for all sessions of a model."""

    def __init__(self, keys: Sequence[str]) -> None:
        """keys: folded words, ascending."""
        self.keys = tuple(keys)
        self.beginnings = BeginningIndex(keys)

    @lazy
    def contractions(self) -> Contractions:
        """The words with an apostrophe."""
        return Contractions(self.keys)


class Typos:
    """Finds what may be meant instead of the typed letters."""

    def __init__(self, index: NeighbourIndex, config: TypoConfig) -> None:
        neighbours(config.errors.layout)  # an unknown layout is an error now, not at the first slip
        self.config = config
        self.kept: frozenset[str] = frozenset()
        """Folded words that are as their writer wants them."""
        self._index = index

    def meant(
        self, typed: str, probabilities: NDArray[np.float32], trusted: float = 0.0, whole: bool = False
    ) -> list[Meant]:
        """Words that may be meant by the letters `typed`, folded; likelier ones come later, and ranges may overlap.

        Slips, abbreviations ("tmrw"), and words whose apostrophe was left out.

        probabilities: of each word here [words]. trusted: probability of the words that start with `typed`, which are
        not among the answer; where it is high enough, only words with an apostrophe are, which people leave out without
        thinking. whole: whether the word is finished, so that all its letters count.
        """
        places = self._index.contractions.starting_with(typed) if len(typed) > 1 else []
        contractions = [
            Meant(place, place + 1, len(typed) + 1, self.config.errors.apostrophe)
            for place in places
            if not whole or len(self._index.keys[place]) == len(typed) + 1
        ]
        if trusted >= self.config.trusted or not SHORTEST <= len(typed) <= LONGEST or typed in self.kept:
            return contractions
        index = self._index
        short = abbreviated(typed, index.keys, index.beginnings, probabilities)
        abbreviations = [Meant(place, place + 1, len(index.keys[place]), odds) for place, odds in short]
        return sorted(self._slips(typed, probabilities, whole) + abbreviations, key=_odds) + contractions

    def prepare(self) -> bool:
        """Prepare a little of the search for slips, at most 3 ms; whether there is more to prepare."""
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
