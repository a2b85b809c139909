"""The step graphs, float and int8, say what their checkpoint says, and keep the contract of `step.onnx`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from graphs import StepGraph, language_model

from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import int8_graph, quantize_blocks, restore_blocks
from foretype.export.verify import LIMITS, Verification, verify
from foretype.runtime.engines.step_graph import GraphMetadata, NeuralModel
from foretype.runtime.errors import ExportError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

torch.set_num_threads(1)  # handing these tiny products to more threads costs more than it saves

Build = Callable[[LanguageModel], onnx.ModelProto]
Trained = tuple[LanguageModel, np.ndarray]


@pytest.mark.parametrize("build", [float_graph, int8_graph])
def test_contract(build: Build) -> None:
    """Names, types, shapes and metadata are those that programs in other languages rely on."""
    config = ModelConfig(vocab_size=50, embedding_size=16, hidden_size=24, layers=2)
    session = StepGraph(build(language_model(config))).session
    state = [2, "batch", 24]
    assert [(value.name, value.type, value.shape) for value in session.get_inputs()] == [
        ("input_ids", "tensor(int64)", ["batch", "steps"]),
        ("hidden", "tensor(float)", state),
        ("cell", "tensor(float)", state),
    ]
    assert [(value.name, value.type, value.shape) for value in session.get_outputs()] == [
        ("logits", "tensor(float)", ["batch", 50]),
        ("hidden_out", "tensor(float)", state),
        ("cell_out", "tensor(float)", state),
    ]
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties.pop("special_tokens")) == {
        "<unk>": 0,
        "<s>": 1,
        "</s>": 2,
        "<num>": 3,
        "<link>": 4,
    }
    assert properties == {
        "architecture": "lstm",
        "vocab_size": "50",
        "layers": "2",
        "hidden_size": "24",
        "precision": "float32" if build is float_graph else "int8",
        "format_version": "1",
    }


def test_metadata_survive_the_file() -> None:
    """What is written as ONNX metadata reads back the same."""
    metadata = GraphMetadata("lstm", 50, 2, 24, "int8", {"<unk>": 0})
    assert GraphMetadata.from_properties(metadata.to_properties()) == metadata


@pytest.mark.parametrize(("build", "weight_bytes"), [(float_graph, 4), (int8_graph, 1)])
def test_word_table_is_stored_once(build: Build, weight_bytes: int) -> None:
    """Input and head share the table: the file holds it once, in the precision of the graph."""
    config = ModelConfig(vocab_size=5000, embedding_size=64, hidden_size=64)
    size = len(build(language_model(config)).SerializeToString())
    table = config.vocab_size * config.embedding_size * weight_bytes
    assert table < size < 1.5 * table


def test_rounding_error_is_at_most_half_a_step() -> None:
    """Every weight comes back within half its block's scale, in padded and all-zero blocks too."""
    matrix = np.random.default_rng(0).normal(size=(7, 70)).astype(np.float32)
    matrix[3] = 0
    weights, scales = quantize_blocks(matrix, block=32)
    assert weights.shape == (7, 3, 32)
    restored = ((weights.astype(np.float32) - 128) * scales[..., None]).reshape(7, -1)
    assert (np.abs(restored[:, :70] - matrix) <= np.repeat(scales, 32, axis=1)[:, :70] * 0.501).all()
    assert not restored[:, 70:].any()


@pytest.mark.parametrize("block", [16, 32, 64])
def test_a_block_uses_all_of_its_8_bits(block: int) -> None:
    """The largest weight of a block is 127 steps from zero, so that no weight is off by more than 1/254 of it."""
    matrix = np.random.default_rng(0).normal(size=(9, 3 * block)).astype(np.float32)
    largest = np.abs(matrix).reshape(9, 3, block).max(axis=2)
    weights, scales = quantize_blocks(matrix, block)
    assert (np.abs(weights.astype(int) - 128).max(axis=2) == 127).all()
    error = np.abs(restore_blocks(weights, scales) - matrix).reshape(9, 3, block).max(axis=2)
    assert (error <= largest / 254 * 1.001).all()


def test_weight_map_must_match_exactly() -> None:
    """A tensor that is missing, unknown or of another shape ends the export: never a wrong graph."""
    model = language_model(ModelConfig(30, 8, 8))
    model.output_bias = torch.nn.Parameter(torch.zeros(29))
    with pytest.raises(ExportError, match=r"output_bias is \[29\]; expected \[30\]"):
        float_graph(model)
    del model.output_bias
    with pytest.raises(ExportError, match="has no tensor output_bias"):
        int8_graph(model)
    model = language_model(ModelConfig(30, 8, 8))
    model.gate = torch.nn.Linear(8, 8, bias=False)
    with pytest.raises(ExportError, match=r"does not use these tensors of the model: gate\.weight"):
        float_graph(model)


