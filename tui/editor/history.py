"""Undo and redo, in batches of changes. One key undoes one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from foretype.tui.editor.buffer import Change, Place

_MOST_BATCHES = 10_000


@dataclass
class Batch:
    """Changes that are undone together.

    before: the cursor before the first change. after: the cursor after the last one. kind: what made the changes.
    number: unique for each batch.
    """

    before: Place
    after: Place
    kind: str
    number: int
    changes: list[Change] = field(default_factory=list)


class History:
    """The batches of one text. The typed letters of a word and its space form one batch."""

    def __init__(self) -> None:
        self._undo: list[Batch] = []
        self._redo: list[Batch] = []
        self._open = False
        self._numbers = 0

    @property
    def state(self) -> tuple[int, int]:
        """A value that is equal whenever the text is the same, as far as this history knows."""
        return (self._undo[-1].number, len(self._undo[-1].changes)) if self._undo else (0, 0)

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The batches that can be undone, oldest first."""
        return tuple(self._undo)

    def restore(self, batches: Sequence[Batch]) -> None:
        """Start with the batches of an earlier run that led to the same text."""
        self._undo = list(batches)
        self._numbers = max((batch.number for batch in batches), default=0)

    def clear(self) -> None:
        """Forget all batches."""
        self._undo.clear()
        self._redo.clear()
        self._open = False

    def checkpoint(self) -> None:
        """Make the next change start a new batch."""
        self._open = False

    def record(self, change: Change, before: Place, after: Place, kind: str) -> None:
        """Add a change. It joins the last batch if that is open, of the same kind, and ends where this change starts.

        A change that starts a new word starts a new batch.
        """
        self._redo.clear()
        last = self._undo[-1] if self._undo else None
        if last is None or not self._open or last.kind != kind or last.after != before or _starts_word(last, change):
            self._numbers += 1
            last = Batch(before, after, kind, self._numbers)
            self._undo.append(last)
            del self._undo[:-_MOST_BATCHES]
        last.changes.append(change)
        last.after = after
        self._open = True

    def undo(self) -> Batch | None:
        """Move the last batch to the redo list and return it. Undo its changes in reverse order."""
        return self._move(self._undo, self._redo)

    def redo(self) -> Batch | None:
        """Move the batch that was undone last back to the undo list, and return it."""
        return self._move(self._redo, self._undo)

    def _move(self, source: list[Batch], target: list[Batch]) -> Batch | None:
        self._open = False
        if not source:
            return None
        target.append(source.pop())
        return target[-1]


def _starts_word(last: Batch, change: Change) -> bool:
    """Whether a typed change starts a new line or a new word, and so a new batch."""
    written = last.changes[-1].inserted
    if "\n" in written or "\n" in change.inserted:
        return True
    return written[-1:].isspace() and bool(change.inserted) and not change.inserted[0].isspace()
