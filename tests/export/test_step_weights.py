"""The weights that one step reads: counted at export, written into the manifest, read by the benchmark."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from foretype.export.graph.step_weights import step_weight_bytes
from foretype.runtime import BUNDLES, load
from foretype.runtime.bench.trial import ColdStart, run_trial
from foretype.runtime.files.bundle import MANIFEST, STEP
from foretype.runtime.files.finding import BUNDLED

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


def test_rows_of_a_table_do_not_count_and_bodies_do() -> None:
    assert step_weight_bytes(small_graph()) == 8 * 4 * 4 + 4 + 4


@pytest.mark.parametrize("name", [name for name in BUNDLES if (BUNDLED / name / STEP).exists()])
def test_the_bundled_models_say_what_their_steps_read(name: str) -> None:
    bundle = load(name).bundle
    assert bundle.manifest["files"][STEP]["step_weight_bytes"] == step_weight_bytes(onnx.load(bundle.folder / STEP))


@pytest.mark.parametrize("size", [None, "many", 0, 2.5, 10**15])
def test_a_bundle_that_does_not_say_it_has_no_floor(tiny_bundle: Path, tmp_path: Path, size: Any) -> None:
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = json.loads((folder / MANIFEST).read_text())
    entry = manifest["files"][STEP]
    assert entry["step_weight_bytes"] == step_weight_bytes(onnx.load(folder / STEP))
    entry["step_weight_bytes"] = size
    (folder / MANIFEST).write_text(json.dumps(manifest))
    trial = run_trial(load(folder), ColdStart(1, 1, 1, 1, None), 0.01)
    assert (trial.floor is None) == (len(trial.batches) > 0)
