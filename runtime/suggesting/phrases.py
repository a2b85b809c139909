"""Suggestions of several words: the best word, and the words after it for as long as the model stays sure.

Greedy: each further word is the most probable one, and the phrase ends where the product of the probabilities would
fall below a bound. Unlike for the next word alone, punctuation and line ends count here: a phrase must not run over the
end of a sentence.
"""

from __future__ import annotations

from foretype.runtime.engines.predictor import Predictor
from foretype.runtime.suggesting.casing import written
from foretype.runtime.suggesting.distribution import Distributions
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.form import TextForm

CONFIDENCE = 0.5
"""The probability below which a phrase is not offered, by default."""
LONGEST = 6
"""Words of a phrase at most."""


class Phrases:
    """Continues a suggestion for one session. The predictor keeps what it found, so typing along costs nothing."""

    def __init__(self, form: TextForm, predictor: Predictor, distributions: Distributions) -> None:
        self._vocabulary = form.vocabulary
        self._predictor = predictor
        self._distributions = distributions
        self._reader = ContextReader(form)

    def longest(self, text: str, first: Suggestion, confidence: float, words: int) -> Suggestion | None:
        """`first`, a suggestion for the end of `text`, and the words after it; None where none is sure enough.

        confidence: the least probability of the whole phrase. words: at most this many.
        """
        phrase, probability = first.text, first.probability
        before = text[: len(text) - first.replaces]
        count = 1
        while count < words:
            context = self._reader.read(f"{before}{phrase} ")
            following = self._predictor.likeliest(context.ids)
            if probability * following.probability < confidence:
                break
            word = written(self._vocabulary.tokens[following.token], "", context.starts_sentence, context.curly)
            if self._distributions.blocks(word, before + phrase):
                break
            phrase += " " + word
            probability *= following.probability
            count += 1
        return Suggestion(phrase, probability, first.replaces) if count > 1 else None
