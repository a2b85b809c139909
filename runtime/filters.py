"""Words that are never suggested: the user's own list, and offensive words. What is typed is not their business."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from foretype.runtime.lazy import lazy
from foretype.runtime.text.vocabulary import Vocabulary, fold

_LIST = Path(__file__).parent / "offensive.txt"
_ENDINGS = ("'s", "'")
_RUN = 8
"""Words of a longer run between hyphens are not looked at together."""
_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*")
REACH = 200
"""Characters before the cursor that the start of a forgotten phrase is looked for in."""


@lru_cache(maxsize=1)
def offensive_words() -> frozenset[str]:
    """The shipped list, folded."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(fold(line.strip()) for line in lines if line.strip() and not line.startswith("#"))


@dataclass(frozen=True)
class Filters:
    """What a session never suggests, whatever engine it comes from.

    never: words, in any case form. offensive: whether the shipped list of offensive words holds. allowed: words that it
    does not hold for; `never` goes before.
    """

    never: frozenset[str] = frozenset()
    offensive: bool = True
    allowed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, never: Iterable[str] = (), offensive: bool = True, allowed: Iterable[str] = ()) -> Filters:
        """From words as people write them."""
        return cls(frozenset(map(fold, never)), offensive, frozenset(map(fold, allowed)))

    def blocked(self, vocabulary: Vocabulary, forgotten: Container[str] = ()) -> Blocked:
        """The words they keep out, with those that the user's store has `forgotten`."""
        offensive = offensive_words() - self.allowed if self.offensive else frozenset()
        return Blocked(self.never | offensive, forgotten, vocabulary)


def parts(key: str) -> tuple[str, ...]:
    """A folded word, and what it is made of: every run of the words between its hyphens, and each without the ending
    of a possessive.

    >>> parts("tomahawk-like"), parts("Anna's")
    (('tomahawk-like', 'tomahawk', 'like'), ("Anna's", 'Anna'))
    >>> "in-law" in parts("father-in-law's")
    True
    """
    if "-" not in key and not key.endswith(_ENDINGS):
        return (key,)
    pieces = key.split("-")
    runs = ["-".join(pieces[a:b]) for a in range(len(pieces)) for b in range(a + 1, min(a + _RUN, len(pieces)) + 1)]
    return tuple(dict.fromkeys(form for run in (key, *runs) for form in (run, _stem(run)) if form))


def _stem(word: str) -> str:
    return next((word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending)), word)


class Blocked:
    """Words that are not suggested: known ones, and forgotten ones, which are known by hashes only."""

    def __init__(self, words: frozenset[str], forgotten: Container[str], vocabulary: Vocabulary) -> None:
        self._words = words
        self._forgotten = forgotten
        self._vocabulary = vocabulary

    def __contains__(self, key: object) -> bool:
        """Whether a folded word is one of them, or a possessive or a hyphenated word made of one."""
        return any(part in self._words or part in self._forgotten for part in parts(str(key)))

    @lazy
    def positions(self) -> list[int]:
        """Positions, id - first_word, of the vocabulary's words that are blocked."""
        vocabulary = self._vocabulary
        if self._forgotten:
            return [position for position, key in enumerate(vocabulary.keys) if key in self]
        found = []
        for word in self._words:
            for key in (word, word + "'s"):
                low, high = vocabulary.prefix_range(key)
                found += [
                    i - vocabulary.first_word
                    for i in range(low, high)
                    if vocabulary.keys[i - vocabulary.first_word] == key
                ]
        return sorted(set(found))

    def after(self, before: str) -> Container[str]:
        """The folded words that are not suggested after the text `before`: the last ones of forgotten phrases."""
        if not self._forgotten:
            return ()
        words = [fold(word) for word in _WORD.findall(before[-REACH:])][-2:]
        starts = [" ".join(words[start:]) + " " for start in range(len(words))]
        known = [start for start in starts if start in self._forgotten]
        return _Ends(known, self._forgotten) if known else ()


class _Ends:
    """The words that end a forgotten phrase after one of some starts."""

    def __init__(self, starts: list[str], forgotten: Container[str]) -> None:
        self._starts = starts
        self._forgotten = forgotten

    def __contains__(self, key: object) -> bool:
        return any(start + part in self._forgotten for start in self._starts for part in parts(str(key)))
