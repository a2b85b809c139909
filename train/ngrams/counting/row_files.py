"""The rows of one order of n-grams, on disk, while counting."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from foretype.train.ngrams.counting.counts import NgramCounts
from foretype.train.ngrams.counting.packing import NewRows
from foretype.train.text.disk_array import DiskArray


class RowFiles:
    """The columns of `NgramCounts`, each an array on disk.

    tokens: length of the stream, which limits rows and counts: they are int32 and uint32 if those are large enough.
    folder: for the files; None for the system's temporary folder.
    """

    def __init__(self, tokens: int, vocab_size: int, folder: Path | None) -> None:
        row_type = np.int32 if max(tokens, vocab_size) < 1 << 31 else np.int64
        self.contexts = DiskArray(row_type, folder)
        self.words = DiskArray(np.uint16 if vocab_size <= 1 << 16 else np.uint32, folder)
        self.suffixes = DiskArray(row_type, folder)
        self.counts = DiskArray(np.uint32 if tokens < 1 << 32 else np.uint64, folder)
        self.sentence_start = DiskArray(bool, folder)

    def add(self, rows: NewRows) -> None:
        """Append rows: all columns except the suffixes."""
        self.contexts.append(rows.contexts)
        self.words.append(rows.words)
        self.counts.append(rows.counts)
        self.sentence_start.append(rows.sentence_start)

    def mapped(self) -> NgramCounts:
        """Return the finished rows; append nothing afterwards."""
        return NgramCounts(
            contexts=self.contexts.mapped(),
            words=self.words.mapped(),
            suffixes=self.suffixes.mapped(),
            counts=self.counts.mapped(),
            sentence_start=self.sentence_start.mapped(),
        )
