"""Chooses which n-grams to keep: by count, as lmplz does, or by what their loss costs, to fit a size.

A kept n-gram's context is always kept as well, so that the trie can be walked from its root.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed

UNIGRAM_BYTES = 1
ENTRY_BYTES = 1 + 1 / 8
"""A code and the bit that may end a context, beside the word's id; see `foretype.runtime.engines.ngram`."""
CONTEXT_BIT_BYTES = 1 / 8
"""Each entry below the highest order has a bit that says whether it is a context."""
CONTEXT_BYTES = 1
FIXED_BYTES = 1024 + 400, 2 * 1024 + 600
"""Codebooks and the header's lines about tensors: of order 1, and of each higher order."""


def keep_counts_above(orders: Sequence[NgramCounts], thresholds: Sequence[int]) -> list[Array]:
    """Keep the n-grams that occur more often than the threshold of their order; bool [rows] per order.

    This is lmplz's --prune: thresholds never decrease, and the first, that of the unigrams, is 0.
    """
    return [
        rows.counts > threshold if threshold else np.ones(len(rows), bool)
        for rows, threshold in zip(orders, thresholds, strict=True)
    ]


def count_ranks(orders: Sequence[NgramCounts], keep: Sequence[Array]) -> list[Array]:
    """What count pruning goes by, per order from 2: float32 [rows], -1 for those not in `keep`.

    The count, and between equal counts the shorter n-gram first: as thresholds that rise one by one, from the
    longest n-grams down.
    """
    return [
        np.where(kept, rows.counts + (len(orders) - n) / len(orders), -1).astype(np.float32)
        for n, (rows, kept) in enumerate(zip(orders[1:], keep[1:], strict=True), start=2)
    ]


def pruning_costs(orders: Sequence[NgramCounts], keep: Sequence[Array], models: Sequence[Smoothed]) -> list[Array]:
    """What the removal of each n-gram would cost, per order from 2: float32 [rows], -1 for those not in `keep`.

    The relative entropy between the model with and without it (Stolcke 1998, equation 3), in nats summed over
    the training text. The weight of a context is its occurrences, not its probability under the model: the
    lower orders of Kneser-Ney are no estimate of that (Chelba et al. 2010).
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
    """Keep the dearest n-grams whose tables fit in `max_bytes`; bool [rows] per order. Costs below 0: never kept.

    A context is taken to cost at least as much as the dearest of its continuations, which would go with it.
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

    # Bisection over the bits of a non-negative float32, which are ordered as its values are.
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
    """Where each context's rows begin, and the largest cost among them; both [contexts that occur]."""
    starts = np.flatnonzero(np.diff(rows.contexts, prepend=-1))
    return starts, np.maximum.reduceat(costs, starts)
