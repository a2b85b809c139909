"""4-bit step graphs: what is stored, what they compute, and what `foretype export --bits 4` says about them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from graphs import StepGraph, language_model, random_state

from foretype.export.graph.build import FloatArithmetic, build
from foretype.export.graph.builder import Builder, FloatArray, Matrix
from foretype.export.graph.quantise import BLOCK_4, int4_graph, int8_graph, quantize_blocks_4
from foretype.export.graph.step_weights import step_weight_bytes
from foretype.runtime import load
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.bundle import MANIFEST, STEP
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.from_bundle import start_from_bundle
from foretype.train.text.tokenizer import load_text_form
from foretype.tui.cli import run

torch.set_num_threads(1)

CONFIGS = {
    "lstm": ModelConfig(130, 32, 64),
    "widths that fill no blocks": ModelConfig(130, 40, 24, layers=2),
    "wide cell": ModelConfig(130, 32, 32, cell_size=67),
    "untied mogrifier": ModelConfig(130, 48, 32, architecture="mogrifier", tied=False),
    "mingru": ModelConfig(130, 32, 48, architecture="mingru", layers=2, connections="residual"),
}


def rounded(values: FloatArray) -> FloatArray:
    weights, scales = quantize_blocks_4(values, BLOCK_4)
    blocks: FloatArray = (weights.astype(np.float32) - 8) * scales[..., None]
    return np.ascontiguousarray(blocks.reshape(len(values), -1)[:, : values.shape[1]])


class Rounded(FloatArithmetic):
    """Float arithmetic with the weights of a 4-bit graph."""

    recurrent_operators = False

    def store(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        return super().store(builder, name, rounded(values))

    def store_table(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        return super().store_table(builder, name, rounded(values))


def test_every_weight_is_within_half_a_step() -> None:
    """Eight steps lie on the side of the largest weight of a block, seven on the other, where a value may be cut."""
    matrix = np.random.default_rng(0).normal(size=(9, 70)).astype(np.float32)
    matrix[3] = 0
    weights, scales = quantize_blocks_4(matrix, 32)
    assert weights.shape == (9, 3, 32)
    assert (weights.min(axis=2) == 0)[scales != 0].all(), "the largest weight takes the eighth step"
    assert weights.max() <= 15
    step = np.repeat(np.abs(scales), 32, axis=1)[:, :70]
    beyond = np.repeat(-7.5 * scales, 32, axis=1)[:, :70]
    cut = np.where(beyond > 0, matrix < -beyond, matrix > -beyond)
    error = np.abs(rounded(matrix) - matrix)
    assert (error <= np.where(cut, step * 1.001, step * 0.501)).all()
    assert not rounded(matrix)[3].any()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_graph_computes_with_the_rounded_weights(config: ModelConfig) -> None:
    """Packed weights are unpacked in their order, for products and for rows of the word table; text may be cut."""
    model = language_model(config)
    ids = np.random.default_rng(0).integers(0, 130, (2, 7))
    state = tuple(part.numpy() for part in random_state(config, 2))
    graph = StepGraph(int4_graph(model))
    expected, after = StepGraph(build(model, Rounded())).feed(ids, state)
    logits, found = graph.feed(ids, state)
    stepped, _ = graph.feed_one_by_one(ids, state)
    for part, wanted in zip((logits, stepped, *found), (expected, expected, *after), strict=True):
        np.testing.assert_allclose(part, wanted, atol=0.2)
    np.testing.assert_allclose(stepped, logits, atol=0.1)


def test_it_takes_five_eighths_of_a_byte_a_weight() -> None:
    model = language_model(ModelConfig(5000, 96, 96, cell_size=512))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert step_weight_bytes(int4_graph(model)) < 0.67 * parameters < 0.67 * step_weight_bytes(int8_graph(model))


def test_export_prints_and_records_the_cost(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a row for each precision; the bundle works, and says what it is."""
    bundle = tmp_path / "four"
    assert run(["export", str(tiny_run), "--out", str(bundle), "--bits", "4"]) == 0
    out = capsys.readouterr().out
    assert "int4 against the checkpoint" in out
    assert {"weights", "int8", "int4"} <= {line.split()[0] for line in out.splitlines() if line.strip()}
    costs = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))["figures"]["costs"]
    assert costs["int4"]["bytes"] == (bundle / STEP).stat().st_size < costs["int8"]["bytes"]
    assert costs["int4"]["perplexity"] != costs["int8"]["perplexity"]
    for cost in costs.values():
        assert 0 < cost["keystroke_savings"] < 100
        assert cost["step_microseconds"] > 0
    model = load(bundle)
    assert model.info()["precision"] == "int4"
    assert model.session().suggest("the ", k=1)
    with pytest.raises(ConfigError, match="does not have int8 weights"):
        start_from_bundle(LanguageModel(ModelConfig(10, 8, 8)), load_text_form(tiny_run), bundle)


def test_other_precisions_are_refused(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(tiny_run), "--out", str(tmp_path / "three"), "--bits", "3"]) == 2
    assert "3; choose from 4, 8" in capsys.readouterr().err
