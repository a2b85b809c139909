"""Computes the perplexity of an n-gram model on a token stream, for all tokens at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from foretype.train.ngrams.backoff_model import BackoffModel
from foretype.train.ngrams.counting.counts import SENTENCE_END, SENTENCE_START, Array


def ngram_perplexity(model: BackoffModel, stream: Array) -> float:
    """Return exp of the mean -ln p of the tokens of `stream`, unsigned integers [tokens]; infinite if a p is 0.

    Every token except `<s>` counts, including `</s>` and `<unk>`. Contexts are those of
    `foretype.runtime.engines.ngram`.
    """
    return math.exp(-float(np.mean(log_probabilities(model, stream))))


def log_probabilities(model: BackoffModel, stream: Array) -> Array:
    """Return ln p of each token of `stream` except `<s>`, float64.

    Each distribution is divided by its sum, as in the runtime. The sum is 1, except for stupid backoff and 8-bit codes.
    """
    contexts = _histories(model, stream)
    predicted = stream != SENTENCE_START
    contexts, words = [rows[predicted] for rows in contexts], stream[predicted]
    probabilities = scores_after(model, contexts, words) / _sum_after(_sums(model), contexts)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probabilities))


def _histories(model: BackoffModel, stream: Array) -> list[Array]:
    """Find the context of each token: its row, for each length from 1 to order - 1; -1 if unknown."""
    before = np.concatenate(([SENTENCE_START], stream[:-1].astype(np.int64)))
    starts = (before == SENTENCE_START) | (before == SENTENCE_END)
    contexts = [np.where(starts, SENTENCE_START, before)]
    for n in range(2, len(model.orders)):
        earlier = np.concatenate(([-1], contexts[-1][:-1]))
        contexts.append(model.find(n, np.where(starts, -1, earlier), before))
    return contexts[: len(model.orders) - 1]


def scores_after(model: BackoffModel, contexts: Sequence[Array], words: Array) -> Array:
    """Return p(word | context) before normalisation, float64 [words].

    contexts: for each length from 1 on, the row of the context of this length, or -1 if it is unknown; each [words].
    """
    scores = model.orders[0].probabilities[words].astype(np.float64)
    for n, ((lower, rows), context) in enumerate(zip(pairwise(model.orders), contexts, strict=False), start=2):
        scores = scores * _pick(lower.backoffs, context, 1)
        scores = _pick(rows.probabilities, model.find(n, context, words), scores)
    return scores


def _sums(model: BackoffModel) -> list[Array]:
    """Return the sum of the scores of all words after each context, float64: no context [1], then per order [rows]."""
    sums = [model.orders[0].probabilities.sum(dtype=np.float64, keepdims=True)]
    suffixes: list[Array] = []  # for each row of `lower`: the rows of its last word, last two words, ..., -1: unknown
    for lower, rows in pairwise(model.orders):
        shorter = [suffix[rows.contexts] for suffix in suffixes]
        scores_below = scores_after(model, shorter, rows.words)
        known = np.bincount(rows.contexts, weights=rows.probabilities, minlength=len(lower))
        known_below = np.bincount(rows.contexts, weights=scores_below, minlength=len(lower))
        sums.append(known + lower.backoffs * (_sum_after(sums, suffixes) - known_below))
        suffixes = [rows.words, *(model.find(n, context, rows.words) for n, context in enumerate(shorter, start=2))]
    return sums


def _sum_after(sums: Sequence[Array], contexts: Sequence[Array]) -> Array:
    """Return the sum after the longest known context, float64, shaped as each of `contexts`."""
    total = sums[0]
    for values, context in zip(sums[1:], contexts, strict=False):
        total = _pick(values, context, total)
    return total


def _pick(values: Array, rows: Array, otherwise: Array | float) -> Array:
    """Return the values of `rows`, and `otherwise` for rows of -1."""
    return np.where(rows >= 0, values[rows], otherwise) if len(values) else np.asarray(otherwise)
