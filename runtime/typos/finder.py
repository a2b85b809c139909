"""Words that may be meant where what is typed leads nowhere: neighbours of the typed letters, weighed by the context.

A noisy channel (Kernighan, Church and Gale 1990; Brill and Moore 2000): a word counts by its probability in this
context times the odds that somebody who means it types these letters (`runtime.typos.error_model`). For an unfinished
word the letters are compared with the beginnings of words. rapidfuzz finds the beginnings within a small distance
(optimal string alignment), among those of like length whose first letter the keyboard can explain; the odds rank what
it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from foretype.runtime.text.vocabulary import prefix_range
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.keyboards import neighbours

LITTLE = 0.0002
"""Probability below which words that go on from the typed letters leave room for others: rare ones, slips."""
SHORTEST = 3
"""Letters below which nothing is corrected: any two letters are near too many words."""
LONGEST = 24
"""Letters beyond which nothing is corrected."""
_WEIGHED = 16
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


class Near(NamedTuple):
    """Beginnings of words near some letters: their texts, the words [low, high) that have each, and its distance."""

    texts: list[str]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    distances: NDArray[np.uint8]

    def take(self, places: NDArray[np.intp]) -> Near:
        """Those at `places`, in that order."""
        texts = [self.texts[place] for place in places.tolist()]
        return Near(texts, self.low[places], self.high[places], self.distances[places])


class _Beginnings(NamedTuple):
    """Beginnings of words, ascending: their texts, and the words [low, high) that have each."""

    texts: list[str]
    low: NDArray[np.int32]
    high: NDArray[np.int32]

    def between(self, begin: int, end: int) -> _Beginnings:
        return _Beginnings(self.texts[begin:end], self.low[begin:end], self.high[begin:end])

    def at(self, places: list[int]) -> _Beginnings:
        return _Beginnings([self.texts[place] for place in places], self.low[places], self.high[places])


class _Length(NamedTuple):
    """The beginnings of one length. spans: one or two first letters -> the places [begin, end) of those that start so.
    second: second letter -> those that have it."""

    beginnings: _Beginnings
    spans: dict[str, tuple[int, int]]
    second: dict[str, _Beginnings]


class NeighbourIndex:
    """The beginnings of a vocabulary's words, by length and first letters; one for all sessions.

    Each length is prepared when it is first asked for, which takes some milliseconds for 30,000 words.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """keys: folded words, ascending."""
        self._keys = keys
        self._lengths: dict[int, _Length] = {}
        self._plain: tuple[list[str], list[int]] | None = None  # words without their apostrophes, and their places

    def without_apostrophes(self, typed: str) -> list[int]:
        """Positions of the words with an apostrophe that, written without, start with `typed`, but do not with it."""
        if self._plain is None:
            plain = sorted((key.replace("'", ""), place) for place, key in enumerate(self._keys) if "'" in key)
            self._plain = [key for key, _ in plain], [place for _, place in plain]
        keys, places = self._plain
        low, high = prefix_range(keys, typed)
        return [place for place in places[low:high] if not self._keys[place].startswith(typed)]

    def near(self, typed: str, layout: str, distance: int) -> Near:
        """Beginnings within `distance` edits of `typed`, at least two letters, from one letter shorter to one longer.

        At most one of the edits is among the first two letters, and a wrong first letter is one that the keyboard
        explains; that leaves a twentieth of all beginnings to be compared.
        """
        one, two, three = typed[0], typed[1], typed[2:3]
        starts = {other + two for other in neighbours(layout).get(one, "")} | {two + one, two + three}
        parts: list[_Beginnings] = []
        for length in range(max(2, len(typed) - 1), len(typed) + 2):
            beginnings, spans, second = self._of_length(length)
            chosen = [one, *(start for start in starts if start[0] != one)]
            parts += [beginnings.between(*spans[start]) for start in chosen if start in spans]
            if length > len(typed) and one in second:
                parts.append(second[one])
        if not parts:
            return Near([], *(np.zeros(0, np.int32),) * 2, np.zeros(0, np.uint8))
        texts = [text for part in parts for text in part.texts]
        distances = cdist([typed], texts, scorer=OSA.distance, score_cutoff=distance, dtype=np.uint8)[0]
        low, high = np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts])
        return Near(texts, low, high, distances).take(np.flatnonzero(distances <= distance))

    def _of_length(self, length: int) -> _Length:
        found = self._lengths.get(length)
        if found is None:
            ranges: dict[str, list[int]] = {}
            for place, key in enumerate(self._keys):
                if len(key) >= length:
                    ranges.setdefault(key[:length], [place, place])[1] = place + 1
            spans: dict[str, tuple[int, int]] = {}
            second: dict[str, list[int]] = {}
            for place, text in enumerate(ranges):
                for key in (text[0], text[:2]):
                    spans[key] = spans.get(key, (place, place))[0], place + 1
                second.setdefault(text[1], []).append(place)
            bounds = np.array(list(ranges.values()), np.int32).reshape(-1, 2)
            beginnings = _Beginnings(list(ranges), bounds[:, 0].copy(), bounds[:, 1].copy())
            found = _Length(beginnings, spans, {letter: beginnings.at(places) for letter, places in second.items()})
            self._lengths[length] = found
        return found


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


