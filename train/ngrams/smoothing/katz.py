"""Katz backoff (1987): Good-Turing discounts for small counts, and the order below for unseen n-grams only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.train.ngrams.counting.counts import Array, NgramCounts
from foretype.train.ngrams.smoothing.absolute import one_discount
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, back_off, uniform


def good_turing_discounts(counts: Array, cutoff: int) -> Array:
    """Return the share that a count r keeps, for r of 0 to `cutoff` + 1 (or more), float64 [cutoff + 2].

    With n_r n-grams of count r and r* = (r + 1) n_(r+1) / n_r (Chen and Goodman 1999, section 2.4):

        d_r = (r*/r - (cutoff + 1) n_(cutoff+1) / n_1) / (1 - (cutoff + 1) n_(cutoff+1) / n_1)

    Counts above the cutoff are not discounted. If the n_r of an order (of a small text or vocabulary) allow no such
    estimate, a constant is subtracted from each small count instead (see `one_discount`).
    """
    r = np.arange(1, cutoff + 1)
    n = np.bincount(np.minimum(counts, cutoff + 2), minlength=cutoff + 3).astype(float)
    shares = 1 - one_discount(counts) / r
    if np.all(n[1 : cutoff + 2] > 0) and (common := (cutoff + 1) * n[cutoff + 1] / n[1]) < 1:
        turing = ((r + 1) * n[2 : cutoff + 2] / n[1 : cutoff + 1] / r - common) / (1 - common)
        if np.all((turing > 0) & (turing < 1)):
            shares = turing
    return np.array([0.0, *shares, 1.0])


def katz(orders: Sequence[NgramCounts], keep: Sequence[Array], cutoff: int) -> list[Smoothed]:
    """p(w | h) = d c(hw) / c(h) for seen n-grams, backoff(h) p(w | h without its first word) for the others.

    A context without discounts would leave nothing for other words, so its total is increased by one (like SRILM).
    Words that are not in the text share the rest of the unigrams' probability.
    """
    models: list[Smoothed] = []
    lower, contexts_below = uniform(len(orders[0])), 1
    for rows, kept in zip(orders, keep, strict=True):
        discounted = rows.counts * good_turing_discounts(rows.counts, cutoff)[np.minimum(rows.counts, cutoff + 1)]
        total = np.bincount(rows.contexts, weights=rows.counts, minlength=contexts_below)
        freed = np.bincount(rows.contexts, weights=rows.counts - discounted, minlength=contexts_below)
        total += freed == 0
        seen = kept & (rows.counts > 0)
        below = lower[rows.suffixes if models else rows.words]
        lower, backoffs = back_off(rows, seen, discounted / total[rows.contexts], below, contexts_below)
        contexts_below = len(rows)
        models.append(Smoothed(lower.astype(np.float32), backoffs.astype(np.float32)))
    return models
