"""A finished n-gram model: n-grams, probabilities and backoffs, as stored in ARPA files and tables files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed


@dataclass(frozen=True)
class BackoffOrder:
    """The n-grams of one order, sorted by (context, word); all arrays are [rows].

    contexts: row, one order below, of the n-gram without its last word (order 1: 0).
    words: id of the last word; order 1 has a row for every id.
    probabilities: float32, p(last word | context); 0 for `<s>`.
    backoffs: float32, the factor of the order below after this n-gram; 1 if it is not a context.
    """

    contexts: Array
    words: Array
    probabilities: Array
    backoffs: Array

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class BackoffModel:
    """All orders, from 1. p(w | h) is stored for an n-gram, or else backoff(h) p(w | h without its first word)."""

    orders: Sequence[BackoffOrder]

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return len(self.orders[0])

    @cached_property
    def _keys(self) -> list[Array]:
        return [rows.contexts.astype(np.int64) * self.vocab_size + rows.words for rows in self.orders]

    def find(self, n: int, contexts: Array, words: Array) -> Array:
        """Find the rows, in order `n` >= 2, of the n-grams given by their contexts' rows and last words, [any].

        Returns -1 for n-grams that are missing, such as those of the context -1.
        """
        keys = self._keys[n - 1]
        wanted = contexts.astype(np.int64) * self.vocab_size + words
        if not len(keys):
            return np.full(len(wanted), -1)
        rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((keys[rows] == wanted) & (contexts >= 0), rows, -1)


def compact(orders: Sequence[NgramCounts], keep: Sequence[Array], models: Sequence[Smoothed]) -> BackoffModel:
    """Make a model of the rows in `keep` (bool [rows] per order)."""
    finished: list[BackoffOrder] = []
    for n, (rows, kept, model) in enumerate(zip(orders, keep, models, strict=True)):
        new_rows = np.cumsum(keep[n - 1], dtype=np.int32) - 1 if n else np.zeros(1, np.int32)
        backoffs = models[n + 1].backoffs[kept] if n + 1 < len(models) else np.ones(np.count_nonzero(kept), np.float32)
        contexts = new_rows[rows.contexts[kept]]
        finished.append(BackoffOrder(contexts, rows.words[kept], model.probabilities[kept], backoffs))
    return BackoffModel(finished)
