"""From probabilities to what a person sees: the best words for the typed letters, as they would be written."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.engines.extra_words import ExtraWords
from foretype.runtime.suggesting.casing import written
from foretype.runtime.suggesting.ranking import by_keystrokes_saved
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import Context
from foretype.runtime.text.vocabulary import Vocabulary, fold
from foretype.runtime.typos.finder import LITTLE, Typos

_SPARE = 8
"""Words looked at beyond k, since some read the same once written and some are what was typed already."""
_ROWS = 64
"""Entries that are looked at as one when the best of many are searched for."""
_HEAD_EVIDENCE = 1000.0
"""How much likelier an extra word with a hyphen is once all before the hyphen agrees: other words after it are rare."""
_Found = tuple[str, str, float]
"""A candidate: what it reads here, the letters it competes by (the folded form), and its probability."""


def best_words(probabilities: NDArray[np.floating], count: int) -> list[int]:
    """Positions of the `count` largest entries, largest first, ties by position."""
    columns = len(probabilities) // _ROWS
    if count >= columns:
        found = np.arange(len(probabilities))
    else:
        # As many columns reach this bound as words are wanted, so the best are among the entries that reach it.
        largest = probabilities[: _ROWS * columns].reshape(_ROWS, columns).max(axis=0)
        bound = np.partition(largest, columns - count)[columns - count]
        found = np.flatnonzero(probabilities >= bound)
    values = probabilities[found]
    if len(found) > 2 * count:
        bound = np.partition(values, len(values) - count)[len(values) - count]
        above, equal = found[values > bound], found[values == bound]
        found = np.concatenate((above, equal[: count - len(above)]))
        values = probabilities[found]
    order: list[int] = found[np.lexsort((found, -values))][:count].tolist()
    return order


@dataclass(frozen=True)
class Offer:
    """What may be offered at one place.

    words: probability of each of the vocabulary's words, 0 for those that are not to be offered [words]; entry i is for
        id first_word + i. extra: words from outside the vocabulary; those with hyphens are found by all that is typed
        of them. rare: more of these, which are offered only where little else goes on from the typed letters.
    blocked: folded words that are not to be offered, `rare` and `extra` ones neither. blocked_here: the same, after the
        words that stand before.
    """

    words: Probabilities
    extra: Sequence[ExtraWords] = ()
    rare: ExtraWords | None = None
    blocked: Container[str] = ()
    blocked_here: Container[str] = ()

    def blocks(self, text: str) -> bool:
        """Whether a word of the vocabulary that reads `text` here, or one with what stands before it, is blocked."""
        if not self.blocked_here and "-" not in text:
            return False
        key = fold(text)
        return key in self.blocked or key in self.blocked_here


def suggestions(
    vocabulary: Vocabulary,
    offer: Offer,
    context: Context,
    k: int,
    passed_over: Collection[str] | None = None,
    typos: Typos | None = None,
    right: str = "",
) -> list[Suggestion]:
    """At most `k` suggestions for `context`, most useful first.

    Words that read the same here are merged and their probabilities added; the word that is already typed in full is
    not offered, unless it has other capitals and is no word as it is typed ("monday").

    passed_over: words not to be offered, since the user saw them and typed on; None where words may be shown again. The
        most useful are then those that save most keystrokes against being shown later; but where no word is shown
        twice, all come up soon, and the most probable are the most useful.
    typos: finds words that may be meant by letters that lead nowhere; None where letters are taken as they are.
    right: the letters of the word that stand after the cursor already; only words that end with them are offered.
    """
    probabilities, extra, rare, blocked = offer.words, offer.extra, offer.rare, offer.blocked
    if right and context.prefix:
        return _inside(vocabulary, offer, context, right, k)
    low, high = vocabulary.prefix_range(context.prefix) if context.prefix else (vocabulary.first_word, len(vocabulary))
    if (low == high and not extra and rare is None and typos is None) or k < 1:
        return []
    part = probabilities[low - vocabulary.first_word : high - vocabulary.first_word]
    total = float(part.sum())
    typed = fold(context.prefix)
    count = k + _SPARE + len(passed_over or ())
    found: list[_Found] = []
    for position in best_words(part, count):
        word = vocabulary.tokens[low + position]
        key = vocabulary.keys[low + position - vocabulary.first_word]
        text = context.head + written(word, context.prefix, context.starts_sentence, context.curly)
        found.append((text, key, float(part[position])))
    for others in extra:
        more, mass = _fitting(others, context, typed, count, blocked)
        found += more
        total += mass
    if rare is not None and typed and (total < LITTLE or len(found) < k):
        more, mass = _fitting(rare, context, typed, count, blocked)
        found += more
        total += mass
    typed_text = context.head + context.prefix
    if len(typed) < 2 or any(text == typed_text for text, _, _ in found):
        found = [candidate for candidate in found if candidate[1] != typed]
    if typos is not None and typed:
        more, mass = _misspelt(typos, vocabulary, probabilities, context, typed, total, count)
        found += more
        total += mass
    merged: dict[str, float] = {}
    keys: dict[str, str] = {}
    for text, key, probability in found:
        if text != typed_text and probability > 0.0 and not offer.blocks(text):
            merged[text] = merged.get(text, 0.0) + probability / max(total, 1e-30)
            keys.setdefault(text, key)
    ranked = sorted(merged, key=lambda text: -merged[text])
    if passed_over is None:
        order = by_keystrokes_saved([keys[text] for text in ranked], [merged[text] for text in ranked], len(typed), k)
        ranked = [ranked[i] for i in order]
    else:
        ranked = [text for text in ranked if text not in passed_over]
    return [Suggestion(text, merged[text], context.replaces) for text in ranked[:k]]


def _inside(vocabulary: Vocabulary, offer: Offer, context: Context, right: str, k: int) -> list[Suggestion]:
    """The `k` most probable words that fill the gap between the typed letters and those after the cursor, `right`."""
    low, high = vocabulary.prefix_range(context.prefix)
    first, typed, end = vocabulary.first_word, fold(context.prefix), fold(right)
    keys = vocabulary.keys
    places = [place for place in range(low - first, high - first) if keys[place].endswith(end)]
    part = offer.words[places]
    found: list[_Found] = []
    for best in best_words(part, k + _SPARE):
        text = written(vocabulary.tokens[first + places[best]], context.prefix, context.starts_sentence, context.curly)
        found.append((context.head + text, keys[places[best]], float(part[best])))
    for extra in (*offer.extra, *([offer.rare] if offer.rare is not None else [])):
        found += _fitting(extra, context, typed, len(extra.keys), offer.blocked)[0]
    merged: dict[str, float] = {}
    total = max(sum(probability for _, key, probability in found if key.endswith(end)), float(part.sum()), 1e-30)
    for text, key, probability in found:
        fits = key.endswith(end) and len(key) > len(typed) + len(end)
        if fits and probability > 0.0 and not offer.blocks(text):
            merged[text] = merged.get(text, 0.0) + probability / total
    ranked = sorted(merged, key=lambda text: -merged[text])[:k]
    return [Suggestion(text, merged[text], context.replaces, len(right)) for text in ranked]


def _misspelt(
    typos: Typos,
    vocabulary: Vocabulary,
    probabilities: Probabilities,
    context: Context,
    typed: str,
    trusted: float,
    count: int,
) -> tuple[list[_Found], float]:
    """The `count` best words that may be meant by other letters than the typed, and the probability of all of them.

    They compete as if what is typed of them were typed rightly.
    """
    meant = typos.meant(typed, probabilities, trusted)
    if not meant:
        return [], 0.0
    odds = np.zeros(len(probabilities), np.float32)
    for words in meant:
        odds[words.low : words.high] = words.odds
    low, high = vocabulary.prefix_range(context.prefix)
    odds[low - vocabulary.first_word : high - vocabulary.first_word] = 0.0
    places = np.flatnonzero(odds)
    weighted = probabilities[places] * odds[places]
    found: list[_Found] = []
    for best in best_words(weighted, count):
        position = int(places[best])
        letters = next(words.letters for words in reversed(meant) if words.low <= position < words.high)
        word = vocabulary.tokens[vocabulary.first_word + position]
        text = context.head + written(word, context.prefix, context.starts_sentence, context.curly)
        found.append((text, typed + vocabulary.keys[position][letters:], float(weighted[best])))
    return found, float(weighted.sum())


def _fitting(
    extra: ExtraWords, context: Context, typed: str, count: int, blocked: Container[str]
) -> tuple[list[_Found], float]:
    """The `count` best of `extra` that go on from the typed letters, and the probability of all that do."""
    found: list[_Found] = []
    mass = 0.0
    for head in dict.fromkeys(("", context.head)):
        start = fold(head)
        low, high = extra.starting_with(start + typed)
        probabilities = extra.probabilities[low:high] * (_HEAD_EVIDENCE if head else 1.0)
        mass += float(probabilities.sum())
        for position in best_words(probabilities, count):
            if probabilities[position] == 0.0:
                break
            if extra.keys[low + position] in blocked:
                continue
            word, letters = extra.words[low + position], head + context.prefix
            as_typed = word.startswith(
                letters.replace("\u2019", "'")
            )  # its own capitals, not those of an excited writer
            starts = extra.capitalised and context.starts_sentence and not context.prefix
            text = written(word, "" if as_typed else letters, starts, context.curly)
            text = text if head else context.head + text
            found.append((text, extra.keys[low + position][len(start) :], float(probabilities[position])))
    return found, mass
