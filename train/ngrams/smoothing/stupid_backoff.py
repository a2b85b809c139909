"""Stupid backoff (Brants et al. 2007): relative frequencies, and a constant factor for backing off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, uniform


def stupid_backoff(orders: Sequence[NgramCounts], keep: Sequence[Array], factor: float) -> list[Smoothed]:
    """S(w | h) = c(hw) / c(h) for seen n-grams, factor * S(w | h without its first word) for the others.

    This is equation 5 of the paper. The scores do not sum to one, and unseen words have a score of 0.
    """
    models: list[Smoothed] = []
    lower, contexts_below = uniform(len(orders[0])), 1
    for rows, kept in zip(orders, keep, strict=True):
        total = np.bincount(rows.contexts, weights=rows.counts, minlength=contexts_below)
        counted = kept & (total[rows.contexts] > 0)  # without counts, all words stay equal
        has_rows = np.bincount(rows.contexts, weights=counted, minlength=contexts_below) > 0
        backoffs = np.where(has_rows, factor, 1)
        backed_off = backoffs[rows.contexts] * lower[rows.suffixes if models else rows.words]
        scores = np.where(counted, rows.counts / np.maximum(total, 1)[rows.contexts], backed_off)
        lower, contexts_below = scores, len(rows)
        models.append(Smoothed(scores.astype(np.float32), backoffs.astype(np.float32)))
    return models
