"""Undo and redo: changes in batches, each of which one key takes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from foretype.tui.editor.buffer import Change, Place

_MOST_BATCHES = 10_000


@dataclass
class Batch:
    """Changes that are undone together.

    before: the cursor before the first of them. after: the cursor behind the last. kind: what made them.
    number: different for each batch.
    """

    before: Place
    after: Place
    kind: str
    number: int
    changes: list[Change] = field(default_factory=list)


class History:
    """The batches of one text. Typed letters of a word and its space are one batch."""

    def __init__(self) -> None:
        self._undo: list[Batch] = []
        self._redo: list[Batch] = []
        self._open = False
        self._numbers = 0

    @property
    def state(self) -> tuple[int, int]:
        """The same value whenever the text is the same as far as this history knows."""
        return (self._undo[-1].number, len(self._undo[-1].changes)) if self._undo else (0, 0)

    @property
    def batches(self) -> tuple[Batch, ...]:
        """Those that can be undone, the last one last."""
        return tuple(self._undo)

    def restore(self, batches: Sequence[Batch]) -> None:
        """Begin with the batches of an earlier run, which led to the same text."""
        self._undo = list(batches)
        self._numbers = max((batch.number for batch in batches), default=0)

    def clear(self) -> None:
        """Forget all batches."""
        self._undo.clear()
        self._redo.clear()
        self._open = False

    def checkpoint(self) -> None:
        """Start a new batch with the next change."""
        self._open = False

    def record(self, change: Change, before: Place, after: Place, kind: str) -> None:
        """Add a change; it joins the last batch if that is open, of the same kind, and ends where this one starts."""
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
        """Move the last batch to those that can be made again and return it; its changes are undone last one first."""
        return self._move(self._undo, self._redo)

    def redo(self) -> Batch | None:
        """Move the batch undone last back and return it."""
        return self._move(self._redo, self._undo)

    def _move(self, source: list[Batch], target: list[Batch]) -> Batch | None:
        self._open = False
        if not source:
            return None
        target.append(source.pop())
        return target[-1]


def _starts_word(last: Batch, change: Change) -> bool:
    """Whether a typed change begins a new word, which then becomes a batch of its own."""
    written = last.changes[-1].inserted
    if "\n" in written or "\n" in change.inserted:
        return True
    return written[-1:].isspace() and bool(change.inserted) and not change.inserted[0].isspace()
