"""Regularisation: what is zeroed and for how long, what stays as it was, and how averaged SGD goes on after a break."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import finish_despite_kills
from torch import Tensor
from training import CONFIG, TEXT, VALID, VOCAB, assert_same_end, tensors

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ARCHITECTURES, CONNECTIONS, ModelConfig
from foretype.train.neural.model.regularisation import Noise, Regularisation
from foretype.train.neural.training.checkpoint import checkpoints, load_for_inference
from foretype.train.neural.training.optimisation import Optimiser
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer, perplexity

STEPS, BATCH, WIDTH = 7, 6, 12
ALL = Regularisation(0.1, 0.3, 0.2, 0.4, 0.5, 2.0, 1.0)
SHAPE = ModelConfig(VOCAB, 12, 16, layers=2)
ASGD = replace(
    CONFIG,
    **vars(ALL),
    optimizer="asgd",
    schedule="constant",
    learning_rate=3.0,
    clip=0.25,
    weight_decay=1e-6,
    jitter=1.5,
    trigger_steps=2,
    trigger_patience=2,
    tokens=4 * 8 * 40,
)
"""Everything on."""


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noise(seed: int = 0, columns: slice | None = None, **rates: float) -> Noise:
    return Noise(Regularisation(**rates), torch.Generator().manual_seed(seed), BATCH, columns)


def ids(seed: int = 0) -> Tensor:
    return torch.randint(VOCAB, (STEPS, BATCH), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("place", ["input", "layer", "output"])
def test_variational_masks_are_the_same_in_all_steps_and_differ_between_streams(place: str) -> None:
    rate: dict[str, Any] = {f"{place}_dropout": 0.5}
    source = noise(**rate)
    ones = torch.ones(STEPS, BATCH, WIDTH)
    places = {"input": lambda: source.inputs(ones, 0), "layer": lambda: source.inputs(ones, 1)}
    dropped = places.get(place, lambda: source.outputs(ones))()
    assert (dropped == dropped[0]).all()
    assert not (dropped == dropped[:, :1]).all()
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    others = [source.inputs(ones, 1) if place == "input" else source.inputs(ones, 0)]
    assert all((other == 1).all() for other in others), "the other places are left alone"


@settings(deadline=None, max_examples=20)
@given(st.floats(0.05, 0.9), st.integers(0, 1000))
def test_dropout_keeps_the_expectation(rate: float, seed: int) -> None:
    wide = Noise(Regularisation(input_dropout=rate), torch.Generator().manual_seed(seed), 50)
    mean = float(wide.inputs(torch.ones(1, 50, 400), 0).mean())
    assert mean == pytest.approx(1, abs=6 * math.sqrt(rate / (1 - rate) / 20_000))


def test_embedding_dropout_takes_whole_words_wherever_they_stand() -> None:
    words = ids()
    dropped = noise(embedding_dropout=0.5).embeddings(torch.ones(STEPS, BATCH, WIDTH), words, VOCAB)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    for word in words.unique():
        assert len(dropped[words == word].unique()) == 1


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name not in ("window", "mingru", "maxent")])
def test_weight_drop_zeroes_its_share_of_the_recurrent_matrix_and_nothing_else(architecture: str) -> None:
    model = LanguageModel(replace(SHAPE, hidden_size=64, layers=1, architecture=architecture))
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    layer = model.layers[0]
    recurrent = layer.get_parameter("weight_hh_l0")
    (weight,) = noise(weight_drop=0.3).weights(layer).values()
    zero = weight == 0
    assert float(zero.float().mean()) == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(weight[~zero], recurrent[~zero] / 0.7)

    features, _ = model(ids(), model.zero_state(BATCH), noise(weight_drop=0.3))
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    with torch.no_grad():
        recurrent.copy_(weight)
    expected, _ = model(ids(), model.zero_state(BATCH))
    torch.testing.assert_close(features, expected)
    features.square().sum().backward()
    assert recurrent.grad is not None
    assert (recurrent.grad[zero] == 0).all()
    assert float((recurrent.grad[~zero] != 0).float().mean()) > 0.9


@pytest.mark.parametrize("connections", CONNECTIONS)
@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "maxent"])
def test_every_model_takes_all_of_it_and_each_process_sees_its_columns(architecture: str, connections: str) -> None:
    if architecture == "window" and connections != "none":
        return
    torch.manual_seed(0)
    layers = 1 if architecture == "window" else 2
    model = LanguageModel(replace(SHAPE, architecture=architecture, connections=connections, layers=layers))
    rates, state = vars(ALL), model.zero_state(BATCH)
    with torch.no_grad():
        quiet, _ = model(ids(), state)
        whole, _ = model(ids(), state, noise(**rates))
        part, _ = model(ids()[:, 2:4], model.zero_state(2), noise(columns=slice(2, 4), **rates))
        again, _ = model(ids(), state)
    assert not torch.allclose(quiet, whole)
    torch.testing.assert_close(part, whole[:, 2:4])
    assert torch.equal(quiet, again), "evaluation is untouched"


def test_penalties_are_those_of_the_paper() -> None:
    outputs = torch.randn(STEPS, BATCH, WIDTH)
    source = noise(output_dropout=0.5, activation_penalty=2.0, temporal_penalty=3.0)
    dropped = source.outputs(outputs)
    expected = 2 * dropped.square().mean() + 3 * (outputs[1:] - outputs[:-1]).square().mean()
    torch.testing.assert_close(source.penalty, expected)
    source.outputs(outputs[:1])
    assert source.penalty is not None
    assert source.penalty.isfinite(), "a window of one step has no neighbours"
    silent = noise(output_dropout=0.5)
    silent.outputs(outputs)
    assert silent.penalty is None


def test_penalties_shrink_what_they_are_about(tmp_path: Path) -> None:
    sizes, losses = [], []
    for penalty in (0.0, 5.0):
        config = replace(CONFIG, checkpoint_seconds=1e9, tokens=4 * 8 * 100, activation_penalty=penalty)
        trainer = Trainer(tmp_path / str(penalty), SHAPE, config, TEXT)
        losses.append(list(trainer.fit())[-1].loss)
        sizes.append(float(trainer.state[0][-1].square().mean()))
    assert sizes[1] < 0.5 * sizes[0]
    assert losses[1] < math.log(VOCAB), "the loss that is reported has no penalty in it"


OVERFITTED = replace(
    CONFIG, batch=8, tokens=8 * 8 * 400, samples=0, learning_rate=0.01, weight_decay=0.0, checkpoint_seconds=1e9
)
"""Many passes over little text, by a model larger than it deserves."""


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Validation perplexity without regularisation."""
    return validated(tmp_path_factory.mktemp("overfitted"), OVERFITTED)


