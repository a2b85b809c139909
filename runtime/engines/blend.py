"""Blend the engines: one probability for each word, from the neural and the n-gram model together.

Both are renormalised over the same set of tokens, then interpolated linearly. The neural share depends on the length of
the context that the n-gram model knows (Jelinek and Mercer 1980 let weights depend on context in the same way).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]


def softmax(logits: NDArray[np.float32]) -> Probabilities:
    """Return the softmax of `logits` [n]."""
    scores: Probabilities = np.exp(logits - logits.max())
    scores /= scores.sum()
    return scores


def blend(
    logits: NDArray[np.float32] | None,
    ngram: Probabilities | None,
    neural_share: float,
    first: int,
) -> Probabilities:
    """Return the blended probabilities [vocab - first] of the tokens from id `first` on.

    logits: neural scores [vocab]; None without the neural model.
    ngram: n-gram probabilities [vocab]; None without the n-gram model.
    neural_share: weight of the neural model if both are given.
    """
    if logits is None:
        assert ngram is not None
        alone: Probabilities = ngram[first:] / ngram[first:].sum()
        return alone
    neural = softmax(logits[first:])
    if ngram is None:
        return neural
    counted = ngram[first:] * np.float32((1.0 - neural_share) / ngram[first:].sum())
    neural *= np.float32(neural_share)
    neural += counted
    return neural
