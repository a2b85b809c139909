"""Batches: every context gets the scores and the state that it would get alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("torch", reason="the extra `train` is not installed")

import torch
from numpy.typing import NDArray

from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import int8_graph
from foretype.runtime import EngineError
from foretype.runtime.engines.step_graph import NeuralModel, State
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig


@pytest.fixture(scope="module", params=[(float_graph, "lstm"), (int8_graph, "lstm"), (int8_graph, "gru")])
def neural(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NeuralModel:
    graph, architecture = request.param
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=50, embedding_size=16, hidden_size=32, layers=2, architecture=architecture)
    path = tmp_path_factory.mktemp("graph") / "step.onnx"
    save(graph(LanguageModel(config)), path)
    return NeuralModel.open(path)


def batch_of(states: list[State]) -> State:
    """States of single texts, each part [layers, 1, size], as one state of a batch."""
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*states, strict=True))


def test_a_batch_gives_what_single_runs_give(neural: NeuralModel) -> None:
    draw = np.random.default_rng(0)
    singles = [neural.initial_state()] * 9
    states = batch_of(singles)
    for steps in (1, 16, 3):
        ids = draw.integers(50, size=(9, steps))
        logits, states = neural.run_batch(ids, states)
        assert logits.shape == (9, 50)
        for row, path in enumerate(ids.tolist()):
            expected, singles[row] = neural.run(path, singles[row])
            np.testing.assert_allclose(logits[row], expected, atol=1e-4)
            for part, single in zip(states, singles[row], strict=True):
                np.testing.assert_allclose(part[:, row : row + 1], single, atol=1e-4)


@pytest.mark.parametrize(
    ("ids", "complaint"),
    [
        (np.zeros((1, 0), np.int64), "token ids of shape \\(1, 0\\)"),
        (np.zeros(3, np.int64), "token ids of shape \\(3,\\)"),
        (np.array([[1], [50]]), "expected \\[batch, steps\\] of 0 \\.\\. 49"),
    ],
)
def test_ids_that_make_no_batch_are_refused(neural: NeuralModel, ids: NDArray[np.int64], complaint: str) -> None:
    with pytest.raises(EngineError, match=complaint):
        neural.run_batch(ids, neural.initial_state())


def test_the_bundled_graph_gives_what_single_runs_give(tiny_bundle: Path) -> None:
    """The int8 graph with finely scored words too: company changes nothing."""
    neural = NeuralModel.open(tiny_bundle / "step.onnx")
    ids = np.random.default_rng(1).integers(neural.vocab_size, size=(32, 16))
    logits, _ = neural.run_batch(ids, batch_of([neural.initial_state()] * 32))
    for row in (0, 17, 31):
        np.testing.assert_allclose(logits[row], neural.run(ids[row].tolist(), neural.initial_state())[0], atol=1e-4)