@pytest.fixture(scope="module")
def trained() -> Trained:
    """A model that has learnt a text of its own (each token tells the next), and that text."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    successors = rng.integers(0, 300, (300, 4))
    text = [0]
    for _ in range(6000):
        text.append(int(rng.choice(successors[text[-1]], p=[0.5, 0.3, 0.15, 0.05])))
    ids = torch.tensor(text)
    model = LanguageModel(ModelConfig(vocab_size=300, embedding_size=64, hidden_size=64))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(60):
        start = 100 * step % 5000
        rows = torch.stack([ids[start + 32 * row : start + 32 * row + 33] for row in range(30)], dim=1)
        features, _ = model(rows[:-1], model.zero_state(30))
        loss = torch.nn.functional.cross_entropy(model.logits(features).flatten(0, 1), rows[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, ids.numpy().astype(np.uint16)


@pytest.mark.parametrize("build", [float_graph, int8_graph])
def test_faithful_graph_passes_verification(build: Build, trained: Trained, tmp_path: Path) -> None:
    """Each graph of a trained model is within the limits of its precision, and the figures are plain JSON."""
    model, ids = trained
    save(build(model), tmp_path / "step.onnx")
    figures = verify(model, tmp_path / "step.onnx", ids, positions=1000)
    figures.check()
    assert figures.positions == 1000
    assert json.loads(json.dumps(figures.to_json())).keys() > asdict(figures).keys()


def test_perplexity_is_torchs(trained: Trained, tmp_path: Path) -> None:
    """The perplexity reported for checkpoint and float graph is what torch's cross entropy gives."""
    model, ids = trained
    save(float_graph(model), tmp_path / "step.onnx")
    text = torch.from_numpy(ids[:101].astype(np.int64))
    with torch.no_grad():
        features, _ = model(text[:-1, None], model.zero_state(1))
        expected = torch.nn.functional.cross_entropy(model.logits(features[:, 0]), text[1:]).exp().item()
    figures = verify(model, tmp_path / "step.onnx", ids, positions=100)
    assert figures.checkpoint_perplexity == pytest.approx(expected, rel=1e-5)
    assert figures.graph_perplexity == pytest.approx(expected, rel=1e-4)


def test_altered_graph_fails_verification(trained: Trained, tmp_path: Path) -> None:
    """A graph with one gate's weights swapped is caught, though it loads and runs."""
    model, ids = trained
    graph = int8_graph(model)
    weights = next(tensor for tensor in graph.graph.initializer if tensor.name == "hidden_weight_0")
    weights.raw_data = weights.raw_data[::-1]
    save(graph, tmp_path / "step.onnx")
    figures = verify(model, tmp_path / "step.onnx", ids, positions=200)
    with pytest.raises(ExportError, match=r"top-3 agreement is .*; must be at least 85\.00%"):
        figures.check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"top3_agreement": 0.8}, "top-3 agreement is 80.00%; must be at least 85.00%"),
        ({"graph_perplexity": 101.0}, r"perplexity changes by \+1.000% \(100.00 to 101.00\)"),
        ({"graph_perplexity": float("nan")}, "perplexity"),
        ({"stepping_difference": 0.2}, "differ by 0.2; must be at most 0.1"),
    ],
)
def test_each_limit_is_enforced(change: dict[str, Any], message: str) -> None:
    """Every figure beyond its limit fails with a line that names both."""
    good = Verification("int8", 100, 0.99, 0.98, 0.1, 100.0, 100.1, 0.0)
    good.check(LIMITS["int8"])
    with pytest.raises(ExportError, match=message):
        replace(good, **change).check()


def test_text_of_another_vocabulary_is_refused(trained: Trained, tmp_path: Path) -> None:
    """Ids that the model cannot know end the verification with a clear line."""
    model, _ = trained
    save(float_graph(model), tmp_path / "step.onnx")
    with pytest.raises(ExportError, match=r"token ids 5 to 300; must be 0 to 299"):
        verify(model, tmp_path / "step.onnx", np.array([5, 300, 7], np.uint16))


def test_graph_of_another_checkpoint_is_refused(trained: Trained, tmp_path: Path) -> None:
    """A graph with another vocabulary is not compared."""
    model, ids = trained
    save(float_graph(language_model(ModelConfig(30, 8, 8))), tmp_path / "step.onnx")
    with pytest.raises(ExportError, match="has 30 words; the checkpoint has 300"):
        verify(model, tmp_path / "step.onnx", ids)


def test_saved_graph_replaces_the_old_one_whole(tmp_path: Path) -> None:
    """Nothing but the finished file is left behind, and the runtime opens it."""
    path = tmp_path / "step.onnx"
    path.write_text("old")
    save(float_graph(language_model(ModelConfig(30, 8, 8))), path)
    assert list(tmp_path.iterdir()) == [path]
    assert NeuralModel.open(path).vocab_size == 30
