"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999), with the conventions of KenLM's lmplz.

Probabilities are those an ARPA file holds: p(w | h) with the lower orders already mixed in, and for each
context the backoff by which an order below is multiplied where the n-gram itself has no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foretype.train.ngrams.counts import SENTENCE_START, Array, NgramCounts

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""What lmplz takes under --discount_fallback where the counts allow no estimate (tiny or artificial text)."""


@dataclass(frozen=True)
class Smoothed:
    """The model of one order, aligned with the rows of its counts.

    probabilities: float32 [rows], p(last word | context), also for pruned rows (there through the backoff).
    backoffs: float32 [rows of the order below], the factor of each context; 1 where no n-gram of it was kept.
    """

    probabilities: Array
    backoffs: Array


def estimate_discounts(adjusted: Array, fallback: Sequence[float] = FALLBACK_DISCOUNTS) -> Array:
    """Discounts for counts of 0, 1, 2 and 3 or more, float64 [4] (Chen and Goodman 1999, equation 26)."""
    ones, twos, threes, fours = (int(np.count_nonzero(adjusted == count)) for count in (1, 2, 3, 4))
    if min(ones, twos, threes) == 0:
        return np.array([0.0, *fallback])
    y = ones / (ones + 2 * twos)
    discounts = np.array([0.0, 1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes])
    if np.any(discounts < 0) or np.any(discounts > np.arange(4)):
        return np.array([0.0, *fallback])
    return discounts


def adjusted_counts(orders: Sequence[NgramCounts], keep: Sequence[Array] | None = None) -> list[Array]:
    """What Kneser-Ney counts, per order: integers [rows].

    The highest order counts occurrences. Below it, an n-gram counts the distinct words seen before it; one
    that begins with `<s>` has none before it and keeps its occurrences. With `keep` (bool [rows] per order) a
    longer n-gram that is not kept hands down its whole count in place of 1, because nothing longer speaks for
    it any more (the correction of Siivola et al. 2007 for pruned models: it preserves the marginals that
    Kneser-Ney is built on).
    """
    adjusted: list[Array] = [orders[-1].counts]
    for n in range(len(orders) - 1, 0, -1):
        weights = None if keep is None else np.where(keep[n], 1, adjusted[0])
        handed_down = np.bincount(orders[n].suffixes, weights=weights, minlength=len(orders[n - 1]))
        lower = orders[n - 1]
        adjusted.insert(0, np.where(lower.sentence_start, lower.counts, handed_down.astype(np.int64)))
    return adjusted


def smooth(
    orders: Sequence[NgramCounts],
    keep: Sequence[Array],
    *,
    hand_down: bool = False,
    fallback: Sequence[float] = FALLBACK_DISCOUNTS,
) -> list[Smoothed]:
    """Estimate the model that has only the rows of `keep` (bool [rows] per order; order 1 is always whole).

    As in lmplz, counts and discounts are those of the unpruned text, unless pruned n-grams `hand_down` theirs
    (see `adjusted_counts`). A pruned n-gram is one discounted by its whole count, so that its mass goes to
    its context's backoff; the unigrams are mixed with a uniform share for every id but `<s>`, which is never
    predicted.
    """
    vocab_size = len(orders[0])
    lower = np.full(1, 1 / (vocab_size - 1))
    models: list[Smoothed] = []
    for rows, adjusted, kept in zip(orders, adjusted_counts(orders, keep if hand_down else None), keep, strict=True):
        discounts = estimate_discounts(adjusted, fallback)[np.minimum(adjusted, 3)]
        if models:
            discounts = np.where(kept, discounts, adjusted)
        total = np.bincount(rows.contexts, weights=adjusted, minlength=len(lower))
        freed = np.bincount(rows.contexts, weights=discounts, minlength=len(lower))
        backoffs = np.divide(freed, total, out=np.ones(len(lower)), where=total > 0)
        probabilities = adjusted - discounts
        probabilities /= np.maximum(total, 1)[rows.contexts]
        probabilities += backoffs[rows.contexts] * lower[rows.suffixes]
        if not models:
            probabilities[SENTENCE_START] = 0
        lower = probabilities.astype(np.float32)
        models.append(Smoothed(lower, backoffs.astype(np.float32)))
    return models
