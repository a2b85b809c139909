"""The two ways to combine an order with the order below: interpolation and backing off.

Both result in the contents of an ARPA file: p(w | h) for each n-gram, and for each context the backoff, the factor of
the order below for n-grams that have no row. The probability of pruned n-grams goes to their context's backoff, so that
the distributions still sum to one.
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

    probabilities: float32 [rows], p(last word | context); for pruned rows, through the backoff.
    backoffs: float32 [rows of the order below], the factor of each context; 1 if no n-gram of it is kept.
    """

    probabilities: Array
    backoffs: Array


def uniform(vocab_size: int) -> Array:
    """The distribution below the unigrams: uniform over every id except `<s>`, which is never predicted."""
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

    keep: bool [rows] per order. counts: the count of each row, per order [rows]. discount: maps the counts of an order
    to their discounts. added: count that every seen context gives to the order below, besides its discounts.

    Pruning an n-gram discounts its whole count. Other counts and discounts are used as they are.
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
    """Backing off: p(w | h) is given for seen n-grams, and backoff(h) p(w | h without its first word) for the others.

    seen: bool [rows]. probabilities: of the seen rows, [rows]. lower: p(last word) in the order below, [rows].
    contexts: number of rows of the order below.

    Returns p(w | h), float64 [rows], and the backoffs, float64 [contexts]: the probability that the seen words leave,
    divided by the probability that they leave in the order below. If they leave nothing there, they get everything.
    """
    known = np.bincount(rows.contexts, weights=np.where(seen, probabilities, 0), minlength=contexts)
    known_below = np.bincount(rows.contexts, weights=np.where(seen, lower, 0), minlength=contexts)
    open_below = known_below < 1 - _ROUNDING
    backoffs = np.divide(np.maximum(1 - known, 0), 1 - known_below, out=np.ones(contexts), where=open_below)
    whole = np.where(open_below, 1, known)
    return np.where(seen, probabilities / whole[rows.contexts], backoffs[rows.contexts] * lower), backoffs
