"""The gradient probe: exact where the answer is known, and the same through the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from corpora import write_corpus

from foretype.runtime.errors import ConfigError, CorpusError
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.studies.gradient_probe import faded_at, fresh_model, probe
from foretype.train.studies.gradient_study import probe_run
from foretype.tui.cli import run

TEXT = np.random.default_rng(1).integers(0, 30, 400).astype(np.uint16)
SMALL = [
    *("--set", "model.embedding_size=8", "--set", "model.hidden_size=12", "--set", "vocabulary.size=150"),
    *("--set", "vocabulary.minimum_count=1", "--set", "training.batch=4", "--set", "training.steps=16"),
    *("--set", "training.samples=0", "--set", "training.threads=1", "--set", "training.device=cpu"),
]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Leave the number of threads to others as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_in_a_linear_network_the_gradient_decays_geometrically() -> None:
    model = fresh_model(ModelConfig(30, 8, 8, architecture="rnn"), TEXT, seed=1)
    with torch.no_grad():
        # So little input that tanh is the identity; a recurrence that turns the state and shrinks it to 90 %.
        model.layers.get_parameter("0.weight_ih_l0").mul_(1e-4)
        model.layers.get_parameter("0.weight_hh_l0").mul_(0.9)
    norms = probe(model, TEXT, distance=60, samples=10)
    assert norms.dtype == np.float32
    assert norms[1:] / norms[:-1] == pytest.approx(np.full(59, 0.9), rel=1e-4)
    assert norms[0] > 0.1
    assert faded_at(norms) == 45  # 0.9^44 is the first below 0.01


@pytest.mark.parametrize("architecture", ["rnn", "gru", "lstm", "cifg"])
def test_the_norm_is_that_of_differences_of_the_loss(architecture: str) -> None:
    model = fresh_model(ModelConfig(30, 6, 5, architecture=architecture, layers=2), TEXT, seed=2).double()
    ids = torch.from_numpy(TEXT[:8].astype(np.int64))[:, None]

    def loss(moved: torch.Tensor) -> float:
        # The hidden state three steps before the last is `moved` away from where the text leads it.
        with torch.no_grad():
            _, state = model(ids[:4], tuple(part.double() for part in model.zero_state(1)))
            features, _ = model(ids[4:7], (state[0].double() + moved, *(part.double() for part in state[1:])))
            return float(torch.nn.functional.cross_entropy(model.logits(features[-1]), ids[7]))

    places = torch.eye(10, dtype=torch.float64).view(10, 2, 1, 5) * 1e-3
    slopes = [(loss(place) - loss(-place)) / 2e-3 for place in places]
    norms = probe(model.float(), TEXT[:8], distance=6, samples=1)
    assert norms[2] == pytest.approx(float(np.linalg.norm(slopes)), rel=0.02)


def test_samples_are_averaged_and_places_are_spread() -> None:
    model = fresh_model(ModelConfig(30, 6, 6), TEXT, seed=1)
    ends = probe(model, TEXT, 20, samples=2)
    first, last = probe(model, TEXT[:22], 20, samples=1), probe(model, TEXT[-22:], 20, samples=1)
    assert ends == pytest.approx((first + last) / 2, rel=1e-5)
    assert probe(model, TEXT, 20, samples=130).shape == (20,)


def test_where_it_fades() -> None:
    assert faded_at(np.array([1.0, 0.5, 0.011, 0.009, 0.02], np.float32)) == 4
    assert faded_at(np.array([1.0, 0.5], np.float32)) is None


def test_too_little_text_and_senseless_numbers_are_refused() -> None:
    model = fresh_model(ModelConfig(30, 6, 6), TEXT, seed=1)
    with pytest.raises(CorpusError, match="the text has 21 tokens; a gradient over 20 steps needs 22"):
        probe(model, TEXT[:21], 20)
    with pytest.raises(ConfigError, match="distance is 0; must be at least 1"):
        probe(model, TEXT, 0)
    with pytest.raises(ConfigError, match="samples is -1; must be at least 1"):
        probe(model, TEXT, 5, -1)


def json_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    status = run(["train", "probe-gradients", *map(str, arguments), "--json"])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    value: dict[str, Any] = json.loads(captured.out)
    return value


def test_the_command_trains_the_models_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = write_corpus(tmp_path / "talk.txt", 300, 1)
    command = [text, "--out", tmp_path / "out", *SMALL, "--distance", 30, "--samples", 8]
    result = json_of(capsys, *command, "--tokens", 2000, "--plot", tmp_path / "reach.png")
    assert (result["distance"], result["samples"]) == (30, 8)
    assert [model["name"] for model in result["models"]] == ["rnn-uniform", "rnn", "gru", "lstm"]
    uniform, orthogonal = (model["initial"]["norms"] for model in result["models"][:2])
    assert uniform[-1] / uniform[0] < 1e-3 * orthogonal[-1] / orthogonal[0], "orthogonal weights carry it further"
    for model in result["models"]:
        assert model["tokens"] == 1984
        for when in ("initial", "trained"):
            assert len(model[when]["norms"]) == 30
            assert all(norm > 0 for norm in model[when]["norms"])
        assert model["initial"]["norms"] != model["trained"]["norms"]
        assert (tmp_path / "out" / model["name"] / "curves.csv").exists()
    assert (tmp_path / "reach.png").exists()
    assert json_of(capsys, *command, "--tokens", 2000) == result, "a finished run is only probed"
    assert json_of(capsys, *command, "--tokens", 4000)["models"][0]["tokens"] == 3968
    assert run(["train", "probe-gradients", *map(str, command), "--tokens", "4000"]) == 0
    table = capsys.readouterr().out
    assert "1 % at" in table
    assert "validation perplexity" in table


def test_a_trained_run_is_probed_as_it_is(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = json_of(capsys, "--run", tiny_run, "--run", tiny_run, "--distance", 20, "--samples", 16)
    assert [model["architecture"] for model in result["models"]] == ["lstm", "lstm"]
    reach = probe_run(tiny_run, 20, 16)
    assert reach.name == str(tiny_run)
    assert result["models"][0] == reach.to_json()
    assert reach.trained[0] > reach.initial[0], "training makes the model look at the word before"
