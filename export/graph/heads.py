"""Adds the heads: from the features after the last step to the scores of all words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from foretype.export.graph.assembly import Assembly
from foretype.export.graph.builder import Matrix
from foretype.export.graph.maxent import add_hashed_ngrams


def add_head(assembly: Assembly, word_table: Matrix | None, features: str) -> None:
    """Define "logits" [batch, vocab] from `features` [batch, embedding_size].

    word_table: None for a model without a network, which has no features either.
    """
    config = assembly.config
    if config.head == "adaptive":
        _adaptive(assembly, features)
        return
    builder, weights, arithmetic = assembly.builder, assembly.weights, assembly.arithmetic
    table = word_table
    if not config.tied:
        rows = weights.take("output_table", config.vocab_size, config.feature_size)
        table = arithmetic.store_table(builder, "output_table", rows) if word_table else None
    bias = builder.constant("output_bias", weights.take("output_bias", config.vocab_size))
    plain, hashed = config.head == "softmax", bool(config.maxent_bits)
    scores = bias
    if table is not None:
        outputs = "logits" if plain and not hashed else "network_scores"
        scores = arithmetic.score(builder, table, bias, features, outputs)
    ngrams = add_hashed_ngrams(assembly) if hashed else ""
    if not plain:
        _classes(assembly, features, scores, ngrams)
    elif hashed:
        builder.add("Add", scores, ngrams, outputs="logits")


def _classes(assembly: Assembly, features: str, scores: str, ngrams: str) -> None:
    """The class-factored softmax: log-probabilities of all words in the order of their ids.

    log p(word) = log p(class) + log p(word | class).

    scores: of the words by the network, [batch, vocab], or their biases. ngrams: what hashed n-grams add to the words
    and, after them, to the classes, [batch, vocab + classes]; empty if there are none.
    """
    config, builder, weights, arithmetic = assembly.config, assembly.builder, assembly.weights, assembly.arithmetic
    head = assembly.model.classes
    assert head is not None
    classes = builder.constant("class_bias", weights.take("classes.bias", head.count))
    rows = weights.take("classes.table", head.count, config.feature_size)
    if features:
        classes = arithmetic.multiply(builder, arithmetic.store(builder, "class_table", rows), features, classes)
    if ngrams:
        builder.constant("output_sizes", np.array([config.vocab_size, head.count]))
        builder.add("Split", ngrams, "output_sizes", outputs="words_added classes_added", axis=-1)
        scores = builder.add("Add", scores, "words_added", outputs="word_scores")
        classes = builder.add("Add", classes, "classes_added", outputs="class_scores")
    rank, places = weights.take("classes.rank", config.vocab_size), head.count * head.size
    # The last class may have fewer words; what fills it up gets no probability.
    members = np.zeros(places, np.int32)
    members[rank] = np.arange(len(rank))
    filling = np.where(np.arange(places) < len(rank), 0, -np.inf).astype(np.float32)
    builder.add("Gather", scores, builder.constant("class_members", members), outputs="by_rank", axis=-1)
    builder.add("Add", "by_rank", builder.constant("class_filling", filling), outputs="filled")
    builder.constant("classes_and_words", np.array([0, head.count, head.size]))
    builder.add("Reshape", "filled", "classes_and_words", outputs="by_class")
    builder.add("LogSoftmax", "by_class", outputs="inside_class", axis=-1)
    builder.add("LogSoftmax", classes, outputs="class_logs", axis=-1)
    builder.add("Unsqueeze", "class_logs", builder.constant("word_axis", np.array([2])), outputs="class_of_words")
    builder.add("Add", "inside_class", "class_of_words", outputs="joint")
    builder.add("Reshape", "joint", builder.constant("all_places", np.array([0, -1])), outputs="ranked")
    builder.add("Gather", "ranked", builder.constant("rank", rank.astype(np.int32)), outputs="logits", axis=-1)


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
