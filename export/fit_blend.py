"""Fits the blend: the weights of the engines and of recent words, from how well each predicts held-out text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import softmax
from foretype.runtime.engines.recent_words import CacheConfig, Places
from foretype.runtime.errors import ExportError
from foretype.runtime.model import Model
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID
from foretype.train.ngrams.interpolate import fit_weights

_WINDOW = 256
_SEEN_ENOUGH = 50
_LONGEST_MATCH = 4
_CACHES = [
    CacheConfig(decay, boost, (0.0,) * (_LONGEST_MATCH + 1)) for decay in (0.98, 0.99, 0.995) for boost in (20.0, 60.0)
]
"""The cache settings to try; near the best of them the likelihood hardly changes."""
_LARGEST_CACHE_SHARE = 0.9


def fit_blend(
    model: Model, stream: NDArray[np.unsignedinteger], done: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Find the blend settings of the manifest that fit the words of `stream` best.

    stream: token ids of held-out documents. done: called with the number of tokens of each part that is read.

    Returns `neural_shares`, the share of the neural model for each matched n-gram order (0.5 each without a neural
    model; unused), and `cache`, the fields of `CacheConfig`. Raises ExportError if the stream has no words.
    """
    first_word = model.vocabulary.first_word
    neural: list[float] = []
    counted: list[float] = []
    orders: list[int] = []
    cached: list[list[float]] = []
    matches: list[int] = []
    for tokens in windows(stream):
        predictor = model.predictor()
        for position in range(1, len(tokens)):
            word = tokens[position] - first_word
            if word < 0:
                continue
            path = tuple(tokens[:position])
            parts = predictor.parts(path)
            said = parts.ngram[first_word:]
            counted.append(float(said[word] / said.sum()))
            neural.append(counted[-1] if parts.logits is None else float(softmax(parts.logits[first_word:])[word]))
            orders.append(parts.matched)
            seen = Places.find(path, first_word, _LONGEST_MATCH)
            recalled = [seen.recalled(first_word, config) for config in _CACHES] if seen else []
            cached.append([votes.probability(word) for votes in recalled] or [0.0] * len(_CACHES))
            matches.append(recalled[0].match if recalled else 0)
        done(len(tokens))
    if not orders:
        raise ExportError("cannot fit the blend: the validation text contains no word of the vocabulary")
    shares = fit_shares(np.array(neural), np.array(counted), np.array(orders), model.ngram.order)
    share = np.array(shares)[orders]
    blended = share * np.array(neural) + (1.0 - share) * np.array(counted)
    cache = fit_cache(blended, np.array(cached), np.array(matches))
    return {"neural_shares": shares, "cache": asdict(cache)}


def windows(stream: NDArray[np.unsignedinteger]) -> Iterator[list[int]]:
    """Yield the documents of `stream` in pieces of at most 256 tokens, each from the start of a document."""
    starts = np.flatnonzero(stream == DOCUMENT_START_ID)
    for document in np.split(stream, starts[1:]):
        for begin in range(0, len(document), _WINDOW):
            yield [DOCUMENT_START_ID, *map(int, document[begin + (begin == 0) : begin + _WINDOW])]


def fit_cache(blended: NDArray[np.float64], cached: NDArray[np.float64], matches: NDArray[np.int64]) -> CacheConfig:
    """Choose the cache that, mixed with the engines, gives held-out words the highest likelihood.

    blended: probability of the actual word under the engines [positions]. cached: the same under each cache of
    `_CACHES` [positions, caches]. matches: length of the longest match in tokens [positions].
    """
    best, most = _CACHES[0], -np.inf
    for config, votes in zip(_CACHES, cached.T, strict=True):
        fitted = fit_shares(votes, blended, matches, _LONGEST_MATCH + 1)
        shares = tuple(min(share, _LARGEST_CACHE_SHARE) for share in fitted)
        share = np.array(shares)[matches]
        likelihood = float(np.log(share * votes + (1.0 - share) * blended + 1e-12).sum())
        if likelihood > most:
            best, most = replace(config, shares=shares), likelihood
    return best


def fit_shares(
    first: NDArray[np.float64], second: NDArray[np.float64], group: NDArray[np.int64], groups: int
) -> list[float]:
    """Find the share of the first of two models that gives held-out words the highest likelihood, for each group.

    first, second: probability of the actual word under each model [positions]. group: 0 .. groups - 1 [positions].

    A group with fewer than 50 positions gets the share of all positions together.
    """
    both = np.stack((first, second), 1)

    def fit(rows: NDArray[np.bool_]) -> float:
        return float(fit_weights(both[rows])[0])

    everywhere = fit(np.ones(len(group), bool))
    shares = [fit(group == one) if np.sum(group == one) >= _SEEN_ENOUGH else everywhere for one in range(groups)]
    return [round(share, 4) for share in shares]
