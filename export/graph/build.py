"""Builds the ONNX step graph of a trained model: state in, state out, and scores after the last step only.

The graph is built node by node from the model's tensors. Torch's exporter wraps LSTM weights in slices and unrolls
loops; here every initializer is a tensor of the model, so that the graph can be read, quantised and checked.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from foretype.export.graph.assembly import Assembly
from foretype.export.graph.builder import Arithmetic, Builder, FloatArray, Matrix
from foretype.export.graph.heads import add_head
from foretype.export.graph.layers import add_layer
from foretype.runtime.engines.step_graph import GraphMetadata
from foretype.runtime.errors import ExportError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

OPSET = 21
IR_VERSION = 10  # belongs to opset 21; the installed ONNX Runtime may not read onnx's newest


class FloatArithmetic:
    """Float32 with standard ONNX operators, for every provider."""

    precision = "float32"
    recurrent_operators = True

    def store(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        """Store a matrix transposed, as MatMul needs it."""
        builder.constant(name, values.T)
        return Matrix(name, values)

    def multiply(self, builder: Builder, matrix: Matrix, values: str, bias: str = "") -> str:
        product = f"{matrix.name}_product"
        if not bias:
            return builder.add("MatMul", values, matrix.name, outputs=product)
        builder.add("MatMul", values, matrix.name, outputs=f"{matrix.name}_times")
        return builder.add("Add", f"{matrix.name}_times", bias, outputs=product)

    def store_table(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        builder.constant(name, values)
        return Matrix(name, values)

    def look_up(self, builder: Builder, table: Matrix, rows: str) -> str:
        return builder.add("Gather", table.name, rows, outputs=f"{table.name}_found")

    def score(self, builder: Builder, table: Matrix, bias: str, features: str, outputs: str = "logits") -> str:
        # With transB, the head reads the same table as the input, so the file holds it once.
        return builder.add("Gemm", features, table.name, bias, outputs=outputs, transB=1)


def build(model: LanguageModel, arithmetic: Arithmetic) -> onnx.ModelProto:
    """Build the step graph, as `runtime.engines.step_graph` expects it: words, layers, scores after the last step.

    Raises ExportError if a tensor of the model is missing or unused.
    """
    config = model.config
    assembly = Assembly(model, arithmetic)
    builder, weights = assembly.builder, assembly.weights
    rows = weights.take("embedding.weight", config.vocab_size, config.feature_size)
    if config.architecture == "maxent":
        add_head(assembly, None, "")
        weights.all_taken()
        return _model(config, builder, arithmetic.precision)
    table = arithmetic.store_table(builder, "word_table", rows)
    steps = builder.add("Transpose", "input_ids", outputs="ids", perm=[1, 0])
    outputs = _add_layers(assembly, arithmetic.look_up(builder, table, steps))
    builder.constant("last_step", np.array(-1))
    features = builder.add("Gather", outputs, "last_step", outputs="last", axis=0)
    if config.output_size != config.embedding_size:
        shape = (config.embedding_size, config.output_size)
        builder.constant("projection_weight", weights.take("projection.weight", *shape))
        builder.constant("projection_bias", weights.take("projection.bias", config.embedding_size))
        features = builder.add("Gemm", features, "projection_weight", "projection_bias", outputs="features", transB=1)
    add_head(assembly, table, features)
    weights.all_taken()
    return _model(config, builder, arithmetic.precision)


def _add_layers(assembly: Assembly, embedded: str) -> str:
    """Add the layers and their connections; return the name of their outputs [steps, batch, output_size]."""
    config, builder = assembly.config, assembly.builder
    layers = range(config.layers)
    for part in assembly.recurrent_sizes:
        names = " ".join(f"{part}_{layer}" for layer in layers)
        builder.add("Split", part, outputs=names, axis=0, num_outputs=config.layers)
    values, seen = embedded, [embedded]
    for layer in layers:
        dense = config.connections == "dense" and layer > 0
        inputs = builder.add("Concat", *seen, outputs=f"seen_{layer}", axis=-1) if dense else values
        output = add_layer(assembly, layer, inputs)
        if layer and config.connections == "residual":
            output = builder.add("Add", output, values, outputs=f"sum_{layer}")
        elif layer and config.connections == "highway":
            output = _highway(assembly, layer, values, output)
        values = output
        seen.append(values)
    for part in assembly.recurrent_sizes:
        builder.add("Concat", *(f"{part}_out_{layer}" for layer in layers), outputs=f"{part}_out", axis=0)
    if config.connections == "dense":
        values = builder.add("Concat", *seen[1:], outputs="outputs", axis=-1)
    return values


def _highway(assembly: Assembly, layer: int, values: str, output: str) -> str:
    """Mix a layer's input and output: t x + (1 - t) y as y + t (x - y), with the gate t = sigmoid(W x + b)."""
    builder, size = assembly.builder, assembly.config.hidden_size
    sums = assembly.linear(f"carry_weight_{layer}", f"gates.{layer - 1}", size, size, values)
    builder.add("Sigmoid", sums, outputs=f"carry_{layer}")
    builder.add("Sub", values, output, outputs=f"bypass_{layer}")
    builder.add("Mul", f"carry_{layer}", f"bypass_{layer}", outputs=f"carried_{layer}")
    return builder.add("Add", output, f"carried_{layer}", outputs=f"mixed_{layer}")


def _model(config: ModelConfig, builder: Builder, precision: str) -> onnx.ModelProto:
    """Make a model of the nodes, with inputs, outputs, opsets and metadata. Raises ExportError if it is not valid."""
    value = helper.make_tensor_value_info

    def state(suffix: str) -> list[onnx.ValueInfoProto]:
        sizes = config.state_sizes.items()
        return [value(part + suffix, TensorProto.FLOAT, [config.layers, "batch", size]) for part, size in sizes]

    graph = helper.make_graph(
        builder.nodes,
        "step",
        [value("input_ids", TensorProto.INT64, ["batch", "steps"]), *state("")],
        [value("logits", TensorProto.FLOAT, ["batch", config.vocab_size]), *state("_out")],
        builder.initializers,
    )
    extensions = sorted({node.domain for node in builder.nodes} - {""})
    opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in extensions)]
    model = helper.make_model(graph, producer_name="foretype", opset_imports=opsets, ir_version=IR_VERSION)
    metadata = GraphMetadata(
        architecture=config.architecture,
        vocab_size=config.vocab_size,
        layers=config.layers,
        hidden_size=config.state_sizes["hidden"],
        precision=precision,
        special_tokens={token: index for index, token in enumerate(SPECIAL_TOKENS)},
    )
    helper.set_model_props(model, metadata.to_properties())
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the step graph is not valid ONNX: {error}") from error
    return model


def float_graph(model: LanguageModel) -> onnx.ModelProto:
    """Build the step graph in float32, for reference and for GPUs."""
    return build(model, FloatArithmetic())


def save(model: onnx.ModelProto, path: str | os.PathLike[str]) -> None:
    """Write a graph to `path`, completely or not at all."""
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(model.SerializeToString())
