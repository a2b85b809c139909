"""Builds the int8 and int4 step graphs of a trained model: blocks of small integers, and the word table stored once.

The operator `com.microsoft.MatMulNBits` computes the large products, with 8-bit or 4-bit weights, a scale for each
block of a row, and inputs rounded to 8 bits block by block at run time (accuracy level 4). It has three advantages:

- Its weights are stored row by row, and a row of the word table belongs to a word. So the input can look up rows in the
  same table that the head multiplies by.
- Rounding depends on the step only: tokens fed at once or one at a time give the same scores. With
  `DynamicQuantizeLSTM`, which has one scale for all steps of a call, they do not.
- It is exact on CPUs without VNNI, where other operators' products of unsigned and signed bytes saturate.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from foretype.export.graph.build import build
from foretype.export.graph.builder import Builder, FloatArray, Matrix
from foretype.train.neural.model.language_model import LanguageModel

BLOCKS = (64, 32, 16)
"""Possible numbers of weights that share a scale, the preferred first. 16 rounds more finely (0.7 points of top-3
agreement), but the graph is a quarter slower."""

BLOCK_4 = 32
"""4-bit weights that share a scale: 5 bits a weight in all."""

ZERO_POINT = 128


def block_size(width: int) -> int:
    """Return the block size that stores rows of this width in the fewest bytes, including padding and scales."""
    return min(BLOCKS, key=lambda block: -(-width // block) * (block + 4))


def quantize_blocks(matrix: FloatArray, block: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """Round each block of a row to 8 bits, symmetrically about zero; rows are padded with zeros to whole blocks.

    matrix: float32 [rows, width].
    Returns weights uint8 [rows, blocks, block] and scales float32 [rows, blocks]; the value of a weight w is
    (w - 128) * scale.
    """
    rows, width = matrix.shape
    blocks = np.pad(matrix, ((0, 0), (0, -width % block))).reshape(rows, -1, block)
    scales = np.abs(blocks).max(axis=2) / 127
    rounded = np.rint(blocks / np.where(scales > 0, scales, 1)[..., None])
    return (rounded + ZERO_POINT).astype(np.uint8), scales.astype(np.float32)


def quantize_blocks_4(matrix: FloatArray, block: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """Round each block of a row to 4 bits: as `quantize_blocks`, with values (w - 8) * scale.

    There are 8 steps below zero and 7 above. The largest weight takes the eighth, so its scale may be negative.
    """
    rows, width = matrix.shape
    blocks = np.pad(matrix, ((0, 0), (0, -width % block))).reshape(rows, -1, block)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)
    scales = largest / -8
    rounded = np.rint(blocks / np.where(scales == 0, 1, scales)).clip(-8, 7)
    return (rounded + 8).astype(np.uint8), scales[..., 0].astype(np.float32)


def restore_blocks(weights: NDArray[np.uint8], scales: FloatArray) -> FloatArray:
    """Restore the values of `quantize_blocks`, float32 [rows, padded width]."""
    blocks: FloatArray = (weights.astype(np.float32) - ZERO_POINT) * scales[..., None]
    return blocks.reshape(len(blocks), -1)


class Int8Arithmetic:
    """8-bit weights, and inputs of products rounded to 8 bits.

    Biases, scales and the small projection to the head's width are float32: in 8 bits, the projection costs 1.2 points
    of top-3 agreement and saves 4 % of the bytes.
    """

    precision = "int8"
    bits = 8
    recurrent_operators = False

    def block(self, width: int) -> int:
        """Number of weights that share a scale, in a matrix of this width."""
        return block_size(width)

    def store(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        """Store a matrix as `name` and `name`_scales."""
        weights, scales = quantize_blocks(values, block_size(values.shape[1]))
        builder.constant(name, weights)
        builder.constant(f"{name}_scales", scales)
        return Matrix(name, values)

    def multiply(self, builder: Builder, matrix: Matrix, values: str, bias: str = "", outputs: str = "") -> str:
        return builder.add(
            "MatMulNBits",
            values,
            matrix.name,
            f"{matrix.name}_scales",
            *(("", "", bias) if bias else ()),
            outputs=outputs or f"{matrix.name}_product",
            domain="com.microsoft",
            N=matrix.rows,
            K=matrix.width,
            bits=self.bits,
            block_size=self.block(matrix.width),
            accuracy_level=4,  # int8 products; 0, the default, unpacks to float32 and is fifty times slower
        )

    def store_table(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        return self.store(builder, name, values)

    def look_up(self, builder: Builder, table: Matrix, rows: str) -> str:
        name = f"{table.name}_found"
        builder.constant(f"{name}_last_axis", np.array([-1]))
        builder.constant(f"{name}_shape", np.array([0, 0, -1]))
        builder.add("Gather", table.name, rows, outputs=f"{name}_bytes")
        builder.add("Gather", f"{table.name}_scales", rows, outputs=f"{name}_scales")
        centred = self._weights(builder, name, f"{name}_bytes")
        builder.add("Unsqueeze", f"{name}_scales", f"{name}_last_axis", outputs=f"{name}_block_scales")
        builder.add("Mul", centred, f"{name}_block_scales", outputs=f"{name}_blocks")
        if table.width % self.block(table.width) == 0:
            return builder.add("Reshape", f"{name}_blocks", f"{name}_shape", outputs=name)
        builder.add("Reshape", f"{name}_blocks", f"{name}_shape", outputs=f"{name}_padded")
        builder.constant(f"{name}_start", np.array([0]))
        builder.constant(f"{name}_end", np.array([table.width]))
        ends = (f"{name}_start", f"{name}_end", f"{name}_last_axis")
        return builder.add("Slice", f"{name}_padded", *ends, outputs=name)

    def _weights(self, builder: Builder, name: str, stored: str) -> str:
        """Restore looked-up weights [a, b, blocks, bytes] without their scales: float32 [a, b, blocks, block]."""
        builder.constant(f"{name}_zero_point", np.array(ZERO_POINT, np.float32))
        builder.add("Cast", stored, outputs=f"{name}_floats", to=TensorProto.FLOAT)
        return builder.add("Sub", f"{name}_floats", f"{name}_zero_point", outputs=f"{name}_centred")

    def score(self, builder: Builder, table: Matrix, bias: str, features: str, outputs: str = "logits") -> str:
        return self.multiply(builder, table, features, bias, outputs)


class Int4Arithmetic(Int8Arithmetic):
    """4-bit weights, two in a byte, in blocks of `BLOCK_4`; otherwise as `Int8Arithmetic`."""

    precision = "int4"
    bits = 4

    def block(self, width: int) -> int:
        return BLOCK_4

    def store(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        weights, scales = quantize_blocks_4(values, BLOCK_4)
        builder.constant(name, weights[..., 0::2] | weights[..., 1::2] << 4)
        builder.constant(f"{name}_scales", scales)
        return Matrix(name, values)

    def _weights(self, builder: Builder, name: str, stored: str) -> str:
        for part, value in (("sixteen", 16.0), ("zero_point", 8.0)):
            builder.constant(f"{name}_{part}", np.array(value, np.float32))
        builder.constant(f"{name}_pair_axis", np.array([-1]))
        builder.constant(f"{name}_pairs_shape", np.array([0, 0, 0, -1]))
        builder.add("Cast", stored, outputs=f"{name}_floats", to=TensorProto.FLOAT)
        builder.add("Div", f"{name}_floats", f"{name}_sixteen", outputs=f"{name}_sixteenths")
        builder.add("Floor", f"{name}_sixteenths", outputs=f"{name}_high")
        builder.add("Mod", f"{name}_floats", f"{name}_sixteen", outputs=f"{name}_low", fmod=1)
        for half in ("low", "high"):
            builder.add("Unsqueeze", f"{name}_{half}", f"{name}_pair_axis", outputs=f"{name}_{half}_column")
        builder.add("Concat", f"{name}_low_column", f"{name}_high_column", outputs=f"{name}_pairs", axis=-1)
        builder.add("Reshape", f"{name}_pairs", f"{name}_pairs_shape", outputs=f"{name}_unpacked")
        return builder.add("Sub", f"{name}_unpacked", f"{name}_zero_point", outputs=f"{name}_centred")


def int8_graph(model: LanguageModel) -> onnx.ModelProto:
    """Build the step graph in int8, for CPUs."""
    return build(model, Int8Arithmetic())


def int4_graph(model: LanguageModel) -> onnx.ModelProto:
    """Build the step graph with 4-bit weights: about half the bytes of `int8_graph`, at a cost in quality."""
    return build(model, Int4Arithmetic())
