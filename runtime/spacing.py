"""Spaces around accepted words: the edit that accepts a suggestion, and which marks remove the space it added.

    before, after = "We met (in Lon", ") and"
    edit = accept(before, after, suggestion)          # suggestion.text == "London"
    text = edit.apply(before, after)                  # ("We met (in London", ") and")

A host applies the `Acceptance` to its text and remembers whether it `brought_space`. While the cursor is directly after
that space, it calls `takes_space_back` with the next typed character.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

CLOSING_MARKS = frozenset(",.!?;:)]}\u2026\u201d\u00bb")
"""Marks that follow a word without a space."""
_SPACED_MARKS = frozenset(",.!?;:)")
"""Marks that need a space before the next word."""


class Replacement(Protocol):
    """What `accept` needs to know about a suggestion; see `foretype.runtime.suggestion.Suggestion`."""

    @property
    def text(self) -> str:
        """The word."""

    @property
    def replaces(self) -> int:
        """Number of characters before the cursor that it replaces."""

    @property
    def replaces_after(self) -> int:
        """Number of characters after the cursor that it replaces."""


@dataclass(frozen=True)
class Acceptance:
    """The edit that puts an accepted word into the text.

    remove_before, remove_after: number of characters to remove before and after the cursor. insert: the text that
    replaces them. skip: number of characters after it that the cursor moves over: a space that is already there.
    brought_space: whether `insert` ends with a space that the user did not type.
    """

    remove_before: int
    remove_after: int
    insert: str
    skip: int = 0
    brought_space: bool = False

    def apply(self, before: str, after: str) -> tuple[str, str]:
        """The text before and after the cursor, after the edit."""
        rest = after[self.remove_after :]
        kept = before[: len(before) - self.remove_before]
        return kept + self.insert + rest[: self.skip], rest[self.skip :]


def missing_space(before: str) -> str:
    """The space that is missing between a mark at the end of `before` and the next word; "" if none is.

    None is missing after an opening quote or bracket.
    """
    return " " if before[-1:] in _SPACED_MARKS and before else ""


def accept(before: str, after: str, suggestion: Replacement) -> Acceptance:
    """The edit that accepts `suggestion` between `before` and `after`, the text on both sides of the cursor.

    Adds a space after the word, unless a space or a closing mark follows, or the cursor was inside the word. Directly
    after a mark, it also adds the missing space before the word.
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


def takes_space_back(typed: str, before: str, spaced_marks: frozenset[str] = frozenset()) -> bool:
    """Whether the character `typed` replaces the space that an accepted word added at the end of `before`.

    It does if it is a closing mark, a space typed by habit, a new line, or a straight quote that closes one opened on
    the same line.

    spaced_marks: closing marks that keep the space, as the language asks: `session.language.spaced_marks`.
    """
    if typed in spaced_marks:
        return False
    return typed in CLOSING_MARKS or typed in (" ", "\n") or _closes_quote(before, typed)


def _closes_quote(before: str, mark: str) -> bool:
    return mark == '"' and before[before.rfind("\n") + 1 :].count('"') % 2 == 1
