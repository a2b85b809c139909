"""Adds the recurrent layers: as ONNX's own operator if it can represent the weights, else as a loop (Scan)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

from foretype.export.graph.assembly import Assembly
from foretype.export.graph.builder import Builder, FloatArray
from foretype.export.graph.cells import (
    Product,
    gru_step,
    linear_step,
    lstm_step,
    mogrifier_step,
    peephole_step,
    rnn_step,
)
from foretype.export.graph.weights import LayerWeights, layer_weights

_OPERATORS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM", "peephole": "LSTM"}
_END = np.iinfo(np.int64).max

Store = Callable[..., Product]
"""Stores a matrix under a name, with the name of a bias to add if there is one; returns the product with it."""


def add_layer(assembly: Assembly, index: int, inputs: str) -> str:
    """Add layer `index`, which reads `inputs` [steps, batch, width].

    Reads its state, `hidden_{index}` and for LSTMs `cell_{index}`, each [1, batch, size]. Defines the state after the
    last step, `hidden_out_{index}` and `cell_out_{index}`. Returns the name of the outputs of all steps [steps, batch,
    hidden_size]; for a fixed window, of the last step only.
    """
    config, builder = assembly.config, assembly.builder
    if config.architecture == "window":
        return _window(assembly, inputs, "hidden_0")
    layer = layer_weights(assembly.weights, config, index)
    state = [f"{part}_{index}" for part in assembly.recurrent_sizes]
    outputs = [f"{part}_out_{index}" for part in assembly.recurrent_sizes]
    if assembly.arithmetic.recurrent_operators and config.architecture in _OPERATORS and layer.projection is None:
        steps = _operator(assembly, index, layer, [inputs, *state], outputs)
    else:
        steps = _loop(assembly, index, layer, [*state, inputs], outputs)
    builder.constant(f"direction_axis_{index}", np.array([1]))
    return builder.add("Squeeze", steps, f"direction_axis_{index}", outputs=f"output_{index}")


def _window(assembly: Assembly, inputs: str, before: str) -> str:
    """A tanh layer over the embeddings of the last `window` words (Bengio et al. 2003), for the last step.

    before: the concatenated embeddings of the words before the inputs, [1, batch, (window - 1) * embedding_size].
    """
    config, builder = assembly.config, assembly.builder
    width, window, size = config.embedding_size, config.window, config.hidden_size
    builder.constant("before_shape", np.array([-1, window - 1, width]))
    builder.constant("seen_shape", np.array([1, -1, window * width]))
    builder.constant("window_start", np.array([-window]))
    builder.constant("second_word", np.array([width]))
    builder.constant("end", np.array([_END]))
    for axis in (0, 2):
        builder.constant(f"axis_{axis}", np.array([axis]))
    builder.add("Reshape", before, "before_shape", outputs="before_by_text")
    builder.add("Transpose", "before_by_text", outputs="before_by_step", perm=[1, 0, 2])
    builder.add("Concat", "before_by_step", inputs, outputs="words", axis=0)
    builder.add("Slice", "words", "window_start", "end", "axis_0", outputs="window")
    builder.add("Transpose", "window", outputs="window_by_text", perm=[1, 0, 2])
    builder.add("Reshape", "window_by_text", "seen_shape", outputs="seen")
    builder.add("Slice", "seen", "second_word", "end", "axis_2", outputs="hidden_out_0")
    sums = assembly.linear("window_weight", "layers.0.hidden", size, config.input_size(0), "seen")
    return builder.add("Tanh", sums, outputs="output_0")


def _operator(assembly: Assembly, index: int, layer: LayerWeights, inputs: list[str], outputs: list[str]) -> str:
    """Add ONNX's RNN, GRU or LSTM; return the name of its outputs [steps, 1, batch, hidden_size]."""
    config, builder = assembly.config, assembly.builder
    assert layer.from_hidden is not None
    operands = [
        builder.constant(f"input_weight_{index}", layer.from_inputs[None]),
        builder.constant(f"hidden_weight_{index}", layer.from_hidden[None]),
        builder.constant(f"gate_bias_{index}", np.concatenate([layer.input_bias, layer.hidden_bias])[None]),
        "",  # no sequence_lens: all sequences of a batch have the same length
    ]
    values, *state = inputs
    if layer.peephole is not None:
        state.append(builder.constant(f"peephole_{index}", layer.peephole.reshape(1, -1)))
    steps = f"directions_{index}"
    builder.add(
        _OPERATORS[config.architecture],
        values,
        *operands,
        *state,
        outputs=" ".join([steps, *outputs]),
        hidden_size=config.hidden_size,
        # The reset gate acts after the product with the hidden state, as in PyTorch.
        **({"linear_before_reset": 1} if config.architecture == "gru" else {}),
    )
    return steps


