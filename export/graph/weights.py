"""Reads the tensors of a trained model for a graph, and checks that each is used and has the expected shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretype.export.graph.builder import FloatArray
from foretype.runtime.errors import ExportError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

GATES = {
    "rnn": (0,),
    "gru": (1, 0, 2),
    "lstm": (0, 3, 1, 2),
    "peephole": (0, 3, 1, 2),
    "mogrifier": (0, 3, 1, 2),
    "cifg": (2, 0, 1),
    "mingru": (0, 1),
}
"""ONNX's order of the gates that torch stacks along the first axis of a tensor: GRU r, z, n -> z, r, n; LSTM i, f, g, o
-> i, o, f, g; with coupled gates f, g, o -> o, f, g."""


class Weights:
    """The tensors of a model as arrays, float32 or integers, which the parts of a graph take.

    A tensor that no part takes would be silently missing from the graph; `all_taken` makes that an error.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._arrays: dict[str, NDArray[Any]] = {
            name: (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
            for name, tensor in model.state_dict().items()
        }
        self._taken: set[str] = set()

    def take(self, name: str, *shape: int) -> NDArray[Any]:
        """Take a tensor by its name in `state_dict()`. Raises ExportError if it is missing or has another shape."""
        if name not in self._arrays:
            raise ExportError(f"the model has no tensor {name}")
        array = self._arrays[name]
        if array.shape != shape:
            raise ExportError(f"the model's {name} is {list(array.shape)}; expected {list(shape)}")
        self._taken.add(name)
        return array

    def all_taken(self) -> None:
        """Raise ExportError if a tensor has not been taken."""
        if left := sorted(self._arrays.keys() - self._taken):
            raise ExportError(f"the graph does not use these tensors of the model: {', '.join(left)}")


@dataclass(frozen=True)
class LayerWeights:
    """The weights of a recurrent layer, with gates in ONNX's order.

    from_inputs: [gates * size, input_size].
    from_hidden: [gates * size, hidden_size]; None if the gates see the input only.
    input_bias, hidden_bias: [gates * size]; separate, because the GRU adds them at different places.
    peephole: weights of the cell for the gates i, o, f, [3, cell_size].
    projection: from the cell's output to the hidden state, [hidden_size, cell_size].
    rounds: of a Mogrifier LSTM, the two factors of each round's matrix, the right one first.
    """

    from_inputs: FloatArray
    from_hidden: FloatArray | None
    input_bias: FloatArray
    hidden_bias: FloatArray
    peephole: FloatArray | None = None
    projection: FloatArray | None = None
    rounds: tuple[tuple[FloatArray, FloatArray], ...] = ()


def layer_weights(weights: Weights, config: ModelConfig, index: int) -> LayerWeights:
    """Take the tensors of recurrent layer `index`, named as in `torch.nn.LSTM`."""
    order = GATES[config.architecture]
    hidden = config.hidden_size
    size = config.state_sizes.get("cell", hidden)
    stacked = len(order) * size

    def take(name: str, *shape: int) -> FloatArray:
        return weights.take(f"layers.{index}.{name}", *shape)

    def gates(name: str, *shape: int) -> FloatArray:
        parts = np.split(take(name, stacked, *shape), len(order))
        return np.concatenate([parts[gate] for gate in order])

    from_inputs = gates("weight_ih_l0", config.input_size(index))
    input_bias = gates("bias_ih_l0")
    # PyTorch's own layers have two biases; those of `foretype.train.neural.model.layers` have one.
    own = config.architecture in ("cifg", "peephole", "mogrifier", "mingru") or config.cell_size
    sizes, rank = (config.input_size(index), hidden), config.mogrifier_rank
    rounds = tuple(
        (take(f"narrow.{number}", rank, sizes[1 - number % 2]), take(f"widen.{number}", sizes[number % 2], rank))
        for number in range(config.mogrifier_rounds if config.architecture == "mogrifier" else 0)
    )
    return LayerWeights(
        from_inputs,
        from_hidden=None if config.architecture == "mingru" else gates("weight_hh_l0", hidden),
        input_bias=input_bias,
        hidden_bias=np.zeros_like(input_bias) if own else gates("bias_hh_l0"),
        peephole=take("peephole", 3, size)[[0, 2, 1]] if config.architecture == "peephole" else None,
        projection=take("recurrent_projection.weight", hidden, size) if size != hidden else None,
        rounds=rounds,
    )
