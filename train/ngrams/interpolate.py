"""Interpolates two n-gram models of one vocabulary into one (static interpolation, as in SRILM's `ngram -mix-lm`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretype.train.ngrams.backoff_model import BackoffModel, BackoffOrder
from foretype.train.ngrams.counting.counts import Array
from foretype.train.ngrams.perplexity import scores_after

_LEAST_LEFT = 1e-4
"""Smallest probability that is left to words that a context does not list, since codes of 8 bits are rounded."""


def extend_vocabulary(model: BackoffModel, ids: Array, size: int) -> BackoffModel:
    """Renumber the words of `model` for a vocabulary of `size` words; words that are new get probability 0.

    ids: the new id of each old one, ascending [old size].
    """
    probabilities, backoffs = np.zeros(size, np.float32), np.ones(size, np.float32)
    probabilities[ids], backoffs[ids] = model.orders[0].probabilities, model.orders[0].backoffs
    orders = [BackoffOrder(np.zeros(size, np.int32), np.arange(size), probabilities, backoffs)]
    for n, rows in enumerate(model.orders[1:], start=2):
        contexts = ids[rows.contexts].astype(np.int32) if n == 2 else rows.contexts
        orders.append(BackoffOrder(contexts, ids[rows.words].astype(_id_type(size)), rows.probabilities, rows.backoffs))
    return BackoffModel(orders)


def interpolate(first: BackoffModel, second: BackoffModel, share: float) -> BackoffModel:
    """Return the model of all n-grams of both, with the probabilities (1 - share) first + share second.

    Both have the same order and vocabulary. Each probability that a model does not list comes from its lower orders.
    Backoffs are set so that the distribution after each context sums to 1.
    """
    size = first.vocab_size
    unigrams = (1 - share) * first.orders[0].probabilities + share * second.orders[0].probabilities
    mixed = [BackoffOrder(np.zeros(size, np.int32), np.arange(size), unigrams, np.ones(size, np.float32))]
    sides = [_Side(first), _Side(second)]
    own_suffixes = [np.arange(size)]
    for n in range(2, len(first.orders) + 1):
        keys = np.union1d(*(side.keys(n) for side in sides))
        contexts, words = (keys // size).astype(np.int32), (keys % size).astype(_id_type(size))
        listed = [side.scores(n, keys, contexts, words) for side in sides]
        probabilities = ((1 - share) * listed[0] + share * listed[1]).astype(np.float32)
        shorter = [suffix[contexts] for suffix in own_suffixes[:-1]]
        model = BackoffModel(tuple(mixed))
        below = scores_after(model, shorter, words)
        mixed[-1].backoffs[:] = _backoffs(contexts, probabilities, below, len(mixed[-1]))
        own_suffixes = _suffixes(model, shorter, words, n)
        mixed.append(BackoffOrder(contexts, words, probabilities, np.ones(len(keys), np.float32)))
    return BackoffModel(mixed)


def fit_weights(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the weights of several models whose mixture gives held-out words the highest likelihood; they sum to one.

    probabilities: of the actual word under each model [positions, models].

    Expectation maximisation (Jelinek and Mercer 1980), from equal weights.
    """
    weights = np.full(probabilities.shape[1], 1.0 / probabilities.shape[1])
    for _ in range(100):
        parts = weights * (probabilities + 1e-12)
        weights = (parts / parts.sum(1, keepdims=True)).mean(0)
    return weights


def _id_type(size: int) -> type[np.unsignedinteger]:
    """The type of ids in tables of `size` words."""
    return np.uint16 if size <= 1 << 16 else np.uint32


def _suffixes(model: BackoffModel, shorter: list[Array], words: Array, n: int) -> list[Array]:
    """The rows of the last word, the last two words, ... of n-grams; the last entry is the n-grams themselves."""
    found = [model.find(length, context, words) for length, context in enumerate(shorter, start=2)]
    return [words, *found, np.arange(len(words))][:n]


def _backoffs(contexts: Array, probabilities: Array, below: Array, size: int) -> Array:
    """The factor on the lower order after each of `size` contexts; 1 for those without words."""
    left, left_below = (
        np.maximum(1 - np.bincount(contexts, weights=values, minlength=size), _LEAST_LEFT)
        for values in (probabilities, below)
    )
    return np.asarray(left / left_below, np.float32)


class _Side:
    """One of the two models, followed along the n-grams of both."""

    def __init__(self, model: BackoffModel) -> None:
        self._model = model
        self._rows = np.arange(model.vocab_size)  # the row in the union of each row of the order below
        self._suffixes: list[Array] = [np.arange(model.vocab_size)]  # of each row of the union below, in this model

    def keys(self, n: int) -> Array:
        """The n-grams of order `n`, each as (row of its context in the union) * vocabulary + word."""
        rows = self._model.orders[n - 1]
        return self._rows[rows.contexts].astype(np.int64) * self._model.vocab_size + rows.words

    def scores(self, n: int, keys: Array, contexts: Array, words: Array) -> Array:
        """Return p(word | context) in this model for each n-gram of the union, and go on to the next order."""
        known = [suffix[contexts] for suffix in self._suffixes]
        self._rows = np.searchsorted(keys, self.keys(n))
        self._suffixes = [words, *(self._model.find(m, context, words) for m, context in enumerate(known, start=2))]
        return scores_after(self._model, known, words)
