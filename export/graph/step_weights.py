"""How many bytes of weights one step of a graph must read."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import numpy_helper

_ROW_READERS = ("Gather", "GatherND", "GatherElements", "GatherBlockQuantized")
"""Operators that read only some rows of their first input."""


def step_weight_bytes(model: onnx.ModelProto) -> int:
    """Bytes of the initializers of `model` that one step reads.

    Each initializer that a node reads counts once, whole. Tables that are only looked up by row, such as an embedding
    that no output head shares, do not count: a step reads one row of them.
    """
    graphs = list(_graphs(model.graph))
    read = {
        name
        for graph in graphs
        for node in graph.node
        for name in (node.input[1:] if node.op_type in _ROW_READERS else node.input)
    }
    return sum(_bytes(weight) for graph in graphs for weight in graph.initializer if weight.name in read)


def _bytes(weight: onnx.TensorProto) -> int:
    # numpy_helper unpacks 4-bit numbers, two of which share a byte.
    four_bits = weight.data_type in (onnx.TensorProto.INT4, onnx.TensorProto.UINT4, onnx.TensorProto.FLOAT4E2M1)
    values = numpy_helper.to_array(weight)
    return (values.size + 1) // 2 if four_bits else values.nbytes


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """`graph` and the bodies of loops and branches inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                if body.node:
                    yield from _graphs(body)
