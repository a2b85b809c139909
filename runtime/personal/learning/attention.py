"""Estimates how often the user overlooks a suggestion, from what was shown, taken, and typed by hand.

Each time the intended word was shown, the user either took it or typed on. The share of the latter, smoothed with the
default, is the chance that the next suggestion is overlooked (the mean of a beta distribution).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

OVERLOOKS = 0.4
"""Default chance that a user overlooks a suggestion.

Li and Feit (2025, "How We Type with Word Suggestions", Proc. ACM IMWUT): when people looked at the list and picked
nothing, they had looked at the right word in 43.6 % of the cases.
"""
_PLACE = 48
"""Number of characters before a word that identify its place in the text."""
_WORD = re.compile(r"[^\W_](?:[^\W_]|['\u2019-])*")
_WORTH = 2
"""Minimum number of letters that a suggestion must save for typing on to count as overlooking it."""
_PRIOR = 50.0
"""The default counts as this many observed suggestions."""
_MOST = 2000
"""After this many suggestions all counts are halved, because people change."""


class Looks(NamedTuple):
    """Counts of suggestions of the intended word: those that the user took, and those that the user overlooked."""

    taken: int = 0
    overlooked: int = 0

    def followed_by(self, more: Looks) -> Looks:
        """The sum of these counts and the newer ones in `more`. If there are many, both counts are halved."""
        taken, overlooked = self.taken + more.taken, self.overlooked + more.overlooked
        return Looks(taken // 2, overlooked // 2) if taken + overlooked > _MOST else Looks(taken, overlooked)

    def chance_overlooked(self, default: float) -> float:
        """The chance that the next suggestion is overlooked. default: the chance before anything was observed."""
        return (self.overlooked + _PRIOR * default) / (self.taken + self.overlooked + _PRIOR)


class Attention:
    """The suggestions that one field showed for the words that were typed last."""

    def __init__(self) -> None:
        self._places: list[tuple[str, dict[str, frozenset[str]]]] = []

    def note(self, text: str, prefix: str, shown: Collection[str]) -> None:
        """Note that the words `shown` are shown at the end of `text`, which ends with `prefix`, a partly typed word."""
        place = text[max(0, len(text) - len(prefix) - _PLACE) : len(text) - len(prefix)]
        if not self._places or self._places[-1][0] != place:
            # Keep the previous place too: a host may ask for suggestions before it commits the text.
            self._places = [*self._places[-1:], (place, {})]
        words = self._places[-1][1]
        words[prefix] = words.get(prefix, frozenset()) | frozenset(shown)

    def follow(self, text: str, accepted: bool) -> Looks:
        """Return what the word that was just finished tells. Each word is counted once.

        text: the text before the cursor. accepted: whether the word was chosen from the suggestions.
        """
        for number, (place, shown) in enumerate(self._places):
            start = _end_of(place, text)
            word = None if start is None else _WORD.match(text, start)
            if word and (accepted or word.end() < len(text)):
                del self._places[: number + 1]
                return _told(word.group(), shown, accepted)
        return Looks()


def _end_of(place: str, text: str) -> int | None:
    """The end of `place` in `text`; None if it does not occur near the end of `text`."""
    if len(place) < _PLACE:  # the place is at the start of the text
        return len(place) if text.startswith(place) else None
    start = text.rfind(place, max(0, len(text) - 4 * _PLACE))
    return None if start < 0 else start + len(place)


def _told(word: str, shown: dict[str, frozenset[str]], accepted: bool) -> Looks:
    """Count the suggestions that were taken and overlooked when `word` was typed or accepted.

    shown: the words that were shown at each prefix.
    """
    at = sorted((prefix for prefix, words in shown.items() if word in words and word.startswith(prefix)), key=len)
    taken = accepted and bool(at) and at[-1] == max(shown, key=len)
    missed = at[:-1] if taken else at
    return Looks(int(taken), sum(len(word) - len(prefix) >= _WORTH for prefix in missed))
