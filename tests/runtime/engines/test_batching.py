"""Batches: every context gets the scores and the state that it would get alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("torch", reason="the extra `train` is not installed")

import torch

from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import int8_graph
from foretype.runtime import EngineError
from foretype.runtime.engines.batching import advance, stack, unstack
from foretype.runtime.engines.step_graph import NeuralModel
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


def test_a_batch_gives_what_single_runs_give(neural: NeuralModel) -> None:
    draw = np.random.default_rng(0)
    states = None
    singles = [neural.initial_state()] * 9
    for steps in (1, 16, 3):
        paths = draw.integers(50, size=(9, steps)).tolist()
        logits, states = advance(neural, paths, states)
        assert logits.shape == (9, 50)
        for row, path in enumerate(paths):
            expected, singles[row] = neural.run(path, singles[row])
            np.testing.assert_allclose(logits[row], expected, atol=1e-4)
            for part, single in zip(states[row], singles[row], strict=True):
                np.testing.assert_allclose(part, single, atol=1e-4)


def test_a_state_out_of_a_batch_goes_on_alone(neural: NeuralModel) -> None:
    _, states = advance(neural, [[5, 6], [7, 8]])
    _, alone = neural.run([7, 8], neural.initial_state())
    np.testing.assert_allclose(neural.run([9], states[1])[0], neural.run([9], alone)[0], atol=1e-4)


def test_stacking_and_taking_apart_are_inverse(neural: NeuralModel) -> None:
    states = advance(neural, [[1], [2], [3]])[1]
    for before, after in zip(states, unstack(stack(states)), strict=True):
        for part, same in zip(before, after, strict=True):
            np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize(
    ("paths", "complaint"),
    [
        ([], "paths of \\[\\] tokens; expected one or more of equal length"),
        ([[1], [2, 3]], "paths of \\[1, 2\\] tokens"),
        ([[]], "token ids of shape \\(1, 0\\)"),
        ([[1], [50]], "expected \\[batch, steps\\] of 0 \\.\\. 49"),
    ],
)
def test_paths_that_make_no_batch_are_refused(neural: NeuralModel, paths: list[list[int]], complaint: str) -> None:
    with pytest.raises(EngineError, match=complaint):
        advance(neural, paths)


def test_a_state_is_needed_for_each_path(neural: NeuralModel) -> None:
    with pytest.raises(EngineError, match="1 states for 2 paths"):
        advance(neural, [[1], [2]], [neural.initial_state()])


def test_the_bundled_graph_keeps_its_word(tiny_bundle: Path) -> None:
    """The int8 graph with finely scored words too: company changes nothing."""
    neural = NeuralModel.open(tiny_bundle / "step.onnx")
    paths = np.random.default_rng(1).integers(neural.vocab_size, size=(32, 16)).tolist()
    logits, _ = advance(neural, paths)
    for row in (0, 17, 31):
        np.testing.assert_allclose(logits[row], neural.run(paths[row], neural.initial_state())[0], atol=1e-4)
