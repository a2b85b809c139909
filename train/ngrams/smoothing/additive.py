"""Additive smoothing: Lidstone's, with Laplace's as delta = 1 (Chen and Goodman 1999, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, interpolate


def add_delta(orders: Sequence[NgramCounts], keep: Sequence[Array], delta: float) -> list[Smoothed]:
    """p(w | h) = (c(hw) + delta) / (c(h) + delta V), for the longest contexts only; V words can be predicted.

    There is no order below to learn from: an n-gram never seen gets delta / (c(h) + delta V), and after a context
    never seen every word is as likely. So the rows below the highest order are uniform and only lead to it, but for
    contexts that begin with `<s>`: these are whole, being all that stands before the word.
    """
    counts = [
        rows.counts if n == len(orders) else np.where(rows.sentence_start, rows.counts, 0)
        for n, rows in enumerate(orders, start=1)
    ]
    return interpolate(orders, keep, counts, np.zeros_like, added=delta * (len(orders[0]) - 1))
