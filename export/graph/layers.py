"""Adds the recurrent layers: as ONNX's own operator if it can represent the weights, else as a loop (Scan)."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from foretype.export.graph.assembly import Assembly
from foretype.export.graph.builder import Builder
from foretype.export.graph.cells import Product, gru_step, lstm_step, peephole_step, rnn_step
from foretype.export.graph.weights import LayerWeights, layer_weights

_OPERATORS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM", "peephole": "LSTM"}
_END = np.iinfo(np.int64).max


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
    """Add a Scan over the steps; return the name of its outputs [steps, 1, batch, hidden_size]."""
    arithmetic, builder = assembly.arithmetic, assembly.builder
    *state, values = inputs
    # The contribution of the inputs does not depend on the state: compute it for all steps before the loop.
    gru = assembly.config.architecture == "gru"
    bias = layer.input_bias if gru else layer.input_bias + layer.hidden_bias
    matrix = arithmetic.store(builder, f"input_weight_{index}", layer.from_inputs)
    gates = arithmetic.multiply(builder, matrix, values, builder.constant(f"gate_bias_{index}", bias))
    steps = f"steps_{index}"
    builder.add(
        "Scan",
        *state,
        gates,
        outputs=" ".join([*outputs, steps]),
        body=_body(assembly, index, layer),
        num_scan_inputs=1,
    )
    return steps


def _body(assembly: Assembly, index: int, layer: LayerWeights) -> onnx.GraphProto:
    """Build one step. The matrices are in the graph outside the loop, where ONNX Runtime prepares them once."""
    config, arithmetic, builder = assembly.config, assembly.arithmetic, assembly.builder
    body = Builder()
    sizes = assembly.recurrent_sizes
    gru = config.architecture == "gru"
    hidden_bias = builder.constant(f"hidden_bias_{index}", layer.hidden_bias) if gru else ""
    hidden_weight = arithmetic.store(builder, f"hidden_weight_{index}", layer.from_hidden)

    def from_hidden(values: str) -> str:
        return arithmetic.multiply(body, hidden_weight, values, hidden_bias)

    projection: Product | None = None
    if layer.projection is not None:
        projection_weight = arithmetic.store(builder, f"recurrent_projection_{index}", layer.projection)

        def projection(values: str) -> str:
            return arithmetic.multiply(body, projection_weight, values)

    if config.architecture == "rnn":
        rnn_step(body, from_hidden)
    elif gru:
        gru_step(body, from_hidden, sizes["hidden"])
    elif layer.peephole is not None:
        names = [
            builder.constant(f"peephole_{gate}_{index}", row) for gate, row in zip("iof", layer.peephole, strict=True)
        ]
        peephole_step(body, from_hidden, projection, names)
    else:
        lstm_step(body, from_hidden, projection, sizes["cell"], coupled=config.architecture == "cifg")
    body.add("Identity", "h_next", outputs="h_step")

    def value(name: str, *shape: str | int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    parts = [(part[0], size) for part, size in sizes.items()]
    inputs = [value(part, 1, "batch", size) for part, size in parts]
    inputs.append(value("from_inputs", "batch", len(layer.input_bias)))
    outputs = [value(f"{part}_next", 1, "batch", size) for part, size in parts]
    outputs.append(value("h_step", 1, "batch", sizes["hidden"]))
    return helper.make_graph(body.nodes, f"step_{index}", inputs, outputs, body.initializers)
