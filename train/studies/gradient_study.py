"""How far the gradient reaches in trained models: architectures trained on the same text, or runs at hand."""

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
from foretype.train.neural.training.checkpoint import load_model, load_training
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.pipeline import MIX, NEURAL, VALID, Progress, Run
from foretype.train.recipe import RECIPES, Recipe, Settings, read_recipe
from foretype.train.studies.gradient_probe import faded_at, fresh_model, probe
from foretype.train.text.shards import read_stream
from foretype.train.text.tokenizer import load_text_form

UNIFORM = "rnn-uniform"
PROBED = {UNIFORM: "rnn", "rnn": "rnn", "gru": "gru", "lstm": "lstm"}
"""Models compared -> their architectures. The first starts from the uniform weights within 1 / sqrt(hidden_size) that
PyTorch gives a simple RNN, the others as all models here: recurrent weights orthogonal (Saxe et al. 2014)."""


@dataclass(frozen=True)
class Reach:
    """How far the gradient of one model reaches.

    name, architecture, parameters: of the model. tokens, validation_perplexity: how far it is trained.
    initial, trained: the norms at distances 1, 2, ... that `foretype.train.studies.gradient_probe.probe` gives, before
        training and after, float32 [distance].
    """

    name: str
    architecture: str
    parameters: int
    tokens: int
    validation_perplexity: float | None
    initial: NDArray[np.float32]
    trained: NDArray[np.float32]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, with the distance at which the gradient has faded to 1 % (None: beyond the last)."""
        norms = {"initial": self.initial, "trained": self.trained}
        profiles = {when: {"norms": values.tolist(), "faded_at": faded_at(values)} for when, values in norms.items()}
        return {**self.__dict__, **profiles}


def probe_recipe(settings: Settings | None = None) -> Recipe:
    """The recipe of the three models, with `settings` before its own. Raises ConfigError where one is not legal."""
    recipe = read_recipe(RECIPES / "probe.toml", settings)
    if "architecture" in recipe.model:
        raise ConfigError(
            f"model.architecture is {recipe.model['architecture']!r}; one of each is trained: {', '.join(PROBED)}"
        )
    return recipe


def probe_trained(
    folder: Path, files: list[Path], recipe: Recipe, progress: Progress, distance: int, samples: int
) -> list[Reach]:
    """Train the models of `PROBED`, equally wide, on the text of `files`, and probe them on it.

    folder: text form, token streams and one folder of checkpoints and curves for each model; a run that was broken off
    goes on, a finished one is only probed. Raises what `Run`, `Trainer` and `probe` raise.
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
    """Probe the neural model of a run on the text it was trained on. Raises CheckpointError, CorpusError where that
    lacks something."""
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
