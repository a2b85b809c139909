"""Adds hashed maximum-entropy n-gram features, with the hash of `foretype.train.neural.model.maxent`."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from foretype.export.graph.assembly import Assembly
from foretype.export.graph.builder import Builder
from foretype.train.neural.model.maxent import SKIPPED, HashedNgrams

_MULTIPLIER, _INCREMENT, _SHIFT = -7046029254386353131, -4417276706812531889, 29
_ROW = 64


def add_hashed_ngrams(assembly: Assembly) -> str:
    """Add the scores of the features after the last step; return their name, [batch, outputs].

    Reads the last words from a part of the state [layers, batch, order - 1], latest first, and defines its successor.
    """
    config, builder, part = assembly.config, assembly.builder, assembly.words_part
    length = config.maxent_order - 1
    builder.constant("history_axis", np.array([1]))
    builder.constant("latest", np.array([-1]))
    builder.constant("backwards", np.array([-1]))
    builder.constant("history_start", np.array([-length - 1]))
    builder.constant("whole_start", np.array([np.iinfo(np.int64).min]))
    builder.constant("zero", np.array(0))
    builder.constant("one", np.array(1))
    # A word is stored as its id plus 1; 0, the zero state, means no word.
    builder.add("Gather", part, "zero", outputs="before", axis=0)
    builder.add("Cast", "before", outputs="before_words", to=TensorProto.INT64)
    builder.add("Slice", "before_words", "latest", "whole_start", "history_axis", "backwards", outputs="earlier_words")
    builder.add("Add", "input_ids", "one", outputs="new_words")
    builder.add("Concat", "earlier_words", "new_words", outputs="all_words", axis=1)
    builder.add("Slice", "all_words", "latest", "history_start", "history_axis", "backwards", outputs="last_words")
    builder.add("Cast", "last_words", outputs="last_as_floats", to=TensorProto.FLOAT)
    builder.constant("layer_axis", np.array([0]))
    builder.add("Unsqueeze", "last_as_floats", "layer_axis", outputs="history_of_layer")
    builder.add("Concat", *["history_of_layer"] * config.layers, outputs=f"{part}_out", axis=0)
    hashed = assembly.model.maxent
    assert hashed is not None
    return _scores(assembly, _slots(assembly, hashed), hashed)


def _slots(assembly: Assembly, hashed: HashedNgrams) -> str:
    """Hash the contexts to their first slots in the table, int64 [batch, contexts], in the order of the model."""
    config, builder = assembly.config, assembly.builder
    builder.constant("hash_multiplier", np.array(_MULTIPLIER))
    builder.constant("hash_increment", np.array(_INCREMENT))
    builder.constant("hash_divisor", np.array(1 << _SHIFT))
    builder.constant("starts", np.array(len(hashed.weights) - hashed.outputs + 1))
    words = [f"word_{place}" for place in range(config.maxent_order - 1)]
    builder.add("Split", "last_words", outputs=" ".join(words), axis=1, num_outputs=len(words))
    slots = _hashes(builder, words, "", "")
    if hashed.skip:
        slots += _hashes(builder, words[1:], builder.constant("skipped", np.array(SKIPPED)), "skip_")
    return builder.add("Concat", *slots, outputs="slots", axis=1)


def _hashes(builder: Builder, words: list[str], mixed: str, prefix: str) -> list[str]:
    """Hash the contexts of the first, the first two, and so on of `words`, from the value `mixed`; empty is 0."""
    slots = []
    for number, word in enumerate(words):
        place = f"{prefix}{number}"
        together = builder.add("BitwiseXor", mixed, word, outputs=f"together_{place}") if mixed else word
        builder.add("Mul", together, "hash_multiplier", outputs=f"multiplied_{place}")
        builder.add("Add", f"multiplied_{place}", "hash_increment", outputs=f"spread_{place}")
        # ONNX cannot shift signed numbers. x >> n is (x - x mod 2^n) / 2^n, because its remainder is never negative.
        builder.add("Mod", f"spread_{place}", "hash_divisor", outputs=f"low_{place}")
        builder.add("Sub", f"spread_{place}", f"low_{place}", outputs=f"high_{place}")
        builder.add("Div", f"high_{place}", "hash_divisor", outputs=f"shifted_{place}")
        mixed = builder.add("BitwiseXor", f"spread_{place}", f"shifted_{place}", outputs=f"mixed_{place}")
        slots.append(builder.add("Mod", mixed, "starts", outputs=f"slot_{place}"))
    return slots


def _scores(assembly: Assembly, slots: str, hashed: HashedNgrams) -> str:
    """Sum the weights of the contexts, [batch, outputs]: each context has one for each output, from its slot on."""
    builder, arithmetic = assembly.builder, assembly.arithmetic
    weights = assembly.weights.take("maxent.weights", len(hashed.weights))
    # Store the table in rows, with a row of zeros after them: a context reads whole rows, one more than its words fill.
    table = arithmetic.store_table(builder, "ngram_weights", np.pad(weights, (0, _ROW)).reshape(-1, _ROW))
    builder.constant("row_length", np.array(_ROW))
    rows = -(-hashed.outputs // _ROW) + 1
    builder.constant("rows_ahead", np.arange(rows))
    builder.constant("outputs", np.array(hashed.outputs))
    builder.add("Range", "zero", "outputs", "one", outputs="outputs_ahead")
    builder.constant("place_axis", np.array([2]))
    builder.add("Unsqueeze", slots, "place_axis", outputs="first_places")
    builder.add("Div", "first_places", "row_length", outputs="first_rows")
    builder.add("Add", "first_rows", "rows_ahead", outputs="rows_of_contexts")
    builder.add("Reshape", "rows_of_contexts", builder.constant("flat", np.array([0, -1])), outputs="rows_read")
    found = arithmetic.look_up(builder, table, "rows_read")
    shape = builder.constant("by_context", np.array([0, -1, rows * _ROW]))
    builder.add("Reshape", found, shape, outputs="weights_read")
    builder.add("Mod", "first_places", "row_length", outputs="first_columns")
    builder.add("Add", "first_columns", "outputs_ahead", outputs="columns")
    builder.add("GatherElements", "weights_read", "columns", outputs="owned", axis=2)
    return builder.add("ReduceSum", "owned", "history_axis", outputs="ngram_scores", keepdims=0)