class Typos:
    """Finds what may be meant instead of the typed letters."""

    def __init__(self, index: NeighbourIndex, keys: Sequence[str], config: TypoConfig) -> None:
        neighbours(config.errors.layout)  # an unknown layout is an error now, not at the first slip
        self.config = config
        self.kept: frozenset[str] = frozenset()
        """Folded words that are as their writer wants them."""
        self._index = index
        self._keys = keys

    def meant(
        self, typed: str, probabilities: NDArray[np.float32], trusted: float = 0.0, whole: bool = False
    ) -> list[Meant]:
        """Words that may be meant by the letters `typed`, folded; likelier ones come later, and ranges may overlap.

        probabilities: of each word here [words]. trusted: probability of the words that start with `typed`, which are
        not among the answer; where it is high enough, only words with an apostrophe are, which people leave out without
        thinking. whole: whether the word is finished, so that all its letters count.
        """
        places = self._index.without_apostrophes(typed) if len(typed) > 1 else []
        contractions = [
            Meant(place, place + 1, len(typed) + 1, self.config.errors.apostrophe)
            for place in places
            if not whole or len(self._keys[place]) == len(typed) + 1
        ]
        if trusted >= self.config.trusted or not SHORTEST <= len(typed) <= LONGEST or typed in self.kept:
            return contractions
        return self._slips(typed, probabilities, whole) + contractions

    def _slips(self, typed: str, probabilities: NDArray[np.float32], whole: bool) -> list[Meant]:
        distance = 1 if len(typed) < 4 else 2 if len(typed) < 9 else 3
        errors = self.config.errors
        near = self._index.near(typed, errors.layout, distance)
        if whole:
            ends = [self._keys[place] == text for text, place in zip(near.texts, near.low.tolist(), strict=True)]
            near = near.take(np.flatnonzero(ends))
            near = near._replace(high=near.low + 1)
        near = near.take(np.flatnonzero(near.distances))
        if not near.texts:
            return []
        # A zero more, since the end of the last range must be an index.
        sums = np.add.reduceat(np.append(probabilities, np.float32(0)), np.stack((near.low, near.high), 1).ravel())[::2]
        promise = sums * (errors.slips / 8) ** near.distances
        order = np.argsort(-promise, kind="stable")[:_WEIGHED]
        near = near.take(order[promise[order] >= promise[order[0]] * _HOPELESS])
        found = [
            Meant(low, high, len(text), errors.odds(typed, text))
            for text, low, high in zip(near.texts, near.low.tolist(), near.high.tolist(), strict=True)
        ]
        return sorted(found, key=lambda meant: meant.odds)
