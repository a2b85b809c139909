"""Writes and reads the tables file: 8-bit codes and bit maps, as described in `foretype.runtime.engines.ngram`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from foretype.runtime.engines.ngram import FORMAT, NgramModel
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.tensors import read_tables
from foretype.train.ngrams.backoff_model import BackoffModel, BackoffOrder
from foretype.train.ngrams.counting.counts import SENTENCE_START, Array


def write_tables(path: Path, model: BackoffModel, max_bytes: int | None = None) -> None:
    """Write `model` to `path`, replacing it in one step. Raises ConfigError if the file would exceed `max_bytes`."""
    data = save(encode(model), {"format": FORMAT})
    if max_bytes is not None and len(data) > max_bytes:
        raise ConfigError(f"max_bytes is {max_bytes}; this vocabulary needs at least {len(data)}")
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def load_tables(path: Path) -> BackoffModel:
    """Read a tables file. Its probabilities and backoffs are rounded to 8-bit codes.

    Raises TableError naming the file if it is missing, damaged or of another format.
    """
    order = NgramModel.open(path).order  # checks the file
    tables, _ = read_tables(path)
    probabilities = tables["codebook.1"][tables["probs.1"]]
    probabilities[SENTENCE_START] = 0
    size = len(probabilities)
    contexts, words = np.zeros(size, np.int32), np.arange(size)
    orders: list[BackoffOrder] = []
    for n in range(1, order + 1):
        backoffs = np.ones(len(words), np.float32)
        orders.append(BackoffOrder(contexts, words, probabilities, backoffs))
        if n < order:
            parents = np.flatnonzero(np.unpackbits(tables[f"contexts.{n + 1}"], count=len(words), bitorder="little"))
            backoffs[parents] = tables[f"backoff_codebook.{n + 1}"][tables[f"backoffs.{n + 1}"]]
            words = tables[f"words.{n + 1}"]
            last = np.unpackbits(tables[f"ends.{n + 1}"], count=len(words), bitorder="little")
            contexts = parents[np.cumsum(last) - last].astype(np.int32)
            probabilities = tables[f"codebook.{n + 1}"][tables[f"probs.{n + 1}"]]
    return BackoffModel(orders)


def encode(model: BackoffModel) -> dict[str, Array]:
    """Encode a model as the tensors of the tables file, by name.

    Backoffs above 1, which the file cannot represent, are stored as 1. Katz smoothing has some, after contexts whose
    continuations are rarer there than elsewhere.
    """
    tensors: dict[str, Array] = {}
    tensors["probs.1"], tensors["codebook.1"] = quantise(model.orders[0].probabilities)
    for n, (lower, rows) in enumerate(zip(model.orders, model.orders[1:], strict=False), start=2):
        last = np.diff(rows.contexts, append=-1) != 0
        is_context = np.zeros(len(lower), bool)
        is_context[rows.contexts] = True
        backoffs = quantise(np.minimum(lower.backoffs[rows.contexts[last]], 1))
        tensors[f"words.{n}"] = rows.words
        tensors[f"probs.{n}"], tensors[f"codebook.{n}"] = quantise(rows.probabilities)
        tensors[f"ends.{n}"] = np.packbits(last, bitorder="little")
        tensors[f"contexts.{n}"] = np.packbits(is_context, bitorder="little")
        tensors[f"backoffs.{n}"], tensors[f"backoff_codebook.{n}"] = backoffs
    return tensors


def quantise(values: Array) -> tuple[Array, Array]:
    """Round values in [0, 1] to 256 levels evenly spaced in the logarithm: codes uint8, levels float32 [256].

    Zeros get the lowest code. The levels are about 5 % apart, which costs 0.02 % of perplexity.
    """
    positive = values[values > 0]
    low, high = np.log([positive.min(), positive.max()]) if positive.size else (0.0, 0.0)
    step = (high - low) / 255 or 1.0
    codes = np.rint((np.log(np.maximum(values, np.exp(low))) - low) / step).astype(np.uint8)
    return codes, np.exp(np.linspace(low, high, 256)).clip(max=1).astype(np.float32)
