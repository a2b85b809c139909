"""Correct the word that was just finished: find what else the writer may have meant, now that all letters are there."""

from __future__ import annotations

import re
from typing import NamedTuple

from foretype.runtime.suggesting.casing import written
from foretype.runtime.suggesting.distribution import Distribution
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import Context, open_word
from foretype.runtime.text.vocabulary import Vocabulary, fold
from foretype.runtime.typos.finder import Typos

_FINISHED = re.compile(r"(\S*?)([\s,.!?;:)\"\u201d]*)$")


class FinishedWord(NamedTuple):
    """The last word of a text: the text before it, the word, and the white space and marks after it."""

    before: str
    word: str
    behind: str


def finished_word(text: str) -> FinishedWord | None:
    """Return the last word of `text`, finished or still open; None if `text` does not end in a word.

    White space and marks may follow the word.

    >>> finished_word("I recieve, ")
    FinishedWord(before='I ', word='recieve', behind=', ')
    """
    tail = text[-128:]
    match = _FINISHED.search(tail)
    assert match is not None  # it may be empty
    word = open_word(match.group(1))
    if not word or len(match.group(2)) > 8 or "\n" in match.group(2):
        return None
    return FinishedWord(text[: len(text) - len(word) - len(match.group(2))], word, match.group(2))


def is_written_in(text: str, word: str) -> bool:
    """Return whether `word`, exactly as written, is one of the words of `text`."""
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_]|'[^\W_])", text) is not None


def corrections(
    vocabulary: Vocabulary,
    distribution: Distribution,
    context: Context,
    found: FinishedWord,
    typos: Typos,
    k: int,
    threshold: float,
) -> list[Suggestion]:
    """Return at most `k` other readings of a finished word, likeliest first, none less likely than `threshold`.

    distribution: what may be offered in its place. context: the context of the text that ends with the word.

    The word as written competes too: with its own probability if the vocabulary holds it, otherwise with the
    probability of a single unknown word. The probabilities of all readings, including this one, sum to one.
    """
    probabilities = distribution.words
    typed = fold(found.word)
    if typed in typos.kept:
        return []
    first = vocabulary.first_word
    readings: dict[str, float] = {}
    low, high = vocabulary.prefix_range(typed)
    for place in range(low - first, high - first):
        if vocabulary.keys[place] != typed:
            break
        text = written(vocabulary.tokens[first + place], found.word, context.starts_sentence, dotted_i=context.dotted_i)
        readings[text] = readings.get(text, 0.0) + float(probabilities[place])
    for words in distribution.extra:
        for place in range(*words.starting_with(typed)):
            if words.keys[place] == typed and not distribution.blocks(typed):
                text = written(words.words[place], found.word, False)
                readings[text] = readings.get(text, 0.0) + float(words.probabilities[place])
    known = sum(readings.values())
    curly = "\u2019" in found.word or context.curly
    as_written = found.word.replace("\u2019", "'")
    if not known:
        readings[as_written] = max(typos.config.unknown_word(len(typed)), _rare(distribution, typed))
    for meant in typos.meant(typed, probabilities, whole=True):
        for place in range(meant.low, meant.high):
            text = written(
                vocabulary.tokens[first + place], found.word, context.starts_sentence, dotted_i=context.dotted_i
            )
            readings[text] = readings.get(text, 0.0) + float(probabilities[place]) * meant.odds
    total = max(sum(readings.values()), 1e-30)
    readings.pop(as_written, None)
    readings = {text: value for text, value in readings.items() if value > 0.0 and not distribution.blocks(text)}
    best = sorted(readings, key=lambda text: -readings[text])[:k]
    replaced = len(found.word) + len(found.behind)
    return [
        Suggestion((text.replace("'", "\u2019") if curly else text) + found.behind, readings[text] / total, replaced)
        for text in best
        if readings[text] / total >= threshold
    ]


def _rare(distribution: Distribution, typed: str) -> float:
    """Return the probability of the rare words that fold to `typed`; 0 if there are none."""
    total = 0.0
    for words in (distribution.rare, distribution.rarest):
        if words is not None:
            low, high = words.starting_with(typed)
            while low < high and words.keys[low] == typed:
                total += float(words.probabilities[low]) * words.scale
                low += 1
    return total
