"""Trains a character model: the words that it may suggest, its alphabet, and an LSTM over characters.

A run is a folder:

    tokenizer.json, case.json   the words
    characters.json             the alphabet
    characters.safetensors      held-out text, as characters
    neural/step-*               checkpoints; a stopped run continues
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foretype.runtime.characters.alphabet import Alphabet
from foretype.runtime.files.bundle import CHARACTERS
from foretype.runtime.text.corpus import Document, find_files, read_documents, source_name
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import NEURAL
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.pipeline import Progress
from foretype.train.recipe import RECIPES, Recipe, read_recipe
from foretype.train.text.shards import write_stream
from foretype.train.text.tokenizer import count_sources, learn_text_form, save_text_form

HELD_OUT = "characters.safetensors"
_HELD_OUT_CHARACTERS = 200_000


def character_recipe(settings: Mapping[str, Any]) -> Recipe:
    """The recipe of a character model with `settings` put in. Raises ConfigError naming the setting."""
    return read_recipe(RECIPES / "characters.toml", settings)


def character_trainer(
    folder: Path,
    documents: Sequence[Document],
    held_out: Sequence[Document],
    model: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Trainer:
    """Learn the alphabet of `documents`, and make the trainer of a model over it, from its last checkpoint if any.

    held_out: text to measure on; about 200,000 characters of it are used. model, training: settings of `ModelConfig`
    and `TrainConfig`. Raises CorpusError if there is no text, CheckpointError if the run had other text or settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = Alphabet.learn(documents)
    config = TrainConfig(**training)
    stream = alphabet.stream(random.Random(config.seed).sample(documents, len(documents)))
    valid = alphabet.stream(random.Random(0).sample(held_out, len(held_out)))[:_HELD_OUT_CHARACTERS]
    trainer = Trainer(folder / NEURAL, ModelConfig(len(alphabet), **model), config, stream, valid, resume=True)
    alphabet.save(folder)
    write_stream(folder / HELD_OUT, valid)
    return trainer


def train_characters(
    folder: Path, files: list[Path], valid: list[Path], recipe: Recipe, progress: Progress
) -> dict[str, Any]:
    """Train a character model in `folder` on all text of `files`, which must fit in memory; return its figures.

    Raises as `character_trainer`.
    """
    texts = [(source_name(file), list(read_documents(file))) for file in find_files(files)]
    progress.step("words")
    form = learn_text_form(count_sources(texts, {}, recipe.vocabulary.spread), recipe.vocabulary)
    documents = [document for _, text in texts for document in text]
    held_out = [document for file in find_files(valid) for document in read_documents(file)]
    progress.step("characters")
    trainer = character_trainer(folder, documents, held_out, recipe.model, recipe.training)
    save_text_form(form, folder)
    for report in trainer.fit():
        progress.training(report, trainer.config.tokens)
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    return {"characters": len(Alphabet.load(folder / CHARACTERS)), "parameters": parameters, **trainer.history[-1]}