def validated(run: Path, config: TrainConfig) -> float:
    reports = Trainer(run, ModelConfig(VOCAB, 24, 64), config, TEXT[:1500], VALID).fit()
    return list(reports)[-1].validation_perplexity or math.inf


@pytest.mark.parametrize(
    "rates",
    [
        {"weight_drop": 0.6},
        {"output_dropout": 0.6},
        {"activation_penalty": 2.0, "temporal_penalty": 1.0},
        {"embedding_dropout": 0.1, "input_dropout": 0.3, "output_dropout": 0.4, "weight_drop": 0.5},
    ],
)
def test_a_model_that_learns_its_text_by_heart_does_better_with_it(
    tmp_path: Path, overfitted: float, rates: dict[str, Any]
) -> None:
    assert validated(tmp_path, replace(OVERFITTED, **rates)) < 0.9 * overfitted


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run with everything on."""
    run = tmp_path_factory.mktemp("asgd")
    trainer = Trainer(run, SHAPE, ASGD, TEXT, VALID)
    for _ in trainer.fit():
        pass
    assert trainer.optimiser.average, "averaging has begun"
    return run


def train_here(run: Path) -> None:
    for _ in Trainer(run, SHAPE, ASGD, TEXT, VALID, resume=True).fit():
        pass


@pytest.mark.parametrize("at", [3, 30])
def test_with_everything_on_a_resumed_run_ends_where_an_uninterrupted_one_does(
    tmp_path: Path, finished: Path, at: int
) -> None:
    for report in Trainer(tmp_path, SHAPE, ASGD, TEXT, VALID).fit():
        if report.step == at:
            break
    train_here(tmp_path)
    assert_same_end(tmp_path, finished)


def test_with_everything_on_a_killed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path, finished: Path) -> None:
    assert finish_despite_kills(train_here, tmp_path / "run", within=1.5, seed=3, kills=4)
    assert_same_end(tmp_path / "run", finished)


def test_the_average_is_the_mean_of_the_iterates_and_is_what_is_measured_and_saved(tmp_path: Path) -> None:
    config = replace(ASGD, checkpoint_seconds=1e9)
    trainer = Trainer(tmp_path, SHAPE, config, TEXT, VALID)
    iterates: list[dict[str, Tensor]] = []
    while len(iterates) < 6:
        trainer.train_step()
        if not trainer.optimiser.waits:
            iterates.append({name: weight.detach().clone() for name, weight in trainer.model.named_parameters()})
    expected = {name: torch.stack([iterate[name] for iterate in iterates]).mean(0) for name in iterates[0]}
    for name, weight in trainer.optimiser.average.items():
        torch.testing.assert_close(weight, expected[name], atol=1e-5, rtol=1e-5)
    trainer.save()
    stored = load_for_inference(tmp_path)
    for name, weight in stored.named_parameters():
        assert torch.equal(weight, trainer.optimiser.average[name])
    for name, weight in trainer.model.named_parameters():
        assert torch.equal(weight, iterates[-1][name]), "training itself goes on from the last iterate"
    sample = VALID[: len(VALID) // 512 * 512]
    trainer = Trainer(tmp_path, SHAPE, replace(config, validate_tokens=512), TEXT, sample, resume=True)
    assert trainer.validate() == pytest.approx(perplexity(stored, sample[:512], rows=1), rel=1e-6)
    assert tensors(tmp_path)["averaged"] == 6


def test_averaging_begins_when_the_latest_measurements_bring_nothing_new() -> None:
    optimiser = Optimiser(LanguageModel(SHAPE), replace(ASGD, trigger_patience=2))
    for value in (90, 80, 85, 84, 79):
        optimiser.watch(value)
        assert optimiser.waits
    optimiser.watch(79.5)  # The best but for the last two is 80.
    assert optimiser.waits
    optimiser.watch(80.5)
    assert not optimiser.waits


def test_averaging_beats_the_last_iterate_of_a_rate_too_high(tmp_path: Path) -> None:
    config = TrainConfig(
        tokens=4 * 8 * 600, batch=4, steps=8, samples=0, learning_rate=20.0, optimizer="asgd", schedule="constant",
        trigger_steps=20, clip=0.25, device="cpu", precision="fp32", checkpoint_seconds=1e9,
    )  # fmt: skip
    trainer = Trainer(tmp_path, SHAPE, config, TEXT, VALID)
    reached = list(trainer.fit())[-1].validation_perplexity
    assert not trainer.optimiser.waits
    assert reached is not None
    trainer.optimiser.average = {}
    last_iterate = trainer.validate()
    assert last_iterate is not None
    assert reached < last_iterate


@pytest.mark.parametrize(
    ("changes", "model", "message"),
    [
        ({"weight_drop": 0.3}, replace(SHAPE, architecture="window", layers=1), "'window' has no recurrent weights"),
        ({"weight_drop": 0.3}, replace(SHAPE, architecture="mingru"), "'mingru' has no recurrent weights"),
        ({"optimizer": "asgd"}, SHAPE, "needs validation text; choose from adamw, sgd"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, changes: dict[str, float | str], model: ModelConfig, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Trainer(tmp_path, model, replace(CONFIG, **changes), TEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [field.name for field in fields(Regularisation)])
def test_rates_out_of_range_are_refused(name: str) -> None:
    wrong: dict[str, Any] = {name: -0.1}
    with pytest.raises(ConfigError, match=f"{name} is -0.1; must be 0"):
        TrainConfig(**wrong)
    with pytest.raises(ConfigError):
        TrainConfig(embedding_dropout=1.0)
    assert checkpoints(Path("nowhere")) == []
    assert np.isfinite(getattr(TrainConfig(), name))
