"""Chooses which n-grams to keep: by count, like lmplz, or by the cost of their removal, to fit a size.

The context of a kept n-gram is always kept, so that the trie can be walked from its root.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed

UNIGRAM_BYTES = 1
ENTRY_BYTES = 1 + 1 / 8
"""A code, and a bit that marks the end of a context, besides the word's id; see `foretype.runtime.engines.ngram`."""
CONTEXT_BIT_BYTES = 1 / 8
"""Each entry below the highest order has a bit that tells whether it is a context."""
CONTEXT_BYTES = 1
FIXED_BYTES = 1024 + 400, 2 * 1024 + 600
"""Codebooks and the tensors' lines in the header, for order 1 and for each higher order."""


def keep_counts_above(orders: Sequence[NgramCounts], thresholds: Sequence[int]) -> list[Array]:
    """Keep the n-grams that occur more often than the threshold of their order; bool [rows] per order.

    This is lmplz's --prune: thresholds never decrease, and the first, of the unigrams, is 0.
    """
    return [
        rows.counts > threshold if threshold else np.ones(len(rows), bool)
        for rows, threshold in zip(orders, thresholds, strict=True)
    ]


def count_ranks(orders: Sequence[NgramCounts], keep: Sequence[Array]) -> list[Array]:
    """Rank n-grams for count pruning, per order from 2: float32 [rows], -1 for rows not in `keep`.

    The rank is the count; of equal counts, shorter n-grams rank higher. This is like raising thresholds one by one,
    starting with the longest n-grams.
    """
    return [
        np.where(kept, rows.counts + (len(orders) - n) / len(orders), -1).astype(np.float32)
        for n, (rows, kept) in enumerate(zip(orders[1:], keep[1:], strict=True), start=2)
    ]


def pruning_costs(orders: Sequence[NgramCounts], keep: Sequence[Array], models: Sequence[Smoothed]) -> list[Array]:
    """Compute the cost of removing each n-gram, per order from 2: float32 [rows], -1 for rows not in `keep`.

    The cost is the relative entropy between the models with and without it (Stolcke 1998, equation 3), in nats summed
    over the training text. The weight of a context is its number of occurrences, not its probability under the model,
    because the lower orders of Kneser-Ney do not estimate that (Chelba et al. 2010).
    """
    costs: list[Array] = []
    for rows, kept, model, lower in zip(orders[1:], keep[1:], models[1:], models, strict=False):
        contexts, size = rows.contexts, len(lower.probabilities)
        backoffs = np.maximum(model.backoffs, 1e-9)  # 0 where a discount is
        p = model.probabilities.astype(np.float64)
        backed_off = lower.probabilities[rows.suffixes].astype(np.float64)
        known = np.bincount(contexts, weights=backed_off, minlength=size)  # without those not kept: 0.2 % worse
        unknown_below = np.maximum(1 - known, 1e-9)  # rounding may leave nothing
        unknown = backoffs * unknown_below
        new_backoff = (unknown[contexts] + p) / (unknown_below[contexts] + backed_off)
        change = unknown[contexts] * np.log(new_backoff / backoffs[contexts])
        change += p * np.log(backed_off * new_backoff / p)
        change *= -np.bincount(contexts, weights=rows.counts, minlength=size)[contexts]
        costs.append(np.where(kept, change, -1).astype(np.float32))
    return costs


def keep_within(orders: Sequence[NgramCounts], costs: Sequence[Array], max_bytes: float) -> list[Array]:
    """Keep the n-grams of the highest costs whose tables fit in `max_bytes`; bool [rows] per order.

    N-grams of costs below 0 are never kept. The cost of a context is at least the highest cost among its continuations,
    which cannot be kept without it.
    """
    costs = [order_costs.copy() for order_costs in costs]
    for rows, higher, lower_costs in zip(orders[:1:-1], costs[::-1], costs[-2::-1], strict=False):
        starts, dearest = _dearest_continuations(rows, higher)
        parents = rows.contexts[starts]
        lower_costs[parents] = np.maximum(lower_costs[parents], dearest)
    spending: list[tuple[Array, float]] = []
    for n, (rows, order_costs) in enumerate(zip(orders[1:], costs, strict=True), start=2):
        entry = rows.words.dtype.itemsize + ENTRY_BYTES
        spending.append((order_costs, entry + (CONTEXT_BIT_BYTES if n < len(orders) else 0)))
        spending.append((_dearest_continuations(rows, order_costs)[1], CONTEXT_BYTES))
    left = max_bytes - FIXED_BYTES[0] - FIXED_BYTES[1] * (len(orders) - 1)
    left -= len(orders[0]) * (UNIGRAM_BYTES + CONTEXT_BIT_BYTES)

    # Bisect over the bits of non-negative float32 numbers, which have the same order as their values.
    low, high = -1, int(np.float32(np.inf).view(np.int32))
    while high - low > 1:
        middle = (low + high) // 2
        limit = np.int32(middle).view(np.float32)
        if sum(np.count_nonzero(values > limit) * price for values, price in spending) <= left:
            high = middle
        else:
            low = middle
    limit = np.int32(high).view(np.float32)
    return [np.ones(len(orders[0]), bool), *(order_costs > limit for order_costs in costs)]


def _dearest_continuations(rows: NgramCounts, costs: Array) -> tuple[Array, Array]:
    """Find where the rows of each context begin, and the highest cost among them; both [contexts that occur]."""
    starts = np.flatnonzero(np.diff(rows.contexts, prepend=-1))
    return starts, np.maximum.reduceat(costs, starts)
