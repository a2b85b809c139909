"""Every architecture as a step graph, float and int8: what the checkpoint says, however the text is cut."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from graphs import StepGraph, language_model, random_state

from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import block_size, int8_graph
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

torch.set_num_threads(1)  # handing these tiny products to more threads costs more than it saves

VOCABULARY = 130
BASE: dict[str, Any] = {"vocab_size": VOCABULARY, "embedding_size": 32, "hidden_size": 48}


def configurations() -> list[Any]:
    """Each architecture alone and stacked in each way, with and without projection, tied and untied."""
    found: dict[str, dict[str, Any]] = {}
    for tied, hidden in product((True, False), (32, 48)):
        name = ("tied" if tied else "untied") + (" projected" if hidden != 32 else "")
        found[f"window {name}"] = {"architecture": "window", "hidden_size": hidden, "tied": tied, "window": 4}
    for architecture in ("rnn", "gru", "lstm", "cifg", "peephole", "mogrifier", "mingru"):
        for layers, connections in [(1, "none"), *product((2, 3), ("none", "residual", "dense", "highway"))]:
            # Every second one without projection, every third untied: each pair occurs with each architecture.
            number = len(found)
            found[f"{architecture} x{layers} {connections}"] = {
                "architecture": architecture,
                "layers": layers,
                "connections": connections,
                "hidden_size": 48 if number % 2 or connections == "dense" else 32,
                "tied": number % 3 > 0,
            }
    for architecture in ("lstm", "cifg", "peephole", "mogrifier"):
        found[f"{architecture} wide cell"] = {"architecture": architecture, "hidden_size": 32, "cell_size": 67}
        found[f"{architecture} x4 wide cell"] = {
            "architecture": architecture,
            "cell_size": 67,
            "layers": 4,
            "connections": "highway",
        }
    found["lstm, cell size given"] = {"architecture": "lstm", "cell_size": 48}
    found["mogrifier, even rounds"] = {"architecture": "mogrifier", "mogrifier_rounds": 2, "mogrifier_rank": 7}
    found["gru adaptive"] = {"architecture": "gru", "head": "adaptive"}
    found["window adaptive"] = {"architecture": "window", "head": "adaptive", "window": 2}
    found["rnn maxent"] = {"architecture": "rnn", "maxent_bits": 12, "maxent_order": 4}
    found["lstm x2 maxent"] = {"architecture": "lstm", "layers": 2, "maxent_bits": 10, "maxent_order": 2}
    found["window maxent"] = {"architecture": "window", "maxent_bits": 11, "maxent_order": 5}
    found["lstm classes"] = {"architecture": "lstm", "head": "classes"}
    found["gru untied classes"] = {"architecture": "gru", "head": "classes", "tied": False, "classes": 7}
    found["maxent"] = {"architecture": "maxent", "maxent_bits": 12, "maxent_order": 3}
    nine = {"maxent_bits": 12, "maxent_order": 9, "maxent_skip": True, "head": "classes"}
    found["maxent of order 9, skip, classes"] = {"architecture": "maxent", **nine}
    found["rnn maxent of order 9, skip, classes"] = {"architecture": "rnn", **nine}
    return [pytest.param(ModelConfig(**BASE | settings), id=name) for name, settings in found.items()]


CONFIGS = configurations()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("batch", [1, 2])
def test_float_graph_is_the_model(config: ModelConfig, batch: int) -> None:
    """From any state: scores after the last step and the state after are torch's, at once and step by step."""
    model = language_model(config)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (batch, 7))
    state = random_state(config, batch)
    features, after = model(torch.from_numpy(ids.T), state)
    expected = (model.logits(features[-1]), *after)
    graph = StepGraph(float_graph(model))
    start = tuple(part.numpy() for part in state)
    for logits, found in (graph.feed(ids, start), graph.feed_one_by_one(ids, start)):
        for value, wanted in zip((logits, *found), expected, strict=True):
            np.testing.assert_allclose(value, wanted, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
def test_int8_graph_is_near_the_model(config: ModelConfig) -> None:
    """Rounding moves scores by little, at once and step by step, whatever the widths are."""
    model = language_model(config)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (2, 7))
    state = random_state(config, 2)
    features, after = model(torch.from_numpy(ids.T), state)
    expected = model.logits(features[-1])
    graph = StepGraph(int8_graph(model))
    start = tuple(part.numpy() for part in state)
    at_once, found = graph.feed(ids, start)
    stepped, _ = graph.feed_one_by_one(ids, start)
    for logits in (at_once, stepped):
        assert np.abs(logits - expected.numpy()).max() < 0.2
    np.testing.assert_allclose(stepped, at_once, atol=0.1)
    for part, wanted in zip(found, after, strict=True):
        np.testing.assert_allclose(part, wanted, atol=0.1)


@pytest.mark.parametrize("build", [float_graph, int8_graph])
@pytest.mark.parametrize("config", CONFIGS)
def test_runtime_runs_each(
    config: ModelConfig, build: Callable[[LanguageModel], onnx.ModelProto], tmp_path: Path
) -> None:
    """The engine opens every graph and steps it from its zero state to the same scores as torch."""
    model = language_model(config)
    save(build(model), tmp_path / "step.onnx")
    neural = NeuralModel.open(tmp_path / "step.onnx")
    assert neural.metadata.architecture == config.architecture
    assert neural.hidden_size == config.state_sizes["hidden"]
    state = neural.initial_state()
    assert [part.shape for part in state] == [(config.layers, 1, size) for size in config.state_sizes.values()]
    for word in (5, 9, 7):
        logits, state = neural.run([word], state)
    features, _ = model(torch.tensor([[5], [9], [7]]), model.zero_state(1))
    np.testing.assert_allclose(logits, model.logits(features[-1])[0], atol=1e-4 if build is float_graph else 0.2)


@pytest.mark.parametrize(
    ("width", "block"), [(256, 64), (640, 64), (670, 64), (128, 64), (96, 32), (32, 32), (24, 32), (48, 16), (16, 16)]
)
def test_blocks_are_chosen_by_bytes(width: int, block: int) -> None:
    """Widths that fill no whole blocks of 64 are not padded with a third of zeros."""
    assert block_size(width) == block


def test_phone_keyboard_model_is_small() -> None:
    """The CIFG of phone keyboards, 1.4 million parameters, takes hardly more bytes than it has parameters."""
    model = language_model(ModelConfig(10_000, 96, 96, architecture="cifg", cell_size=670))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert 1_400_000 < parameters < 1_450_000
    assert len(int8_graph(model).SerializeToString()) < 1.17 * parameters
