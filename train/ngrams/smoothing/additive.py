"""Additive smoothing: Lidstone's method, and Laplace's with delta = 1 (Chen and Goodman 1999, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, interpolate


def add_delta(orders: Sequence[NgramCounts], keep: Sequence[Array], delta: float) -> list[Smoothed]:
    """p(w | h) = (c(hw) + delta) / (c(h) + delta V), for the longest contexts only; V words can be predicted.

    Lower orders are not used: an unseen n-gram gets delta / (c(h) + delta V), and after an unseen context all words are
    equally likely. So the rows below the highest order are uniform and only lead to it, except for contexts that begin
    with `<s>`, which are complete.
    """
    counts = [
        rows.counts if n == len(orders) else np.where(rows.sentence_start, rows.counts, 0)
        for n, rows in enumerate(orders, start=1)
    ]
    return interpolate(orders, keep, counts, np.zeros_like, added=delta * (len(orders[0]) - 1))
