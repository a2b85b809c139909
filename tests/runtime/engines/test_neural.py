"""The neural engine: states are values, and whatever is wrong with a graph or provider is one clear line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("torch", reason="the extra `train` is not installed")

import onnx
import torch
from onnx import helper

from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import int8_graph
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import EngineError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

CONFIG = ModelConfig(vocab_size=40, embedding_size=16, hidden_size=24, layers=2)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(CONFIG)


@pytest.fixture
def graph(model: LanguageModel) -> onnx.ModelProto:
    return float_graph(model)


@pytest.fixture(scope="module", params=[float_graph, int8_graph])
def path(request: pytest.FixtureRequest, model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "step.onnx"
    save(request.param(model), path)
    return path


def test_model_describes_itself(path: Path) -> None:
    """Sizes, metadata and the provider in use can be read from the open model."""
    model = NeuralModel.open(path)
    assert (model.vocab_size, model.layers, model.hidden_size, model.provider) == (40, 2, 24, "cpu")
    assert model.metadata.architecture == "lstm"
    assert model.metadata.special_tokens["</s>"] == 2
    assert [part.shape for part in model.initial_state()] == [(2, 1, 24), (2, 1, 24)]


def test_states_are_values(path: Path) -> None:
    """A kept state gives the same scores whatever was run since, and nobody can write into it."""
    model = NeuralModel.open(path)
    _, state = model.run([5, 6], model.initial_state())
    first, _ = model.run([7], state)
    first = first.copy()
    model.run([8, 9, 10], state)
    again, _ = model.run([7], state)
    np.testing.assert_array_equal(first, again)
    assert not any(part.any() for part in model.initial_state())
    for part in (*state, *model.initial_state()):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


def test_scores_belong_to_the_caller(path: Path) -> None:
    """Logits are float32 [vocab] and may be changed in place without touching later ones."""
    model = NeuralModel.open(path)
    logits, _ = model.run([5], model.initial_state())
    assert logits.shape == (40,)
    assert logits.dtype == np.float32
    expected = logits.copy()
    logits[:] = 0
    np.testing.assert_array_equal(model.run([5], model.initial_state())[0], expected)


def test_threads_share_a_model(path: Path) -> None:
    """Concurrent runs give what runs in turn give."""
    model = NeuralModel.open(path, threads=2)
    texts = [[text % 40, (3 * text) % 40] for text in range(40)]
    in_turn = [model.run(ids, model.initial_state())[0] for ids in texts]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda ids: model.run(ids, model.initial_state())[0], texts))
    np.testing.assert_array_equal(at_once, in_turn)


@pytest.mark.parametrize("provider", ["cpu", "auto", "CPUExecutionProvider"])
def test_provider_names(path: Path, provider: str) -> None:
    """Short names, ONNX Runtime's own names and "auto" are all understood."""
    assert NeuralModel.open(path, provider=provider).provider in ("cpu", "cuda")


def test_unknown_provider_is_answered_with_the_legal_ones(path: Path) -> None:
    with pytest.raises(EngineError, match=r"provider 'abacus' is not available; .* offers: auto, .*cpu"):
        NeuralModel.open(path, provider="abacus")


def test_threads_must_be_positive(path: Path) -> None:
    with pytest.raises(EngineError, match="threads is 0; it must be at least 1"):
        NeuralModel.open(path, threads=0)


@pytest.mark.parametrize("content", [None, b"", b"not a graph"])
def test_missing_or_damaged_file(tmp_path: Path, content: bytes | None, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that is absent, empty or something else: one line that names it, nothing on the terminal."""
    path = tmp_path / "step.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError) as caught:
        NeuralModel.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_truncated_file(path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(EngineError, match=r"cut\.onnx"):
        NeuralModel.open(cut)


def without_metadata(graph: onnx.ModelProto) -> None:
    del graph.metadata_props[:]


def with_property(key: str, value: str) -> Callable[[onnx.ModelProto], None]:
    def change(graph: onnx.ModelProto) -> None:
        properties = {entry.key: entry.value for entry in graph.metadata_props}
        del graph.metadata_props[:]
        helper.set_model_props(graph, {**properties, key: value})

    return change


def with_float_ids(graph: onnx.ModelProto) -> None:
    graph.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT32


def without_cell_output(graph: onnx.ModelProto) -> None:
    del graph.graph.output[2]


def with_fixed_batch(graph: onnx.ModelProto) -> None:
    graph.graph.input[1].type.tensor_type.shape.dim[1].dim_value = 1


def with_unknown_state_part(graph: onnx.ModelProto) -> None:
    graph.graph.input[2].name = "memory"
    for node in graph.graph.node:
        node.input[:] = ["memory" if name == "cell" else name for name in node.input]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_metadata, "the metadata lacks 'architecture'"),
        (with_property("format_version", "2"), "format_version is 2; expected 1"),
        (with_property("layers", "two"), "metadata 'layers' is 'two'; it must be a whole number"),
        (with_property("vocab_size", "41"), r"logits is .*; expected tensor\(float\) \[any, 41\]"),
        (with_property("precision", "int3"), "precision is 'int3'; choose from float32, int8"),
        (with_property("special_tokens", "[]"), "'special_tokens' is '\\[\\]'; it must be a JSON object"),
        (with_float_ids, r"input_ids is tensor\(int32\)"),
        (without_cell_output, "outputs are logits, hidden_out; expected logits, hidden_out, cell_out"),
        (with_unknown_state_part, "inputs are input_ids, hidden, memory; expected input_ids, hidden"),
        (with_fixed_batch, r"hidden is .*; expected tensor\(float\) \[2, any, 24\]"),
    ],
)
def test_graph_that_breaks_the_contract(
    graph: onnx.ModelProto, tmp_path: Path, change: Callable[[onnx.ModelProto], None], reason: str
) -> None:
    """A graph that ONNX Runtime can load but the engine cannot use is refused with what is wrong in it."""
    change(graph)
    save(graph, tmp_path / "step.onnx")
    with pytest.raises(EngineError, match=rf"step\.onnx: not a step graph of this version: .*{reason}"):
        NeuralModel.open(tmp_path / "step.onnx")


@pytest.mark.parametrize("ids", [[], [-1], [3, 40]])
def test_illegal_token_ids(path: Path, ids: list[int]) -> None:
    model = NeuralModel.open(path)
    with pytest.raises(EngineError, match=r"expected one or more of 0 \.\. 39"):
        model.run(ids, model.initial_state())


def test_state_of_another_model(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A failing call is an EngineError that names the graph, and nothing reaches the terminal."""
    model = NeuralModel.open(path)
    wrong = tuple(np.zeros((2, 1, 23), np.float32) for _ in range(2))
    with pytest.raises(EngineError, match=r"step\.onnx: running it failed"):
        model.run([5], wrong)
    assert capfd.readouterr() == ("", "")


def test_onnxruntime_is_imported_late() -> None:
    """Importing the engine costs nothing where ONNX Runtime is missing or not needed."""
    code = "import sys, foretype.runtime.engines.step_graph; sys.exit('onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_onnxruntime_is_an_engine_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ONNX Runtime the engine says so, so that another may take over."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match="ONNX Runtime cannot be imported"):
        NeuralModel.open(path)