def _loop(assembly: Assembly, index: int, layer: LayerWeights, inputs: list[str], outputs: list[str]) -> str:
    """Add a Scan over the steps; return the name of its outputs [steps, 1, batch, hidden_size].

    Its matrices are in the graph outside the loop, where ONNX Runtime prepares them once.
    """
    config, builder, arithmetic = assembly.config, assembly.builder, assembly.arithmetic
    *state, values = inputs
    body = Builder()

    def product(name: str, matrix: FloatArray | None, bias: str = "") -> Product:
        assert matrix is not None
        stored = arithmetic.store(builder, f"{name}_{index}", matrix)
        return lambda factor: arithmetic.multiply(body, stored, factor, bias)

    gru = config.architecture == "gru"
    bias = builder.constant(f"gate_bias_{index}", layer.input_bias if gru else layer.input_bias + layer.hidden_bias)
    if config.architecture == "mogrifier":
        scanned = ("x", config.input_size(index))
        rounds = [
            _chain(product(f"narrow_{number}", narrow), product(f"widen_{number}", widen))
            for number, (narrow, widen) in enumerate(layer.rounds)
        ]
        from_inputs = product("input_weight", layer.from_inputs, bias)
        from_hidden = product("hidden_weight", layer.from_hidden)
        mogrifier_step(
            body, rounds, from_inputs, from_hidden, _projection(layer, product), assembly.recurrent_sizes["cell"]
        )
    else:
        # The contribution of the inputs does not depend on the state: compute it for all steps before the loop.
        scanned = ("from_inputs", len(layer.input_bias))
        matrix = arithmetic.store(builder, f"input_weight_{index}", layer.from_inputs)
        values = arithmetic.multiply(builder, matrix, values, bias)
        _add_step(assembly, index, layer, body, product)
    steps = f"steps_{index}"
    builder.add(
        "Scan",
        *state,
        values,
        outputs=" ".join([*outputs, steps]),
        body=_body(assembly, index, body, scanned),
        num_scan_inputs=1,
    )
    return steps


def _chain(first: Product, second: Product) -> Product:
    return lambda values: second(first(values))


def _projection(layer: LayerWeights, product: Store) -> Product | None:
    return None if layer.projection is None else product("recurrent_projection", layer.projection)


def _add_step(assembly: Assembly, index: int, layer: LayerWeights, body: Builder, product: Store) -> None:
    """Add one step of a cell whose inputs contribute independently of its state."""
    architecture, builder, sizes = assembly.config.architecture, assembly.builder, assembly.recurrent_sizes
    if architecture == "mingru":
        linear_step(body)
        return
    bias = builder.constant(f"hidden_bias_{index}", layer.hidden_bias) if architecture == "gru" else ""
    from_hidden, projection = product("hidden_weight", layer.from_hidden, bias), _projection(layer, product)
    if architecture == "rnn":
        rnn_step(body, from_hidden)
    elif architecture == "gru":
        gru_step(body, from_hidden, sizes["hidden"])
    elif layer.peephole is not None:
        names = [
            builder.constant(f"peephole_{gate}_{index}", row) for gate, row in zip("iof", layer.peephole, strict=True)
        ]
        peephole_step(body, from_hidden, projection, names)
    else:
        lstm_step(body, from_hidden, projection, sizes["cell"], coupled=architecture == "cifg")


def _body(assembly: Assembly, index: int, body: Builder, scanned: tuple[str, int]) -> onnx.GraphProto:
    """Make the body of a loop from the nodes of a step. scanned: name and width of the step's input."""
    body.add("Identity", "h_next", outputs="h_step")

    def value(name: str, *shape: str | int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    name, width = scanned
    parts = [(part[0], size) for part, size in assembly.recurrent_sizes.items()]
    inputs = [value(part, 1, "batch", size) for part, size in parts]
    inputs.append(value(name, "batch", width))
    outputs = [value(f"{part}_next", 1, "batch", size) for part, size in parts]
    outputs.append(value("h_step", 1, "batch", assembly.config.hidden_size))
    return helper.make_graph(body.nodes, f"step_{index}", inputs, outputs, body.initializers)
