"""Tracks which characters of a text field the user typed: a mark for each character, kept through every edit.

A field reports only the text before the cursor, and perhaps the text after it. Text that becomes visible again when the
cursor moves keeps its marks. Text that was never seen before was not typed here.
"""

from __future__ import annotations

from foretype.runtime.text.context import MAXIMUM_WORD, common_prefix

FOREIGN, TYPED, ACCEPTED, COUNTED = range(4)
"""Marks of characters: opened, pasted or private; typed; accepted from the suggestions; already learned."""
_REMEMBERED = 10_000
"""Number of characters after the cursor whose marks are kept."""
_MOST_TYPED = MAXIMUM_WORD + 2
"""One key press cannot insert more characters than this."""
_ANCHOR = 64
"""Number of characters used to find the text again when its beginning is cut off."""


class TypedText:
    """The known text of one field, and a mark for each of its characters.

    before: the text before the cursor.
    """

    def __init__(self) -> None:
        self.before = ""
        self._after = ""
        self._marks = bytearray()  # of `before` and `_after`
        self._begun = False
        self._after_is_known = False

    def update(self, before: str, after: str | None, mark: int) -> tuple[int, int]:
        """Follow one edit. Text that it inserted before the cursor gets `mark` if one key press could have inserted it.

        before: the text before the cursor after the edit. after: the text after the cursor, or its beginning; None if
            the field does not report it, so that text that is no longer visible may be deleted or still be there.
        Returns two numbers: how many characters the known text lost at its start, because the field shows a later part
        of a long document; and how many characters of `before` were there before the edit.
        """
        shift = self._scroll(before)
        known = self.before + self._after
        kept = self._kept(before)
        if after is None:
            if mark == FOREIGN:  # it may be the same letters, typed in private
                kept = min(kept, len(self.before))
            rest, marks = known[kept:][:_REMEMBERED], self._marks[kept:][:_REMEMBERED]
        else:
            rest = after[:_REMEMBERED]
            place = self._place(known, rest, kept)
            if place is not None:
                kept = min(kept, place)
            marks = self._marks[place : place + len(rest)] if place is not None else bytearray()
            marks += bytes(len(rest) - len(marks))
        inserted = before[kept:]
        mark = mark if self._comes_from_a_key(inserted, mark) else FOREIGN
        self._marks = self._marks[:kept] + bytes([mark]) * len(inserted) + marks
        self.before, self._after, self._begun = before, rest, True
        self._after_is_known = after is not None
        return shift, kept

    def next_typed(self, position: int) -> int:
        """The first character between `position` and the cursor that may be learned; the cursor if there is none."""
        marks = self._marks
        found = [marks.find(mark, position, len(self.before)) for mark in (TYPED, ACCEPTED)]
        return min((place for place in found if place >= 0), default=len(self.before))

    def all_typed(self, start: int, end: int) -> bool:
        """Whether every character of [start, end) was typed or accepted here, whether already learned or not."""
        return start < end and FOREIGN not in self._marks[start:end]

    def was_counted(self, start: int) -> bool:
        """Whether the word that starts at `start` was already learned."""
        return self._marks[start] == COUNTED

    def was_accepted(self, start: int, end: int) -> bool:
        """Whether any character of [start, end) was accepted from the suggestions."""
        return ACCEPTED in self._marks[start:end]

    def count(self, start: int, end: int) -> None:
        """Mark [start, end) as learned."""
        self._marks[start:end] = bytes([COUNTED]) * (end - start)

    def disown(self) -> None:
        """Mark every character as not typed here."""
        self._marks = bytearray(len(self._marks))

    @property
    def known(self) -> str:
        """The text that is certainly in the field."""
        return self.before + self._after if self._after_is_known else self.before

    def _comes_from_a_key(self, inserted: str, mark: int) -> bool:
        if mark == ACCEPTED and self._begun:
            return len(inserted) <= 3 * _MOST_TYPED
        longest = _MOST_TYPED if self._begun or mark == ACCEPTED else 1
        return len(inserted) <= longest and len(inserted.split()) <= 1

    def _scroll(self, before: str) -> int:
        """Drop the start of the known text if the field shows only a later part of it. Returns how much was dropped."""
        if len(before) < _ANCHOR or self.before[:_ANCHOR] == before[:_ANCHOR]:
            return 0
        shift = self.before.find(before[:_ANCHOR])
        if shift <= 0:
            return 0
        self.before, self._marks = self.before[shift:], self._marks[shift:]
        return shift

    def _kept(self, before: str) -> int:
        """The number of characters that the known text and `before` share at their start."""
        if before.startswith(self.before):
            length = len(self.before)
            return length + common_prefix(before[length:], self._after)
        return common_prefix(before, self.before)

    def _place(self, known: str, rest: str, kept: int) -> int | None:
        """The position in `known` of `rest`, the text that is now after the cursor; None if it was not known."""
        if known.endswith(rest) and len(rest) < _REMEMBERED:
            return len(known) - len(rest)
        head = rest[:_ANCHOR]
        place = known.find(head, max(0, kept - 1)) if len(head) == _ANCHOR else -1
        return place if place >= 0 else None
