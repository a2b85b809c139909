"""A lexicon of rare words for a bundle: words of the corpus that its vocabulary lacks, and words of word lists."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from foretype.runtime.text.vocabulary import fold, is_word

_LONGEST = 30
_ORDER = 5
_CHARACTERS = 60
_HIGHEST_CLASS = 9
_FIRST_SEEN = 2
"""Class of a word that was seen once; each doubling is a class more. Words that were not seen are below."""


@dataclass(frozen=True)
class LexiconConfig:
    """Which words a lexicon takes.

    words: at most this many. minimum_count, minimum_sources: uses, and sources that use it, of a capitalised word that
    stands in no word list; listed words need two uses to count as seen. plain_count, plain_sources: the same for one
    without capitals, most of which are slips. near: a word without capitals that is within this many edits of a
    vocabulary word is taken for a slip of it; one more from eight letters on.
    """

    words: int = 200_000
    minimum_count: int = 3
    minimum_sources: int = 3
    plain_count: int = 8
    plain_sources: int = 3
    near: int = 1


class CharacterModel:
    """How likely a word is by its letters: interpolated n-grams of order 6 (Witten and Bell 1991)."""

    def __init__(self, words: Mapping[str, float]) -> None:
        """words: word -> weight."""
        self._counts: list[defaultdict[str, Counter[str]]] = [defaultdict(Counter) for _ in range(_ORDER + 1)]
        for word, weight in words.items():
            for before, letter in self._places(word):
                for order, counts in enumerate(self._counts):
                    counts[before[_ORDER - order :]][letter] += weight  # type: ignore[assignment]
        self._totals = [{before: sum(found.values()) for before, found in counts.items()} for counts in self._counts]

    def score(self, word: str) -> float:
        """The mean log-probability of the letters of `word`, its end included."""
        total = 0.0
        for before, letter in self._places(word):
            probability = 1 / _CHARACTERS
            for order, counts in enumerate(self._counts):
                context = before[_ORDER - order :]
                seen = self._totals[order].get(context)
                if not seen:
                    break
                kinds = len(counts[context])
                probability = (counts[context].get(letter, 0.0) + kinds * probability) / (seen + kinds)
            total += math.log(probability)
        return total / (len(word) + 1)

    @staticmethod
    def _places(word: str) -> Iterable[tuple[str, str]]:
        padded = "\0" * _ORDER + word + "\n"
        return ((padded[end - _ORDER : end], padded[end]) for end in range(_ORDER, len(padded)))


def choose_words(
    counts: Mapping[str, float],
    sources: Mapping[str, int],
    vocabulary: Iterable[str],
    lists: Iterable[Iterable[str]],
    never: Iterable[str] = (),
    config: LexiconConfig | None = None,
) -> list[tuple[str, int]]:
    """Choose the words of a lexicon, each with its class; see `runtime.engines.lexicon`.

    counts, sources: uses of each written form in the corpus, and the number of sources that use it. vocabulary: the
    bundle's words. lists: word lists, those with the commonest words first. never: words that are left out.
    Words of the corpus come first, the most used ones if there are too many; then those of the first list, then of the
    next, likely letters first.
    """
    config = config or LexiconConfig()
    known = dict.fromkeys(map(fold, vocabulary))
    left_out = {fold(word) for word in never} | known.keys()
    ranks: dict[str, int] = {}
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for rank, words in enumerate(lists):
        for word in words:
            if ranks.setdefault(fold(word), rank) == rank:
                forms[fold(word)].add(word)
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for word, count in counts.items():
        seen[fold(word)][word] += count  # type: ignore[assignment]
    neighbours: defaultdict[str, list[str]] = defaultdict(list)
    for key in known:
        if key in ranks and len(key) > 3:
            neighbours[key[0]].append(key)

    def may_be(key: str) -> bool:
        return 3 <= len(key) <= _LONGEST and key not in left_out and key.replace("'", "").isalpha() and is_word(key)

    def is_slip(key: str) -> bool:
        edits = config.near + (len(key) >= 8)
        return extractOne(key, neighbours[key[0]], scorer=OSA.distance, score_cutoff=edits) is not None

    chosen: dict[str, tuple[str, int]] = {}
    for key, written in seen.items():
        uses = sum(written.values())
        if uses < 2 or not may_be(key):
            continue
        form = max(forms[key], key=lambda each: (written[each], each.islower())) if key in ranks else ""
        form = form or written.most_common(1)[0][0]
        if key not in ranks and not (key.endswith("'s") and (key[:-2] in known or key[:-2] in ranks)):
            plain = form.islower()
            least = config.plain_count if plain else config.minimum_count
            used_by = max(sources.get(each, 0) for each in written)
            if uses < least or used_by < (config.plain_sources if plain else config.minimum_sources):
                continue
            if (form.isupper() and len(form) > 4) or (plain and is_slip(key)):
                continue
        chosen[key] = form, min(_HIGHEST_CLASS, _FIRST_SEEN + int(math.log2(uses)))
    if len(chosen) > config.words:
        uses_of = {key: sum(seen[key].values()) for key in chosen}
        chosen = {key: chosen[key] for key in sorted(chosen, key=lambda key: -uses_of[key])[: config.words]}
    model = CharacterModel({key: 1.0 + math.log2(1 + sum(seen[key].values())) for key in (*known, *chosen)})
    unseen = {key: max(forms[key], key=str.islower) for key in ranks if key not in chosen and may_be(key)}
    rest = [key for key, form in unseen.items() if not form.isupper()]
    rest.sort(key=lambda key: (ranks[key], -model.score(key)))
    lowest = max(ranks.values(), default=0)
    for key in rest[: max(0, config.words - len(chosen))]:
        chosen[key] = unseen[key], min(_FIRST_SEEN - 1, lowest - ranks[key])
    return list(chosen.values())
