"""From probabilities to what a person sees: the best words for the typed letters, as they would be written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from foretype.runtime.blend import Probabilities
from foretype.runtime.context import Context
from foretype.runtime.ranking import by_keystrokes_saved
from foretype.runtime.vocabulary import Vocabulary, fold

_SPARE = 8
"""Words looked at beyond k, since some read the same once written and some are what was typed already."""


@dataclass(frozen=True)
class Suggestion:
    """A word offered for the place at the cursor.

    text: the whole word as it should stand in the text, without a following space.
    probability: that this is the word, given the text and the letters typed so far.
    replaces: characters directly before the cursor whose place `text` takes (0 before the first letter).
    """

    text: str
    probability: float
    replaces: int = 0


def written(word: str, prefix: str, starts_sentence: bool) -> str:
    """`word` as it is written here: capitals as the typed `prefix` has them, or as the start of a sentence asks.

    >>> written("the", "", True), written("the", "T", False), written("the", "TH", False), written("Monday", "m", False)
    ('The', 'The', 'THE', 'Monday')
    """
    if prefix and not prefix[0].isupper():
        return word
    if sum(map(str.isalpha, prefix)) > 1 and prefix.isupper():
        return word.upper()
    if (prefix or starts_sentence) and not any(map(str.isupper, word[1:])):
        return word[0].upper() + word[1:]
    return word


def best_words(probabilities: Probabilities, count: int) -> list[int]:
    """Positions of the `count` largest entries, largest first, ties by position."""
    if count < len(probabilities):
        top = np.argpartition(probabilities, len(probabilities) - count)[len(probabilities) - count :]
    else:
        top = np.arange(len(probabilities))
    return [int(i) for i in top[np.lexsort((top, -probabilities[top]))]]


def suggestions(
    vocabulary: Vocabulary,
    probabilities: Probabilities,
    context: Context,
    k: int,
    passed_over: Collection[str] | None = None,
) -> list[Suggestion]:
    """At most `k` suggestions for `context`, most useful first.

    probabilities: of each word [words], entry i for id first_word + i. Words that read the same here are merged and
    their probabilities added; the word that is already typed in full is not offered.
    passed_over: words not to be offered, since the user saw them and typed on; None where words may be shown again. The
        most useful are then those that save most keystrokes against being shown later; but where no word is shown
        twice, all come up soon, and the most probable are the most useful.
    """
    low, high = vocabulary.prefix_range(context.prefix) if context.prefix else (vocabulary.first_word, len(vocabulary))
    if low == high or k < 1:
        return []
    part = probabilities[low - vocabulary.first_word : high - vocabulary.first_word]
    total = float(part.sum())
    typed = fold(context.prefix)
    merged: dict[str, float] = {}
    keys: dict[str, str] = {}
    for position in best_words(part, k + _SPARE + len(passed_over or ())):
        word = vocabulary.tokens[low + position]
        key = vocabulary.keys[low + position - vocabulary.first_word]
        if key == typed:
            continue
        text = written(word, context.prefix, context.starts_sentence)
        text = context.head + (text.replace("'", "\u2019") if context.curly else text)
        merged[text] = merged.get(text, 0.0) + float(part[position]) / max(total, 1e-30)
        keys.setdefault(text, key)
    ranked = sorted(merged, key=lambda text: -merged[text])
    if passed_over is None:
        order = by_keystrokes_saved([keys[text] for text in ranked], [merged[text] for text in ranked], len(typed), k)
        ranked = [ranked[i] for i in order]
    else:
        ranked = [text for text in ranked if text not in passed_over]
    return [Suggestion(text, merged[text], context.replaces) for text in ranked[:k]]
