"""Stupid backoff (Brants et al. 2007): relative frequencies as they are, and a constant where there are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, uniform


def stupid_backoff(orders: Sequence[NgramCounts], keep: Sequence[Array], factor: float) -> list[Smoothed]:
    """S(w | h) = c(hw) / c(h) where the n-gram was seen, factor * S(w | h without its first word) elsewhere.

    Equation 5 of the paper. These are scores: they do not sum to one, and a word never seen has none.
    """
    models: list[Smoothed] = []
    lower, contexts_below = uniform(len(orders[0])), 1
    for rows, kept in zip(orders, keep, strict=True):
        total = np.bincount(rows.contexts, weights=rows.counts, minlength=contexts_below)
        counted = kept & (total[rows.contexts] > 0)  # a text without a word leaves all words alike
        has_rows = np.bincount(rows.contexts, weights=counted, minlength=contexts_below) > 0
        backoffs = np.where(has_rows, factor, 1)
        backed_off = backoffs[rows.contexts] * lower[rows.suffixes if models else rows.words]
        scores = np.where(counted, rows.counts / np.maximum(total, 1)[rows.contexts], backed_off)
        lower, contexts_below = scores, len(rows)
        models.append(Smoothed(scores.astype(np.float32), backoffs.astype(np.float32)))
    return models
