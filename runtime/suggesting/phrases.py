"""Suggestions of several words: the best word, and the words after it for as long as the model stays sure.

Greedy: each further word is the most probable one, and the phrase ends where the product of the probabilities would
fall below a bound. Unlike for the next word alone, punctuation and line ends count here: a phrase must not run over the
end of a sentence.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from foretype.runtime.suggesting.casing import written
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.vocabulary import fold

if TYPE_CHECKING:
    from foretype.runtime.model import Model, Predictor
    from foretype.runtime.suggesting.distribution import Offers

CONFIDENCE = 0.5
"""The probability below which a phrase is not offered, by default."""
LONGEST = 6
"""Words of a phrase at most."""
_KEPT = 64


class _Next(NamedTuple):
    """The most probable word after a path of tokens: its id, and its probability among all tokens."""

    token: int
    probability: float


class Phrases:
    """Goes on from a suggestion; what it found along a path of tokens is kept, so typing along it costs nothing."""

    def __init__(self, model: Model, predictor: Predictor) -> None:
        self._model = model
        self._predictor = predictor
        self._reader = ContextReader(model.form)
        self._kept: OrderedDict[tuple[bool, tuple[int, ...]], _Next] = OrderedDict()

    def longest(
        self, text: str, first: Suggestion, confidence: float, words: int, neural: bool, offers: Offers
    ) -> Suggestion | None:
        """`first`, a suggestion for the end of `text`, and the words after it; None where none is sure enough.

        neural: whether the neural model may run. offers: says which words are blocked.
        """
        phrase, probability = first.text, first.probability
        before = text[: len(text) - first.replaces]
        count = 1
        while count < words:
            context = self._reader.read(f"{before}{phrase} ")
            following = self._next(context.ids, neural)
            if probability * following.probability < confidence:
                break
            word = written(self._model.vocabulary.tokens[following.token], "", context.starts_sentence)
            if fold(word) in offers.blocked or fold(word) in offers.blocked.after(before + phrase):
                break
            phrase += " " + (word.replace("'", "\u2019") if context.curly else word)
            probability *= following.probability
            count += 1
        return Suggestion(phrase, probability, first.replaces) if count > 1 else None

    def _next(self, ids: tuple[int, ...], neural: bool) -> _Next:
        found = self._kept.get((neural, ids))
        if found is None:
            tokens = self._predictor.mix(self._predictor.parts(ids, neural), 0)
            first = self._model.vocabulary.first_word
            tokens[first + self._model.withheld] = 0.0
            best = first + int(np.argmax(tokens[first:]))
            found = self._kept[neural, ids] = _Next(best, float(tokens[best]))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found
