"""How often the user overlooks a suggestion: counted from what was shown, taken, and typed by hand.

Each time the word that is meant was shown, the user took it or typed on. The share of the latter, smoothed with the
default, is the chance that the next suggestion is overlooked (the mean of a beta distribution).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

OVERLOOKS = 0.4
"""Default chance that a user overlooks a suggestion.

Li and Feit (2025, "How We Type with Word Suggestions", Proc. ACM IMWUT): where people looked at the list and picked
nothing, they had looked at the right word in 43.6 % of the cases.
"""
_PLACE = 48
"""Characters before a word that tell one place of the text from another."""
_WORD = re.compile(r"[^\W_](?:[^\W_]|['\u2019-])*")
_WORTH = 2
"""Letters that a suggestion must save, so that typing on says something about the user's eyes."""
_PRIOR = 50.0
"""Suggestions that the default counts as."""
_MOST = 2000
"""Suggestions after which all count half: people change."""


class Looks(NamedTuple):
    """Suggestions of the word that was meant: those the user took, and those the user overlooked."""

    taken: int = 0
    overlooked: int = 0

    def followed_by(self, more: Looks) -> Looks:
        """These and `more`, the newer ones; where there are many, all count half from now on."""
        taken, overlooked = self.taken + more.taken, self.overlooked + more.overlooked
        return Looks(taken // 2, overlooked // 2) if taken + overlooked > _MOST else Looks(taken, overlooked)

    def chance_overlooked(self, default: float) -> float:
        """The chance that the next one is overlooked. default: what it is before anything is known."""
        return (self.overlooked + _PRIOR * default) / (self.taken + self.overlooked + _PRIOR)


class Attention:
    """What one field showed at the words that were typed last."""

    def __init__(self) -> None:
        self._places: list[tuple[str, dict[str, frozenset[str]]]] = []

    def note(self, text: str, prefix: str, shown: Collection[str]) -> None:
        """The texts `shown` are shown at the end of `text`, which ends with `prefix`, the letters typed of a word."""
        place = text[max(0, len(text) - len(prefix) - _PLACE) : len(text) - len(prefix)]
        if not self._places or self._places[-1][0] != place:
            # The place before too: a host may ask for suggestions before it commits the text.
            self._places = [*self._places[-1:], (place, {})]
        words = self._places[-1][1]
        words[prefix] = words.get(prefix, frozenset()) | frozenset(shown)

    def follow(self, text: str, accepted: bool) -> Looks:
        """`text` stands before the cursor now; what the word that it finishes tells. Each word tells once.

        accepted: whether the word was chosen from the suggestions.
        """
        for number, (place, shown) in enumerate(self._places):
            start = _end_of(place, text)
            word = None if start is None else _WORD.match(text, start)
            if word and (accepted or word.end() < len(text)):
                del self._places[: number + 1]
                return _told(word.group(), shown, accepted)
        return Looks()


def _end_of(place: str, text: str) -> int | None:
    """Where the characters of `place` end in `text`; None where they are not near its end."""
    if len(place) < _PLACE:  # the text starts with them
        return len(place) if text.startswith(place) else None
    start = text.rfind(place, max(0, len(text) - 4 * _PLACE))
    return None if start < 0 else start + len(place)


def _told(word: str, shown: dict[str, frozenset[str]], accepted: bool) -> Looks:
    """What it tells that `word` was typed, or chosen, where these words were shown at these prefixes."""
    at = sorted((prefix for prefix, words in shown.items() if word in words and word.startswith(prefix)), key=len)
    taken = accepted and bool(at) and at[-1] == max(shown, key=len)
    missed = at[:-1] if taken else at
    return Looks(int(taken), sum(len(word) - len(prefix) >= _WORTH for prefix in missed))
