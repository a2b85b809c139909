"""The two forms that a smoothed model takes: interpolated with the order below, or backing off to it.

Either way the result is what an ARPA file holds: p(w | h) for each n-gram, and for each context the backoff by which
the order below is multiplied where the n-gram has no row. What is pruned leaves its mass to its context's backoff, so
that the distributions still sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from foretype.train.ngrams.counting.counts import SENTENCE_START, Array, NgramCounts

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Smoothed:
    """The model of one order, aligned with the rows of its counts.

    probabilities: float32 [rows], p(last word | context), also for pruned rows (there through the backoff).
    backoffs: float32 [rows of the order below], the factor of each context; 1 where no n-gram of it was kept.
    """

    probabilities: Array
    backoffs: Array


def uniform(vocab_size: int) -> Array:
    """What the unigrams are smoothed with: the same share for every id but `<s>`, which is never predicted."""
    shares = np.full(vocab_size, 1 / (vocab_size - 1))
    shares[SENTENCE_START] = 0
    return shares


def interpolate(
    orders: Sequence[NgramCounts],
    keep: Sequence[Array],
    counts: Sequence[Array],
    discount: Callable[[Array], Array],
    added: float = 0.0,
) -> list[Smoothed]:
    """Interpolated discounting: p(w | h) = (c(hw) - d) / c(h) + backoff(h) p(w | h without its first word).

    keep: bool [rows] per order. counts: what each row counts, per order [rows]. discount: the counts of an order ->
    what is taken off each. added: mass that every counted context gives to the order below beside its discounts.

    A pruned n-gram is one discounted by its whole count. Counts and discounts are those given, pruned or not.
    """
    lower = uniform(len(orders[0]))
    contexts_below = 1
    models: list[Smoothed] = []
    for rows, kept, numbers in zip(orders, keep, counts, strict=True):
        discounts = np.where(kept, discount(numbers), numbers)
        total: Array = np.bincount(rows.contexts, weights=numbers, minlength=contexts_below)
        counted = total > 0
        total = total + added
        freed = np.bincount(rows.contexts, weights=discounts, minlength=contexts_below) + added
        backoffs = np.divide(freed, total, out=np.ones_like(total), where=counted)
        share = np.divide(1, total, out=np.zeros_like(total), where=counted)
        probabilities = (numbers - discounts) * share[rows.contexts]
        probabilities += backoffs[rows.contexts] * lower[rows.suffixes if models else rows.words]
        lower, contexts_below = probabilities, len(rows)
        models.append(Smoothed(probabilities.astype(np.float32), backoffs.astype(np.float32)))
    return models


def back_off(rows: NgramCounts, seen: Array, probabilities: Array, lower: Array, contexts: int) -> tuple[Array, Array]:
    """Backing off: p(w | h) is given for what was seen and is backoff(h) p(w | h without its first word) elsewhere.

    seen: bool [rows]. probabilities: of the seen rows, [rows]. lower: p(last word) by the order below, [rows].
    contexts: rows of the order below.

    Returns p(w | h), float64 [rows], and the backoffs, float64 [contexts]: what the seen words leave over, divided by
    what they leave over below. Where they leave nothing below, they get all of it.
    """
    known = np.bincount(rows.contexts, weights=np.where(seen, probabilities, 0), minlength=contexts)
    known_below = np.bincount(rows.contexts, weights=np.where(seen, lower, 0), minlength=contexts)
    open_below = known_below < 1 - _ROUNDING
    backoffs = np.divide(np.maximum(1 - known, 0), 1 - known_below, out=np.ones(contexts), where=open_below)
    whole = np.where(open_below, 1, known)
    return np.where(seen, probabilities / whole[rows.contexts], backoffs[rows.contexts] * lower), backoffs
