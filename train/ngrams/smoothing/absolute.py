"""Interpolated absolute discounting (Ney, Essen and Kneser 1994): subtract a constant from every count of an order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, interpolate


def one_discount(counts: Array, fallback: float = 0.5) -> float:
    """n_1 / (n_1 + 2 n_2), with n_r n-grams of count r (Chen and Goodman 1999, section 2.6), or `fallback`."""
    ones, twos = (int(np.count_nonzero(counts == count)) for count in (1, 2))
    return ones / (ones + 2 * twos) if ones and twos else fallback


def absolute(orders: Sequence[NgramCounts], keep: Sequence[Array], fallback: float = 0.5) -> list[Smoothed]:
    """p(w | h) = max(c(hw) - D, 0) / c(h) + D N1+(h) / c(h) p(w | h without its first word); N1+: distinct words."""
    counts = [rows.counts for rows in orders]
    return interpolate(orders, keep, counts, lambda numbers: np.minimum(numbers, one_discount(numbers, fallback)))
