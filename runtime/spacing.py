"""Spaces around accepted words: the edit that accepting a suggestion asks for, and which marks take its space back.

    before, after = "We met (in Lon", ") and"
    edit = accept(before, after, suggestion)          # suggestion.text == "London"
    text = edit.apply(before, after)                  # ("We met (in London", ") and")

Whoever embeds the runtime applies `Acceptance` to the text, remembers whether it `brought_space`, and asks
`takes_space_back` about the next character while the cursor stands right behind that space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

CLOSING_MARKS = frozenset(",.!?;:)]}\u2026\u201d\u00bb")
"""Marks that stand close to the word before them."""
_SPACED_MARKS = frozenset(",.!?;:)")
"""Marks after which a word asks for a space that was not typed yet."""


class Replacement(Protocol):
    """What `accept` needs to know of a suggestion; see `foretype.runtime.suggestion.Suggestion`."""

    @property
    def text(self) -> str:
        """The word."""

    @property
    def replaces(self) -> int:
        """Characters before the cursor that it replaces."""

    @property
    def replaces_after(self) -> int:
        """Characters after the cursor that it replaces."""


@dataclass(frozen=True)
class Acceptance:
    """The edit that puts an accepted word into the text.

    remove_before, remove_after: characters before and after the cursor that go. insert: what takes their place.
    skip: characters after it that the cursor passes over: a space that is there already. brought_space: whether
    `insert` ends with a space that nobody typed.
    """

    remove_before: int
    remove_after: int
    insert: str
    skip: int = 0
    brought_space: bool = False

    def apply(self, before: str, after: str) -> tuple[str, str]:
        """The text before and after the cursor, once accepted."""
        rest = after[self.remove_after :]
        kept = before[: len(before) - self.remove_before]
        return kept + self.insert + rest[: self.skip], rest[self.skip :]


def missing_space(before: str) -> str:
    """The space that is due, and not typed yet, between a mark at the end of `before` and the next word.

    None after an opening quote or bracket.
    """
    return " " if before[-1:] in _SPACED_MARKS and before else ""


def accept(before: str, after: str, suggestion: Replacement) -> Acceptance:
    """What accepting `suggestion` does between `before` and `after`, the text on both sides of the cursor.

    The word brings a space, unless one follows, a mark follows that stands close to its word, or the cursor stood
    inside the word. Right after a mark it brings the space before it too.
    """
    insert = (missing_space(before) if not suggestion.replaces else "") + suggestion.text
    rest = after[suggestion.replaces_after :]
    if suggestion.text[-1:].isspace():  # a correction of the word before the space
        return Acceptance(suggestion.replaces, suggestion.replaces_after, insert)
    if rest[:1] == " ":
        return Acceptance(suggestion.replaces, suggestion.replaces_after, insert, skip=1)
    if (rest[:1] in CLOSING_MARKS and rest) or suggestion.replaces_after:
        return Acceptance(suggestion.replaces, suggestion.replaces_after, insert)
    if _closes_quote(before, rest[:1]):
        return Acceptance(suggestion.replaces, 0, insert)
    return Acceptance(suggestion.replaces, 0, insert + " ", brought_space=True)


def takes_space_back(typed: str, before: str) -> bool:
    """Whether the character `typed` takes the place of the space that an accepted word brought at the end of `before`.

    Marks that stand close to their word do, and so do a space typed by habit, a new line, and a straight quote that
    closes one opened on the same line.
    """
    return typed in CLOSING_MARKS or typed in (" ", "\n") or _closes_quote(before, typed)


def _closes_quote(before: str, mark: str) -> bool:
    return mark == '"' and before[before.rfind("\n") + 1 :].count('"') % 2 == 1
