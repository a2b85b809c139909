"""N-grams as sortable windows, for counting in pieces, on disk or on several machines.

A window begins at every token of the stream and at every `<s>`, and holds the next words up to the end of the sentence,
at most `order`. Every n-gram is the first n words of some windows. One pass over the sorted windows finds the distinct
n-grams of all orders in the order of their rows, contexts before their continuations. So windows may be made from any
piece of the stream and merged in any way; only sorting needs an engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from foretype.runtime.errors import CorpusError
from foretype.train.ngrams.counting.counts import SENTENCE_END, SENTENCE_START, Array, NgramCounts


def windows(stream: Array, start: int, stop: int, order: int) -> Array:
    """Return the windows of at least two words that begin at tokens `start` up to `stop`: uint32 [order, windows].

    An entry is a word's id + 1, or 0 after the end of the sentence, so that a sentence sorts before its continuations.
    Start with -1, because the stream begins with the beginning of a sentence.
    """
    # Fill the place after the stream with `<s>`, which ends every window.
    tokens = np.full(stop - start + order - 1, SENTENCE_START, np.uint32)
    piece = stream[max(start, 0) : stop + order - 1]
    tokens[max(start, 0) - start :][: len(piece)] = piece
    length = stop - start
    result = np.zeros((order, length), np.uint32)
    result[0] = np.where(tokens[:length] == SENTENCE_END, SENTENCE_START, tokens[:length]) + 1
    inside = np.ones(length, bool)
    for n in range(1, order):
        word = tokens[n : n + length]
        inside &= word != SENTENCE_START
        if n > 1:
            inside &= tokens[n - 1 : n - 1 + length] != SENTENCE_END
        np.add(word, 1, out=result[n], where=inside)
    return result[:, result[1] > 0] if order > 1 else result[:, :0]


@dataclass(frozen=True)
class Packing:
    """Packs windows into as few 64-bit integers as possible, whose order is that of the windows."""

    vocab_size: int
    order: int

    @property
    def bits(self) -> int:
        """Bits of an entry."""
        return self.vocab_size.bit_length()

    @property
    def columns(self) -> int:
        """Integers of a window."""
        return -(-self.order // (64 // self.bits))

    def _places(self) -> list[tuple[int, np.uint64]]:
        """The column and the shift of each word of a window."""
        per_column = 64 // self.bits
        return [(n // per_column, np.uint64((per_column - 1 - n % per_column) * self.bits)) for n in range(self.order)]

    def pack(self, entries: Array) -> Array:
        """Pack windows [order, windows] into uint64 [columns, windows]."""
        keys = np.zeros((self.columns, entries.shape[1]), np.uint64)
        for (column, shift), words in zip(self._places(), entries, strict=True):
            keys[column] |= words.astype(np.uint64) << shift
        return keys

    def unpack(self, keys: Array) -> Array:
        """Unpack what `pack` returned: uint32 [order, windows]."""
        mask = np.uint64((1 << self.bits) - 1)
        entries = np.empty((self.order, keys.shape[1]), np.uint32)
        for n, (column, shift) in enumerate(self._places()):
            entries[n] = (keys[column] >> shift) & mask
        return entries

    def first_key(self, word: Array) -> Array:
        """The lowest value of the first column of windows that begin with `word`."""
        return (word.astype(np.uint64) + np.uint64(1)) << self._places()[0][1]


class NewRows(NamedTuple):
    """Rows of one order that occur first in some sorted windows; all arrays are [rows].

    at: the window in which the row occurs first.
    contexts, words, sentence_start: as in `NgramCounts`.
    counts: occurrences of complete rows, so this array is one row behind the others (see `RowNumbering.rest`).
    """

    at: Array
    contexts: Array
    words: Array
    sentence_start: Array
    counts: Array


class RowNumbering:
    """Numbers the n-grams of orders 2 to `order` in sorted windows, which are given piece by piece."""

    def __init__(self, order: int) -> None:
        self.order = order
        self._previous = np.zeros((order, 1), np.uint32)
        self._rows = [0] * (order + 1)
        # The count so far of the last row of each order: [0] before the first row, then [1].
        self._open = [np.zeros(0, np.int64)] * (order + 1)

    def add(self, entries: Array, counts: Array) -> list[NewRows]:
        """Return the rows that begin in the next windows [order, windows], which occur `counts` [windows] times.

        Windows must be sorted, within a call and from call to call; they may repeat.
        """
        counts = counts.astype(np.int64)
        before = np.concatenate([self._previous, entries[:, :-1]], axis=1)
        self._previous = entries[:, -1:].copy() if entries.shape[1] else self._previous
        changed = entries[0] != before[0, : entries.shape[1]]
        row = entries[0].astype(np.int64) - 1
        result: list[NewRows] = []
        for n in range(2, self.order + 1):
            words = entries[n - 1]
            changed |= words != before[n - 1, : len(words)]
            inside = words > 0
            new = changed & inside
            at = np.flatnonzero(new)
            of_rows, starts = counts[inside], np.flatnonzero(new[inside])
            carried = of_rows[: starts[0]].sum() if len(starts) else of_rows.sum()
            totals = [self._open[n] + carried]
            if len(starts):
                totals.append(np.add.reduceat(of_rows, starts))
            total = np.concatenate(totals)
            self._open[n] = total[-1:]
            result.append(NewRows(at, row[at], words[at] - 1, entries[0, at] == SENTENCE_START + 1, total[:-1]))
            row = self._rows[n] - 1 + np.cumsum(new)
            self._rows[n] += len(at)
        return result

    def rest(self) -> list[Array]:
        """The counts of the last row of each order from 2 on, [0] or [1]; call it after all windows are added."""
        return self._open[2:]


def count_words(stream: Array, vocab_size: int) -> Array:
    """Count each id in a piece of the stream, int64 [vocab_size]; CorpusError for an id outside the vocabulary."""
    counts = np.bincount(stream, minlength=vocab_size)
    if len(counts) > vocab_size:
        raise CorpusError(f"the token stream has id {len(counts) - 1}; the vocabulary has {vocab_size}")
    return counts


def unigrams(counts: Array, tokens: int) -> NgramCounts:
    """Make the rows of order 1, like `count_ngrams`, from the occurrences of each id in a stream of `tokens` tokens."""
    counts = counts.astype(np.uint32 if tokens < 1 << 32 else np.uint64)
    counts[SENTENCE_START] = 0
    words = np.arange(len(counts), dtype=np.uint16 if len(counts) <= 1 << 16 else np.uint32)
    zeros = np.zeros(len(counts), np.int32)
    return NgramCounts(zeros, words, zeros, counts, words == SENTENCE_START)
