"""Interpolated Kneser-Ney smoothing (1995), plain or modified (Chen and Goodman 1999), like KenLM's lmplz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.absolute import one_discount
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, interpolate

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""The discounts of lmplz's --discount_fallback, for counts that allow no estimate (tiny or artificial text)."""


def estimate_discounts(adjusted: Array, fallback: Sequence[float] = FALLBACK_DISCOUNTS) -> Array:
    """Estimate the discounts for counts of 0, 1, 2 and 3 or more, float64 [4] (Chen and Goodman 1999, equation 26)."""
    ones, twos, threes, fours = (int(np.count_nonzero(adjusted == count)) for count in (1, 2, 3, 4))
    if min(ones, twos, threes) == 0:
        return np.array([0.0, *fallback])
    y = ones / (ones + 2 * twos)
    discounts = np.array([0.0, 1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes])
    if np.any(discounts < 0) or np.any(discounts > np.arange(4)):
        return np.array([0.0, *fallback])
    return discounts


def adjusted_counts(orders: Sequence[NgramCounts], keep: Sequence[Array] | None = None) -> list[Array]:
    """Compute the counts of Kneser-Ney, per order: integers [rows].

    The count of the highest order is its occurrences. In lower orders, it is the number of distinct words before the
    n-gram; an n-gram that begins with `<s>` has none and keeps its occurrences. With `keep` (bool [rows] per order), a
    longer n-gram that is pruned adds its whole count instead of 1, because no longer n-gram represents it any more (the
    correction of Siivola et al. 2007 for pruned models, which preserves the marginals that Kneser-Ney is built on).
    """
    adjusted: list[Array] = [orders[-1].counts]
    for n in range(len(orders) - 1, 0, -1):
        weights = None if keep is None else np.where(keep[n], 1, adjusted[0])
        handed_down = np.bincount(orders[n].suffixes, weights=weights, minlength=len(orders[n - 1]))
        lower = orders[n - 1]
        adjusted.insert(0, np.where(lower.sentence_start, lower.counts, handed_down.astype(np.int64)))
    return adjusted


def kneser_ney(
    orders: Sequence[NgramCounts],
    keep: Sequence[Array],
    *,
    modified: bool = True,
    hand_down: bool = False,
    fallback: Sequence[float] = FALLBACK_DISCOUNTS,
) -> list[Smoothed]:
    """Estimate the model of the rows in `keep` (bool [rows] per order; all of order 1).

    modified: use separate discounts for counts of 1, 2 and 3 or more.

    As in lmplz, counts and discounts are those of the unpruned text, unless pruned n-grams `hand_down` their counts
    (see `adjusted_counts`). The unigrams are interpolated with a uniform distribution over every id except `<s>`.
    """

    def discount(adjusted: Array) -> Array:
        if modified:
            return estimate_discounts(adjusted, fallback)[np.minimum(adjusted, 3)]
        return np.minimum(adjusted, one_discount(adjusted, fallback[0]))

    return interpolate(orders, keep, adjusted_counts(orders, keep if hand_down else None), discount)
