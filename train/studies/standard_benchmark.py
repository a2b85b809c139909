"""Measures perplexity on a standard text, for comparison with published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from foretype.runtime.files.atomic import write_json
from foretype.train.curves import recorded
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import NEURAL
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer, perplexity
from foretype.train.ngrams.estimate import estimate_ngram
from foretype.train.ngrams.perplexity import ngram_perplexity
from foretype.train.pipeline import REPORT, Progress
from foretype.train.recipe import RECIPES, Recipe, Settings, read_recipe
from foretype.train.studies.standard_text import PUBLISHED, read_standard_text


def standard_recipe(settings: Settings | None = None) -> Recipe:
    """Read the recipe of the models; `settings` override it. Raises ConfigError for an invalid setting."""
    return read_recipe(RECIPES / "standard.toml", settings)


def measure_standard_text(text: Path, run: Path, recipe: Recipe, progress: Progress) -> dict[str, Any]:
    """Train on the text in the folder `text`; a stopped run in the folder `run` continues.

    Returns the perplexities on valid and test of the n-gram model, exact, and of the neural model, which reads each
    text as one stream from a zero state, and the published figures. Raises CorpusError if the text is incomplete,
    CheckpointError if `run` holds a run with other settings.
    """
    streams = read_standard_text(text)
    size = len(streams.tokens)
    counted = estimate_ngram(streams.train, size, recipe.ngram, progress.step)
    config = TrainConfig(**recipe.training)
    shape = ModelConfig(size, **recipe.model)
    trainer = Trainer(run / NEURAL, shape, config, streams.train, streams.valid, resume=True)
    for report in recorded(trainer, run):
        progress.training(report, config.tokens)
    progress.step("the test text")
    model = trainer.model.eval()
    with torch.no_grad(), trainer.optimiser.averaged():
        neural = {part: perplexity(model, getattr(streams, part), rows=1) for part in ("valid", "test")}
    figures = {
        "text": text.name,
        "vocabulary": size,
        "recipe": recipe.to_json(),
        "ngram": {part: ngram_perplexity(counted, getattr(streams, part)) for part in ("valid", "test")},
        "neural": {
            **neural,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "passes": trainer.step * config.batch * config.steps / len(streams.train),
            "seconds": trainer.seconds,
        },
        "published": PUBLISHED.get(text.resolve().name, {}),
    }
    write_json(run / REPORT, figures)
    return figures
