"""The building blocks of a step graph: nodes, initializers, and stored matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

FloatArray = NDArray[np.float32]


class Builder:
    """The nodes and initializers of a graph under construction. Values are referred to by name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, outputs: str, **attributes: Any) -> str:
        """Append a node and return `outputs`, which are names separated by spaces."""
        self.nodes.append(helper.make_node(operator, inputs, outputs.split(" "), **attributes))
        return outputs

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Store an array under a name, and return the name."""
        self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name


@dataclass(frozen=True)
class Matrix:
    """A matrix, `values` [rows, width], which an `Arithmetic` stored under `name`."""

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
    """How matrices are stored and multiplied: the difference between the float and the int8 graph."""

    precision: str
    recurrent_operators: bool
    """Whether to use ONNX's LSTM, GRU and RNN, whose weights are float32."""

    def store(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        """Store a matrix [rows, width] for `multiply`."""

    def multiply(self, builder: Builder, matrix: Matrix, values: str, bias: str = "") -> str:
        """Multiply `values` [..., width] by a stored matrix and add a bias [rows], if any.

        The result is `{name}_product` [..., rows].
        `builder` may belong to the body of a loop in the graph that stores the matrix.
        """

    def store_table(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        """Store a table [rows, width] for `look_up` and `score`."""

    def look_up(self, builder: Builder, table: Matrix, rows: str) -> str:
        """Look up rows of a table: int64 [a, b] -> float32 [a, b, width]."""

    def score(self, builder: Builder, table: Matrix, bias: str, features: str, outputs: str = "logits") -> str:
        """Multiply `features` [batch, width] by a table and add `bias` [rows]: [batch, rows]."""
