"""Filters words that are never suggested: the user's own list, and offensive words. Typed text is not filtered."""

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
"""Maximum number of hyphenated parts that are checked together as one word."""
_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*")
REACH = 200
"""Number of characters before the cursor that are searched for the start of a forgotten phrase."""


@lru_cache(maxsize=1)
def offensive_words() -> frozenset[str]:
    """The bundled list of offensive words, folded."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(fold(line.strip()) for line in lines if line.strip() and not line.startswith("#"))


@dataclass(frozen=True)
class Filters:
    """What a session never suggests, whichever engine proposes it.

    never: words, in any case form. offensive: whether to apply the bundled list of offensive words. allowed: exceptions
    from that list. `never` takes precedence over `allowed`.
    """

    never: frozenset[str] = frozenset()
    offensive: bool = True
    allowed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, never: Iterable[str] = (), offensive: bool = True, allowed: Iterable[str] = ()) -> Filters:
        """Create filters from unfolded words."""
        return cls(frozenset(map(fold, never)), offensive, frozenset(map(fold, allowed)))

    def blocked(self, vocabulary: Vocabulary, forgotten: Container[str] = ()) -> Blocked:
        """The words that the filters block, and the words that the user's store has `forgotten`."""
        offensive = offensive_words() - self.allowed if self.offensive else frozenset()
        return Blocked(self.never | offensive, forgotten, vocabulary)


def parts(key: str) -> tuple[str, ...]:
    """A folded word and its parts: every run of hyphenated parts, each also without a possessive ending.

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
    """Words that are not suggested: listed words, and forgotten words, which are known only by their hashes."""

    def __init__(self, words: frozenset[str], forgotten: Container[str], vocabulary: Vocabulary) -> None:
        self._words = words
        self._forgotten = forgotten
        self._vocabulary = vocabulary

    def __contains__(self, key: object) -> bool:
        """Whether a folded word is blocked, or is a possessive or hyphenated word derived from a blocked one."""
        return any(part in self._words or part in self._forgotten for part in parts(str(key)))

    @lazy
    def positions(self) -> list[int]:
        """Positions (id - first_word) of the blocked words in the vocabulary."""
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
        """The folded words that are not suggested after the text `before`: the last words of forgotten phrases."""
        if not self._forgotten:
            return ()
        words = [fold(word) for word in _WORD.findall(before[-REACH:])][-2:]
        starts = [" ".join(words[start:]) + " " for start in range(len(words))]
        known = [start for start in starts if start in self._forgotten]
        return _Ends(known, self._forgotten) if known else ()


class _Ends:
    """The words that complete a forgotten phrase after one of the given starts."""

    def __init__(self, starts: list[str], forgotten: Container[str]) -> None:
        self._starts = starts
        self._forgotten = forgotten

    def __contains__(self, key: object) -> bool:
        return any(start + part in self._forgotten for start in self._starts for part in parts(str(key)))
