"""Turn probabilities into what a person sees: the best words for the typed letters, as they would be written.

`suggestions` takes four steps: collect the candidates that fit the typed letters, merge those that read the same, rank
them, and pick the best that may be offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.suggesting.casing import written
from foretype.runtime.suggesting.distribution import Distribution
from foretype.runtime.suggesting.ranking import by_keystrokes_saved
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import Context, common_prefix
from foretype.runtime.text.extra_words import ExtraWords
from foretype.runtime.text.vocabulary import Vocabulary, fold
from foretype.runtime.typos.finder import LITTLE, Typos

_SPARE = 8
"""Words considered beyond k, since some read the same once written and some are already typed."""
_ROWS = 64
"""Entries that share one maximum when searching many entries for the largest."""
_HEAD_EVIDENCE = 1000.0
"""Factor on an extra word with a hyphen once everything before the hyphen matches: few other words follow it."""
_TINY = 1e-30
_NOTHING_PASSED_OVER: Mapping[str, float] = MappingProxyType({})


class Candidate(NamedTuple):
    """A word that fits the typed letters.

    text: the word as it would be written here. key: folded letters by which it is ranked. probability: not normalised.
    corrected: typed letters that the user would have to type again without it; counted only once the word is complete.
    """

    text: str
    key: str
    probability: float
    corrected: int = 0


class _Found(NamedTuple):
    """Candidates, best first, and the total probability of all words that fit, including those not in the list."""

    candidates: list[Candidate]
    mass: float


_NONE = _Found([], 0.0)


def suggestions(
    vocabulary: Vocabulary,
    distribution: Distribution,
    context: Context,
    k: int,
    typos: Typos | None = None,
    passed_over: Mapping[str, float] = _NOTHING_PASSED_OVER,
) -> list[Suggestion]:
    """Return at most `k` suggestions for `context`, ordered by the keystrokes saved by showing them now, not later.

    Words that read the same here are merged and their probabilities added. A word that is already typed in full is not
    offered, unless its capitals differ and the typed form is not a word ("monday").

    typos: finds the intended words behind mistyped letters; None to take the letters as they are.
    passed_over: texts that were shown for this word while the user typed on, each with a factor on its probability.
    """
    typed = context.prefix.lower()
    fitting = sum(text.lower().startswith(typed) for text in passed_over)
    found, mass = _collect(vocabulary, distribution, context, k, k + _SPARE + fitting, typos)
    if passed_over:
        # Rank by probability: the words that save most were shown before, so now the likely ones take their turn.
        ranked, mass = _weighed(found, mass, passed_over)
        return _pick(ranked, mass, distribution, context, k)
    keys, probabilities = [word.key for word in found], [word.probability for word in found]
    order = by_keystrokes_saved(keys, probabilities, len(context.prefix), k, [word.corrected for word in found])
    return _pick((found[place] for place in order), mass, distribution, context, k)


def suggestions_between(
    vocabulary: Vocabulary, distribution: Distribution, context: Context, right: str, k: int
) -> list[Suggestion]:
    """Return the `k` most probable words between the typed letters and `right`, the letters after the cursor."""
    low, high = vocabulary.prefix_range(context.typed)
    first, typed, end = vocabulary.first_word, context.typed, fold(right)
    keys = vocabulary.keys
    places = [place for place in range(low - first, high - first) if keys[place].endswith(end)]
    part = distribution.words[places]
    found = [
        Candidate(_written(vocabulary.tokens[first + places[best]], context), keys[places[best]], float(part[best]))
        for best in best_words(part, k + _SPARE)
    ]
    for words in distribution.outside:
        fitting = _extra(words, context, typed, len(words.keys)).candidates
        found += [word for word in fitting if word.key.endswith(end)]
    mass = max(sum(word.probability for word in found), float(part.sum()))
    longer = [word for word in found if len(word.key) > len(typed) + len(end)]
    return _pick(_merged(longer), mass, distribution, context, k, len(right))


def finished(vocabulary: Vocabulary, distribution: Distribution, context: Context) -> float:
    """Return the probability that the typed letters are the whole word, given all words that continue them."""
    typed = context.typed
    if not typed:
        return 0.0
    first = vocabulary.first_word
    low, high = vocabulary.prefix_range(context.typed)
    part = distribution.words[low - first : high - first]
    forms = next((n for n, key in enumerate(vocabulary.keys[low - first : high - first]) if key != typed), high - low)
    whole, mass = float(part[:forms].sum()), float(part.sum())
    for words in distribution.outside:
        start, end = words.starting_with(typed)
        probabilities = words.probabilities[start:end] * words.scale
        same = sum(words.keys[place] == typed for place in range(start, end))
        whole, mass = whole + float(probabilities[:same].sum()), mass + float(probabilities.sum())
    return whole / max(mass, _TINY)


def best_words(probabilities: NDArray[np.floating], count: int) -> list[int]:
    """Return the positions of the `count` largest entries, largest first; ties by position."""
    columns = len(probabilities) // _ROWS
    if count >= columns:
        found = np.arange(len(probabilities))
    else:
        # The maxima of at least `count` columns reach this bound, so the best entries all reach it.
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


def _collect(
    vocabulary: Vocabulary, distribution: Distribution, context: Context, k: int, count: int, typos: Typos | None
) -> _Found:
    """Return the candidates for `context`, each text once.

    k: words that will be shown. count: words to consider, at least `k`.
    """
    if k < 1:
        return _NONE
    typed = context.typed
    found, mass = _completions(vocabulary, distribution, context, count)
    for words in distribution.extra:
        found, mass = _joined(found, mass, _extra(words, context, typed, count))
    if distribution.rare is not None and typed and (mass < LITTLE or len(found) < k):
        found, mass = _joined(found, mass, _extra(distribution.rare, context, typed, count))
    if typed and mass < LITTLE and distribution.rarest is not None:
        rarest = _extra(distribution.rarest, context, typed, count)
        allowed = [w for w in rarest.candidates if w.text.isprintable() and not distribution.blocks_rare(w.text)]
        found, mass = _joined(found, mass, _Found(allowed, rarest.mass))
    found = _without_typed(found, context, typed)
    if typos is not None and typed:
        found, mass = _joined(found, mass, _slips(typos, vocabulary, distribution, context, typed, mass, count))
    as_typed = context.head + context.prefix
    return _Found(_merged(word for word in found if word.text != as_typed), mass)


def _weighed(found: list[Candidate], mass: float, passed_over: Mapping[str, float]) -> _Found:
    """Return the candidates, most probable first, with each probability multiplied by its factor."""
    weighed = []
    for word in found:
        factor = passed_over.get(word.text, 1.0)
        if factor < 1.0:
            mass -= word.probability * (1.0 - factor)
            word = word._replace(probability=word.probability * factor)
        if word.probability > 0.0:
            weighed.append(word)
    return _Found(sorted(weighed, key=_probability, reverse=True), mass)


def _joined(found: list[Candidate], mass: float, more: _Found) -> tuple[list[Candidate], float]:
    return found + more.candidates, mass + more.mass


def _merged(found: Iterable[Candidate]) -> list[Candidate]:
    """Return one candidate for each word, in its likeliest form ("latte", "Latte"), most probable first."""
    merged: dict[str, Candidate] = {}
    for word in sorted(found, key=_probability, reverse=True):
        if word.probability <= 0.0:
            break
        key = word.text.lower()
        same = merged.get(key)
        if same is not None:
            word = same._replace(probability=same.probability + word.probability)
        merged[key] = word
    return sorted(merged.values(), key=_probability, reverse=True)


def _probability(word: Candidate) -> float:
    return word.probability


def _pick(
    ranked: Iterable[Candidate],
    mass: float,
    distribution: Distribution,
    context: Context,
    k: int,
    replaces_after: int = 0,
) -> list[Suggestion]:
    """Return the first `k` words that may be offered; the probability of each is its share of `mass`."""
    total = max(mass, _TINY)
    picked: list[Suggestion] = []
    for word in ranked:
        if len(picked) >= k:
            break
        if not distribution.blocks(word.text):
            picked.append(Suggestion(word.text, word.probability / total, context.replaces, replaces_after))
    return picked


def _completions(vocabulary: Vocabulary, distribution: Distribution, context: Context, count: int) -> _Found:
    """Return the `count` best words of the vocabulary that continue the typed letters."""
    first = vocabulary.first_word
    low, high = vocabulary.prefix_range(context.typed) if context.prefix else (first, len(vocabulary))
    if low == high:
        return _NONE
    part = distribution.words[low - first : high - first]
    found = []
    for best in best_words(part, count):
        text = _written(vocabulary.tokens[low + best], context)
        found.append(Candidate(text, vocabulary.keys[low - first + best], float(part[best])))
    return _Found(found, float(part.sum()))


def _written(word: str, context: Context) -> str:
    return context.head + written(word, context.prefix, context.starts_sentence, context.curly, context.dotted_i)


def _without_typed(found: list[Candidate], context: Context, typed: str) -> list[Candidate]:
    """Drop other forms of the typed word if it is a word as typed, was written so before, or is too short."""
    as_typed = context.head + context.prefix
    if len(typed) < 2 or context.written_before or any(word.text == as_typed for word in found):
        return [word for word in found if word.key != typed]
    return found


def _slips(
    typos: Typos,
    vocabulary: Vocabulary,
    distribution: Distribution,
    context: Context,
    typed: str,
    trusted: float,
    count: int,
) -> _Found:
    """Return the `count` best words that the user may mean if the typed letters are wrong.

    They are ranked as if the letters typed so far were correct. trusted: see `Typos.meant`.
    """
    probabilities = distribution.words
    meant = typos.meant(typed, probabilities, trusted)
    if not meant:
        return _NONE
    odds, letters = np.empty(len(probabilities), np.float32), np.empty(len(probabilities), np.uint8)
    fits = np.zeros(len(probabilities), np.bool_)
    for words in meant:
        part = slice(words.low, words.high)
        odds[part], letters[part], fits[part] = words.odds, words.letters, True
    low, high = vocabulary.prefix_range(context.typed)
    fits[low - vocabulary.first_word : high - vocabulary.first_word] = False
    places = np.flatnonzero(fits)
    weighted = probabilities[places] * odds[places]
    found: list[Candidate] = []
    for best in best_words(weighted, count):
        position = int(places[best])
        text = _written(vocabulary.tokens[vocabulary.first_word + position], context)
        whole = vocabulary.keys[position]
        rest = whole[letters[position] :]
        corrected = 0 if rest else len(typed) - common_prefix(typed, whole)
        found.append(Candidate(text, typed + rest, float(weighted[best]), corrected))
    return _Found(found, float(weighted.sum()))


def _extra(extra: ExtraWords, context: Context, typed: str, count: int) -> _Found:
    """Return the `count` best of `extra` that continue the typed letters, or the whole hyphenated run at the cursor."""
    found: list[Candidate] = []
    mass = 0.0
    for head in dict.fromkeys(("", context.head)):
        start = fold(head)
        low, high = extra.starting_with(start + typed)
        probabilities = extra.probabilities[low:high] * (extra.scale * (_HEAD_EVIDENCE if head else 1.0))
        mass += float(probabilities.sum())
        for position in best_words(probabilities, count):
            if probabilities[position] == 0.0:
                break
            word, letters = extra.words[low + position], head + context.prefix
            # Keep the word's own capitals if the typed letters match them; do not capitalise it for a sentence start.
            own = word.startswith(letters.replace("\u2019", "'"))
            starts = extra.capitalised and context.starts_sentence and not context.prefix
            text = written(word, "" if own else letters, starts, context.curly, context.dotted_i)
            text = text if head else context.head + text
            found.append(Candidate(text, extra.keys[low + position][len(start) :], float(probabilities[position])))
    return _Found(found, mass)
