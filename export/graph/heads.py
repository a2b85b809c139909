"""Adds the heads: from the features after the last step to the scores of all words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from foretype.export.graph.assembly import Assembly
from foretype.export.graph.builder import Matrix
from foretype.export.graph.maxent import add_hashed_ngrams


def add_head(assembly: Assembly, word_table: Matrix, features: str) -> None:
    """Define "logits" [batch, vocab] from `features` [batch, embedding_size]."""
    config = assembly.config
    if config.head == "adaptive":
        _adaptive(assembly, features)
        return
    builder, weights, arithmetic = assembly.builder, assembly.weights, assembly.arithmetic
    table = word_table
    if not config.tied:
        rows = weights.take("output_table", config.vocab_size, config.embedding_size)
        table = arithmetic.store_table(builder, "output_table", rows)
    bias = builder.constant("output_bias", weights.take("output_bias", config.vocab_size))
    if config.maxent_bits:
        scores = arithmetic.score(builder, table, bias, features, "network_scores")
        builder.add("Add", scores, add_hashed_ngrams(assembly), outputs="logits")
    else:
        arithmetic.score(builder, table, bias, features)


def _adaptive(assembly: Assembly, features: str) -> None:
    """The adaptive softmax (Grave et al. 2017): log-probabilities of all words in the order of their ids.

    log p(word) = log p(word | head), or log p(cluster | head) + log p(word | cluster).
    """
    config, builder, weights, arithmetic = assembly.config, assembly.builder, assembly.weights, assembly.arithmetic
    adaptive = assembly.model.adaptive
    assert adaptive is not None
    size, shortlist, clusters = config.embedding_size, adaptive.shortlist, len(adaptive.bounds) - 1
    rank = weights.take("adaptive.rank", config.vocab_size)
    by_rank = np.argsort(rank)
    bias = weights.take("output_bias", config.vocab_size)[by_rank]
    table = arithmetic.store_table(
        builder, "shortlist_table", weights.take("adaptive.head", shortlist + clusters, size)
    )
    entries = np.concatenate([bias[:shortlist], weights.take("adaptive.cluster_bias", clusters)])
    builder.constant("shortlist_bias", entries)
    arithmetic.score(builder, table, "shortlist_bias", features, "entry_scores")
    builder.add("LogSoftmax", "entry_scores", outputs="entries", axis=-1)
    names = [f"cluster_{number}" for number in range(clusters)]
    builder.constant("entry_sizes", np.array([shortlist] + [1] * clusters))
    builder.add("Split", "entries", "entry_sizes", outputs=" ".join(["shortlist", *names]), axis=-1)
    for number, (low, high) in enumerate(pairwise(adaptive.bounds)):
        name, width = names[number], adaptive.tables[number].shape[1]
        narrow = arithmetic.store(
            builder, f"{name}_narrow", weights.take(f"adaptive.narrow.{number}.weight", width, size)
        )
        rows = arithmetic.store(builder, f"{name}_table", weights.take(f"adaptive.tables.{number}", high - low, width))
        narrowed = arithmetic.multiply(builder, narrow, features)
        scores = arithmetic.multiply(builder, rows, narrowed, builder.constant(f"{name}_bias", bias[low:high]))
        builder.add("LogSoftmax", scores, outputs=f"{name}_inside", axis=-1)
        builder.add("Add", name, f"{name}_inside", outputs=f"{name}_words")
    builder.add("Concat", "shortlist", *(f"{name}_words" for name in names), outputs="ranked", axis=-1)
    builder.add("Gather", "ranked", builder.constant("rank", rank.astype(np.int32)), outputs="logits", axis=-1)
