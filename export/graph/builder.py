"""What the parts of a step graph are put together with: nodes, initializers, and stored matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

FloatArray = NDArray[np.float32]


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
        self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name


@dataclass(frozen=True)
class Matrix:
    """A matrix, `values` [rows, width], that an `Arithmetic` has stored under `name`."""

    name: str
    values: FloatArray

    @property
    def rows(self) -> int:
        """Length of the first axis."""
        return len(self.values)

    @property
    def width(self) -> int:
        """Length of the second axis."""
        return int(self.values.shape[1])


class Arithmetic(Protocol):
    """How matrices are stored and applied: the part in which the float and the int8 graph differ."""

    precision: str
    recurrent_operators: bool
    """Whether ONNX's LSTM, GRU and RNN, whose weights are float32, may hold the layers."""

    def store(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        """Store a matrix [rows, width] for `multiply`."""

    def multiply(self, builder: Builder, matrix: Matrix, values: str, bias: str = "") -> str:
        """Add `values` [..., width] times a stored matrix, plus a bias [rows] if named: `{name}_product` [..., rows].

        `builder` may be that of a loop's body inside the graph where the matrix is stored.
        """

    def store_table(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        """Store a table [rows, width] for `look_up` and `score`."""

    def look_up(self, builder: Builder, table: Matrix, rows: str) -> str:
        """Rows of a table: int64 [a, b] -> float32 [a, b, width]."""

    def score(self, builder: Builder, table: Matrix, bias: str, features: str, outputs: str = "logits") -> str:
        """Add `features` [batch, width] times a table, plus `bias` [rows]: [batch, rows]."""
