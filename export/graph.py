"""A trained model as an ONNX step graph: the state goes in and comes out, and only the last step is scored.

Built node by node from the tensors: torch's exporter wraps LSTM weights in slices and unrolls loops, while
here every initializer is a tensor of the model, so that the graph can be read, quantised and checked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from foretype.runtime.errors import ExportError
from foretype.runtime.neural import GraphMetadata
from foretype.runtime.vocabulary import SPECIAL_TOKENS
from foretype.train.files import replacing
from foretype.train.neural.model import LanguageModel
from foretype.train.neural.model_config import ModelConfig

OPSET = 21
IR_VERSION = 10  # the one that goes with opset 21; onnx's newest may be ahead of the installed ONNX Runtime

FloatArray = NDArray[np.float32]


def weights_of(model: LanguageModel) -> dict[str, FloatArray]:
    """The tensors of a model as float32 arrays, by their names in `state_dict()`.

    Raises ExportError unless they are exactly those, in name and shape, that the graphs are made of: a tensor
    that nobody takes would be missing from the graph without a word.
    """
    weights = {name: tensor.float().cpu().numpy() for name, tensor in model.state_dict().items()}
    expected = expected_shapes(model.config)
    if missing := sorted(expected.keys() - weights.keys()):
        raise ExportError(f"the model lacks the tensors {', '.join(missing)}")
    if unknown := sorted(weights.keys() - expected.keys()):
        raise ExportError(f"the model has tensors that no part of the graph takes: {', '.join(unknown)}")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise ExportError(f"the model's {name} is {list(weights[name].shape)}; expected {list(shape)}")
    return weights


def expected_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of a model of this configuration."""
    gates = 4 * config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (config.vocab_size, config.embedding_size)}
    for layer in range(config.layers):
        shapes[f"layers.{layer}.weight_ih_l0"] = (gates, config.hidden_size if layer else config.embedding_size)
        shapes[f"layers.{layer}.weight_hh_l0"] = (gates, config.hidden_size)
        shapes[f"layers.{layer}.bias_ih_l0"] = (gates,)
        shapes[f"layers.{layer}.bias_hh_l0"] = (gates,)
    shapes["projection.weight"] = (config.embedding_size, config.hidden_size)
    shapes["projection.bias"] = (config.embedding_size,)
    shapes["output_bias"] = (config.vocab_size,)
    return shapes


def reorder_gates(tensor: FloatArray) -> FloatArray:
    """Torch stacks an LSTM's gates as i, f, g, o on the first axis [4 * hidden, ...]; ONNX as i, o, f, g."""
    i, f, g, o = np.split(tensor, 4)
    return np.concatenate([i, o, f, g])


class Builder:
    """Nodes and initializers of a graph under construction. Values are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, outputs: str, **attributes: Any) -> str:
        """Append a node; `outputs` are names with spaces between. Returns them as given."""
        self.nodes.append(helper.make_node(operator, inputs, outputs.split(" "), **attributes))
        return outputs

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Store an array under a name, which is returned."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


class Arithmetic(Protocol):
    """How the weights are stored and applied: the part in which the float and the int8 graph differ."""

    precision: str

    def embed(self, builder: Builder, ids: str) -> str:
        """Rows of the word table: int64 [steps, batch] -> float32 [steps, batch, embedding_size]."""

    def layer(self, builder: Builder, index: int, inputs: str, hidden: str, cell: str) -> str:
        """Add LSTM layer `index` over `inputs` [steps, batch, width] from a state, each [1, batch, hidden].

        Defines `hidden_out_{index}` and `cell_out_{index}`, shaped as the state. Returns the hidden states of
        all steps, float32 [steps, batch, hidden].
        """

    def score(self, builder: Builder, hidden: str) -> None:
        """Add projection and head: `hidden` [batch, hidden_size] -> "logits" [batch, vocab_size]."""


class FloatArithmetic:
    """Float32 throughout, with ONNX's own operators: runs on every provider."""

    precision = "float32"

    def __init__(self, config: ModelConfig, weights: Mapping[str, FloatArray]) -> None:
        self._config = config
        self._weights = weights

    def embed(self, builder: Builder, ids: str) -> str:
        builder.constant("word_table", self._weights["embedding.weight"])
        return builder.add("Gather", "word_table", ids, outputs="embedded")

    def layer(self, builder: Builder, index: int, inputs: str, hidden: str, cell: str) -> str:
        weights = self._weights
        biases = [reorder_gates(weights[f"layers.{index}.bias_{kind}_l0"]) for kind in ("ih", "hh")]
        builder.add(
            "LSTM",
            inputs,
            builder.constant(f"input_weight_{index}", reorder_gates(weights[f"layers.{index}.weight_ih_l0"])[None]),
            builder.constant(f"hidden_weight_{index}", reorder_gates(weights[f"layers.{index}.weight_hh_l0"])[None]),
            builder.constant(f"lstm_bias_{index}", np.concatenate(biases)[None]),
            "",  # every sequence of a batch has all the steps
            hidden,
            cell,
            outputs=f"directions_{index} hidden_out_{index} cell_out_{index}",
            hidden_size=self._config.hidden_size,
        )
        return builder.add("Squeeze", f"directions_{index}", "axis_1", outputs=f"output_{index}")

    def score(self, builder: Builder, hidden: str) -> None:
        builder.constant("projection_weight", self._weights["projection.weight"])
        builder.constant("projection_bias", self._weights["projection.bias"])
        builder.constant("output_bias", self._weights["output_bias"])
        builder.add("Gemm", hidden, "projection_weight", "projection_bias", outputs="features", transB=1)
        # transB reads the rows of the very table that the input gathers from: one table in the file.
        builder.add("Gemm", "features", "word_table", "output_bias", outputs="logits", transB=1)


