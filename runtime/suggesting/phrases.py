"""Suggest several words: the best word, and the words after it for as long as the model is confident.

The search is greedy: each further word is the most probable one, and the phrase ends before the product of the
probabilities would fall below a bound. Unlike for a single next word, punctuation and line ends count here, so that a
phrase does not run past the end of a sentence.
"""

from __future__ import annotations

from foretype.runtime.engines.predictor import Predictor
from foretype.runtime.suggesting.casing import written
from foretype.runtime.suggesting.distribution import Distributions
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.form import TextForm

CONFIDENCE = 0.5
"""Default probability below which a phrase is not offered."""
LONGEST = 6
"""Most words in a phrase."""


class Phrases:
    """Extends suggestions to phrases for one session. The predictor caches its answers, so typing along is free."""

    def __init__(self, form: TextForm, predictor: Predictor, distributions: Distributions) -> None:
        self._vocabulary = form.vocabulary
        self._predictor = predictor
        self._distributions = distributions
        self._reader = ContextReader(form)

    def longest(self, text: str, first: Suggestion, confidence: float, words: int) -> Suggestion | None:
        """Extend `first`, a suggestion for the end of `text`, by the words after it; None if none is likely enough.

        confidence: lowest probability of the whole phrase. words: most words in the phrase.
        """
        phrase, probability = first.text, first.probability
        before = text[: len(text) - first.replaces]
        count = 1
        while count < words:
            context = self._reader.read(f"{before}{phrase} ")
            following = self._predictor.likeliest(context.ids)
            if probability * following.probability < confidence:
                break
            word = written(
                self._vocabulary.tokens[following.token], "", context.starts_sentence, context.curly, context.dotted_i
            )
            if self._distributions.blocks(word, before + phrase):
                break
            phrase += " " + word
            probability *= following.probability
            count += 1
        return Suggestion(phrase, probability, first.replaces) if count > 1 else None
