"""Compares how far the gradient reaches in trained models: architectures trained on one text, or existing runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from foretype.runtime.errors import ConfigError
from foretype.train.curves import recorded
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import NEURAL, load_model, load_training
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.pipeline import Progress, Run
from foretype.train.recipe import RECIPES, Recipe, Settings, read_recipe
from foretype.train.run_text import MIX, VALID
from foretype.train.studies.gradient_probe import faded_at, fresh_model, probe
from foretype.train.text.shards import read_stream
from foretype.train.text.tokenizer import load_text_form

UNIFORM = "rnn-uniform"
PROBED = {UNIFORM: "rnn", "rnn": "rnn", "gru": "gru", "lstm": "lstm"}
"""Names of the models -> their architectures. The first starts from PyTorch's uniform weights of a simple RNN, within
1 / sqrt(hidden_size); the others start like all models here, with orthogonal recurrent weights (Saxe et al. 2014)."""


@dataclass(frozen=True)
class Reach:
    """How far the gradient of one model reaches.

    name, architecture, parameters: of the model.
    tokens, validation_perplexity: of its training.
    initial, trained: the norms at distances 1, 2, ... from `foretype.train.studies.gradient_probe.probe`, before and
        after training, float32 [distance].
    """

    name: str
    architecture: str
    parameters: int
    tokens: int
    validation_perplexity: float | None
    initial: NDArray[np.float32]
    trained: NDArray[np.float32]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, with the distance at which the gradient has faded to 1 % (None if beyond the last)."""
        norms = {"initial": self.initial, "trained": self.trained}
        profiles = {when: {"norms": values.tolist(), "faded_at": faded_at(values)} for when, values in norms.items()}
        return {**self.__dict__, **profiles}


def probe_recipe(settings: Settings | None = None) -> Recipe:
    """Read the recipe of the compared models; `settings` override it. Raises ConfigError for an invalid setting."""
    recipe = read_recipe(RECIPES / "probe.toml", settings)
    if "architecture" in recipe.model:
        raise ConfigError(
            f"model.architecture is {recipe.model['architecture']!r}; leave it out: {', '.join(PROBED)} are all trained"
        )
    return recipe


def probe_trained(
    folder: Path, files: list[Path], recipe: Recipe, progress: Progress, distance: int, samples: int
) -> list[Reach]:
    """Train the models of `PROBED`, of equal width, on the text of `files`, and probe them on it.

    folder: for text form, token streams, and a folder of checkpoints and curves for each model. A stopped training
    continues, a finished one is only probed. Raises what `Run`, `Trainer` and `probe` raise.
    """
    run = Run(folder, recipe, files, [], resume=True)
    run.prepare(progress)
    stream, valid = read_stream(folder / MIX), read_stream(folder / VALID)
    size, config = len(load_text_form(folder).vocabulary), TrainConfig(**recipe.training)
    found = []
    for name, architecture in PROBED.items():
        shape = ModelConfig(size, **{**recipe.model, "architecture": architecture})
        trainer = Trainer(folder / name, shape, config, stream, valid, resume=True)
        fresh = fresh_model(shape, stream, config.seed)
        if name == UNIFORM:
            _make_uniform(fresh)
            if not trainer.step:
                trainer.model.load_state_dict(fresh.state_dict())
        for report in recorded(trainer, folder / name):
            progress.training(report, config.tokens)
        progress.step(f"gradients of {name}")
        found.append(_reach(name, fresh, trainer.model, trainer.history[-1], stream, distance, samples))
    return found


def probe_run(run: Path, distance: int, samples: int) -> Reach:
    """Probe the neural model of a run on its training text. Raises CheckpointError or CorpusError for missing parts."""
    model = load_model(run / NEURAL)
    _, progress = load_training(run / NEURAL)
    stream = read_stream(run / MIX)
    fresh = fresh_model(model.config, stream, progress.settings["training"]["seed"])
    return _reach(str(run), fresh, model, progress.history[-1], stream, distance, samples)


def _make_uniform(model: LanguageModel) -> None:
    for layer in model.layers:
        if isinstance(layer, nn.RNN):
            layer.reset_parameters()


def _reach(
    name: str,
    fresh: LanguageModel,
    model: LanguageModel,
    measured: Any,
    stream: NDArray[np.unsignedinteger],
    distance: int,
    samples: int,
) -> Reach:
    return Reach(
        name,
        model.config.architecture,
        sum(parameter.numel() for parameter in model.parameters()),
        measured["tokens"],
        measured["validation_perplexity"],
        probe(fresh.to(model.output_bias.device), stream, distance, samples),
        probe(model, stream, distance, samples),
    )
