"""Fitting the blend: how much each engine counts, from how well each predicts held-out text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.blend import softmax
from foretype.runtime.model import Model
from foretype.runtime.vocabulary import DOCUMENT_START_ID

_WINDOW = 256
_SEEN_ENOUGH = 50


def fit_blend(
    model: Model, stream: NDArray[np.unsignedinteger], done: Callable[[int], None] = lambda _: None
) -> list[float]:
    """The neural share for each matched n-gram order that fits the words of `stream` best.

    stream: token ids of held-out documents. `done` is told the tokens of each stretch read.
    """
    first_word = model.vocabulary.first_word
    neural: list[float] = []
    counted: list[float] = []
    orders: list[int] = []
    starts = np.flatnonzero(stream == DOCUMENT_START_ID)
    for document in np.split(stream, starts[1:]):
        for begin in range(0, len(document), _WINDOW):
            tokens = [DOCUMENT_START_ID, *map(int, document[begin + (begin == 0) : begin + _WINDOW])]
            predictor = model.predictor()
            for position in range(1, len(tokens)):
                if tokens[position] < first_word:
                    continue
                logits, ngram, matched = predictor.parts(tuple(tokens[:position]))
                assert logits is not None, "fitting a blend needs the neural model"
                neural.append(float(softmax(logits[first_word:])[tokens[position] - first_word]))
                counted.append(float(ngram[tokens[position]] / ngram[first_word:].sum()))
                orders.append(matched)
            done(len(tokens))
    return fit_shares(np.array(neural), np.array(counted), np.array(orders), model.ngram.order)


def fit_shares(
    neural: NDArray[np.float64], ngram: NDArray[np.float64], matched: NDArray[np.int64], orders: int
) -> list[float]:
    """The neural share for each matched order 0 .. orders - 1 that gives held-out words the highest likelihood.

    neural, ngram: probability that each engine gave to the word that came, one entry a position.
    matched: the n-gram model's matched order there.

    Expectation maximisation for a two-part mixture (Jelinek and Mercer 1980), per order; an order seen fewer than
    50 times takes the share of all positions together.
    """

    def fit(rows: NDArray[np.bool_]) -> float:
        a, b = neural[rows] + 1e-12, ngram[rows] + 1e-12
        share = 0.5
        for _ in range(100):
            part = share * a
            share = float(np.mean(part / (part + (1.0 - share) * b)))
        return share

    everywhere = fit(np.ones(len(matched), bool))
    shares = [
        fit(matched == order) if np.sum(matched == order) >= _SEEN_ENOUGH else everywhere for order in range(orders)
    ]
    return [round(share, 4) for share in shares]