def build(config: ModelConfig, arithmetic: Arithmetic) -> onnx.ModelProto:
    """The step graph: words -> LSTM layers -> scores after the last step, as `runtime.neural` expects it."""
    builder = Builder()
    builder.constant("axis_0", np.array([0]))
    builder.constant("axis_1", np.array([1]))
    steps = builder.add("Transpose", "input_ids", outputs="ids", perm=[1, 0])
    values = arithmetic.embed(builder, steps)
    layers = range(config.layers)
    for name in ("hidden", "cell"):
        parts = " ".join(f"{name}_{layer}" for layer in layers)
        builder.add("Split", name, outputs=parts, axis=0, num_outputs=config.layers)
    for layer in layers:
        values = arithmetic.layer(builder, layer, values, f"hidden_{layer}", f"cell_{layer}")
    for name in ("hidden_out", "cell_out"):
        builder.add("Concat", *(f"{name}_{layer}" for layer in layers), outputs=name, axis=0)
    # The last layer's hidden state is its output at the last step, the only one to be scored.
    arithmetic.score(builder, builder.add("Squeeze", f"hidden_out_{config.layers - 1}", "axis_0", outputs="last"))
    return _model(config, builder, arithmetic.precision)


def _model(config: ModelConfig, builder: Builder, precision: str) -> onnx.ModelProto:
    """Put names, shapes, metadata and opsets around the nodes; ExportError when onnx finds them invalid."""
    state: list[str | int | None] = [config.layers, "batch", config.hidden_size]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        builder.nodes,
        "step",
        [
            value("input_ids", TensorProto.INT64, ["batch", "steps"]),
            value("hidden", TensorProto.FLOAT, state),
            value("cell", TensorProto.FLOAT, state),
        ],
        [
            value("logits", TensorProto.FLOAT, ["batch", config.vocab_size]),
            value("hidden_out", TensorProto.FLOAT, state),
            value("cell_out", TensorProto.FLOAT, state),
        ],
        builder.initializers,
    )
    extensions = sorted({node.domain for node in builder.nodes} - {""})
    opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in extensions)]
    model = helper.make_model(graph, producer_name="foretype", opset_imports=opsets, ir_version=IR_VERSION)
    metadata = GraphMetadata(
        architecture=config.architecture,
        vocab_size=config.vocab_size,
        layers=config.layers,
        hidden_size=config.hidden_size,
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
    """The step graph in float32: the reference, and the one for GPUs."""
    return build(model.config, FloatArithmetic(model.config, weights_of(model)))


def save(model: onnx.ModelProto, path: str | os.PathLike[str]) -> None:
    """Write a graph to `path`, whole or not at all."""
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(model.SerializeToString())
