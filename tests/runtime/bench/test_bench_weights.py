"""The weights that one step reads: counted as the onnx package would, and no damaged file hurts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="the extra `train` is not installed")

import onnx
from onnx import TensorProto, helper, numpy_helper

from foretype.runtime.bench.weights import step_weight_bytes
from foretype.runtime.files.bundle import STEP

FLOAT = TensorProto.FLOAT


def small_graph() -> onnx.ModelProto:
    """An embedding that is looked up, a matrix in a branch's body, packed 4-bit weights, and a weight nobody reads."""
    branch = helper.make_graph(
        [helper.make_node("MatMul", ["rows", "inner"], ["y"])],
        "branch",
        [],
        [helper.make_tensor_value_info("y", 1, None)],
    )
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["rows"]),
        helper.make_node("If", ["choice"], ["out"], then_branch=branch, else_branch=branch),
        helper.make_node("DequantizeLinear", ["packed", "scale"], ["unused"]),
    ]
    weights = [
        numpy_helper.from_array(np.zeros((1000, 8), np.float32), "embedding"),
        numpy_helper.from_array(np.zeros((8, 4), np.float32), "inner"),
        helper.make_tensor("packed", TensorProto.INT4, [7], [1] * 7),
        numpy_helper.from_array(np.ones((), np.float32), "scale"),
        numpy_helper.from_array(np.zeros(500, np.float32), "unread"),
    ]
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("choice", TensorProto.BOOL, []),
    ]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("out", FLOAT, None)], weights)
    return helper.make_model(graph)


def test_rows_of_a_table_do_not_count_and_bodies_do(tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    onnx.save(small_graph(), path)
    assert step_weight_bytes(path) == 8 * 4 * 4 + 4 + 4


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """`graph` and the bodies inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def test_a_real_graph_is_counted_as_the_onnx_package_reads_it(tiny_bundle: Path) -> None:
    parts = list(graphs(onnx.load(tiny_bundle / STEP).graph))
    nodes = [node for part in parts for node in part.node]
    read = {name for node in nodes for name in node.input[1 if node.op_type == "Gather" else 0 :]}
    sizes = {weight.name: numpy_helper.to_array(weight).nbytes for part in parts for weight in part.initializer}
    assert step_weight_bytes(tiny_bundle / STEP) == sum(size for name, size in sizes.items() if name in read)


@given(st.data())
def test_a_damaged_file_is_a_value_error_or_a_number(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(small_graph().SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(ValueError):
        assert step_weight_bytes(path) >= 0
