"""Counts the n-grams of a token stream in memory, order by order, by sorting with NumPy.

Every distinct n-gram is a row of its order. Rows are sorted by (context row, word). The context, which is the n-gram
without its last word, is a row of the order below. So the rows of a context are adjacent, and two integers identify an
n-gram of any length (five word ids would not fit in 64 bits).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from foretype.runtime.errors import CorpusError

Array = npt.NDArray[Any]
Progress = Callable[[str], None]
"""Called with a short description when a step begins."""

SENTENCE_START = 1
SENTENCE_END = 2


@dataclass(frozen=True)
class NgramCounts:
    """The distinct n-grams of one order; all arrays are [rows].

    contexts: row, one order below, of the n-gram without its last word (order 1: 0).
    words: id of the last word.
    suffixes: row, one order below, of the n-gram without its first word (order 1: 0).
    counts: occurrences.
    sentence_start: whether the first word is `<s>`.
    """

    contexts: Array
    words: Array
    suffixes: Array
    counts: Array
    sentence_start: Array

    def __len__(self) -> int:
        return len(self.words)


def count_ngrams(stream: Array, vocab_size: int, order: int, progress: Progress | None = None) -> list[NgramCounts]:
    """Count the n-grams of orders 1 to `order` in a token stream, unsigned integers [tokens].

    Each line is a sentence. It begins after `<s>` (start of a document) or the `</s>` of the line before; as context,
    both are counted as `<s>`. `<s>` itself is never predicted. Order 1 has a row for every id, seen or not. Raises
    CorpusError for an empty stream or an id outside the vocabulary.
    """
    if stream.ndim != 1 or stream.size == 0:
        raise CorpusError(f"the token stream has shape {stream.shape}; must be one-dimensional and not empty")
    if int(stream.max()) >= vocab_size:
        raise CorpusError(f"the token stream has id {int(stream.max())}; the vocabulary has {vocab_size}")
    boundary = (stream == SENTENCE_START) | (stream == SENTENCE_END)
    unigrams = _unigrams(stream, vocab_size)
    orders = [unigrams]

    # rows[i]: row, one order below, of the n-gram that ends at token i; -1 if it contains a sentence boundary.
    rows = stream.astype(np.int32)
    positions = np.flatnonzero(stream != SENTENCE_START).astype(np.int32)
    for n in range(2, order + 1):
        if progress:
            progress(f"counting {n}-grams")
        before = positions - 1  # -1 for the first token indexes the last one, so treat it as a boundary below
        at_boundary = boundary[before] | (before < 0)
        if n == 2:
            contexts = np.where(at_boundary, SENTENCE_START, stream[before])
        else:
            inside = ~at_boundary & (rows[before] >= 0)
            positions = positions[inside]
            contexts = rows[before[inside]]
            del inside
        del before, at_boundary
        keys = contexts.astype(np.uint64)
        del contexts
        keys *= np.uint64(vocab_size)
        keys += stream[positions]
        permutation = np.argsort(keys)
        keys = keys[permutation]
        first = np.empty(len(keys), bool)
        first[:1] = True
        np.not_equal(keys[1:], keys[:-1], out=first[1:])
        starts = np.flatnonzero(first)
        keys = keys[starts]
        sorted_positions = positions[permutation]
        del permutation
        suffixes = rows[sorted_positions[starts]]
        rows.fill(-1)
        rows[sorted_positions] = np.cumsum(first, dtype=np.int32) - 1
        contexts = (keys // np.uint64(vocab_size)).astype(np.int32)
        orders.append(
            NgramCounts(
                contexts=contexts,
                words=(keys % np.uint64(vocab_size)).astype(unigrams.words.dtype),
                suffixes=suffixes,
                counts=np.diff(starts, append=len(first)).astype(np.uint32),
                sentence_start=orders[-1].sentence_start[contexts],
            )
        )
    return orders


def _unigrams(stream: Array, vocab_size: int) -> NgramCounts:
    counts = np.bincount(stream, minlength=vocab_size).astype(np.uint32)
    counts[SENTENCE_START] = 0
    words = np.arange(vocab_size, dtype=np.uint16 if vocab_size <= 2**16 else np.uint32)
    zeros = np.zeros(vocab_size, np.int32)
    return NgramCounts(zeros, words, zeros, counts, words == SENTENCE_START)
