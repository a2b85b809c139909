"""Lower the probability of words that the user passed over: a word that was shown but not accepted is rarely meant.

For each time that a word was shown at shorter prefixes of the word at the cursor, its probability is multiplied by the
chance that the user overlooks a suggestion. This is the likelihood of typing on if the word was meant, against 1 if it
was not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from foretype.runtime.suggesting.candidates import suggestions
from foretype.runtime.suggesting.distribution import Distribution
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import Context
from foretype.runtime.text.vocabulary import Vocabulary
from foretype.runtime.typos.finder import Typos


class _Shown(NamedTuple):
    """What is shown at one place.

    suggestions: the words. passed_over: the words that were shown at shorter prefixes, each with the probability that
    it was overlooked every time.
    """

    suggestions: list[Suggestion]
    passed_over: dict[str, float]


class ShownWords:
    """Tracks the words shown for the word at the cursor. Not shared between threads.

    The text alone decides what was shown at shorter prefixes: a session that has just received the text counts the same
    words.
    """

    def __init__(self, vocabulary: Vocabulary, typos: Typos | None, overlooks: float) -> None:
        """overlooks: the probability that the user overlooks a suggestion, from 0 to 1."""
        self._vocabulary = vocabulary
        self._typos = typos
        self.overlooks = overlooks
        self._distribution: Distribution | None = None  # of the word at the cursor
        self._word: tuple[object, ...] = ()
        self._shown: dict[tuple[str, int, float], _Shown] = {}

    def suggestions(
        self, distribution: Distribution, context: Context, k: int, threshold: float = 0.0
    ) -> list[Suggestion]:
        """Return at most `k` suggestions for `context`, given those shown before; none less likely than `threshold`."""
        if self.overlooks == 1.0:
            found = suggestions(self._vocabulary, distribution, context, k, self._typos)
            return [word for word in found if word.probability >= threshold]
        word = (context.head, context.starts_sentence, context.curly, self.overlooks)
        if self._distribution is not distribution or self._word != word:
            self._distribution, self._word, self._shown = distribution, word, {}
        return self._at(distribution, context, k, threshold).suggestions

    def reset(self) -> None:
        """Forget what was shown. The next answers are the same, but take longer."""
        self._distribution, self._shown = None, {}

    def _at(self, distribution: Distribution, context: Context, k: int, threshold: float) -> _Shown:
        shown = self._shown.get((context.prefix, k, threshold))
        if shown is None:
            passed_over = self._passed_over(distribution, context, k, threshold) if context.prefix else {}
            found = suggestions(self._vocabulary, distribution, context, k, self._typos, passed_over)
            shown = _Shown([word for word in found if word.probability >= threshold], passed_over)
            self._shown[context.prefix, k, threshold] = shown
        return shown

    def _passed_over(self, distribution: Distribution, context: Context, k: int, threshold: float) -> dict[str, float]:
        """Return what was shown at shorter prefixes, each with the probability that it was overlooked every time."""
        shorter = context.prefix[:-1]
        before = self._shown.get((shorter, k, threshold))
        if before is None:
            before = self._at(distribution, replace(context, prefix=shorter), k, threshold)
        passed_over = dict(before.passed_over)
        for word in before.suggestions:
            passed_over[word.text] = passed_over.get(word.text, 1.0) * self.overlooks
        return passed_over
