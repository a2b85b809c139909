"""Trains a model from text: vocabulary, token streams, n-gram tables, neural model. A stopped run can be resumed.

A run is a folder:

    run.json                    the recipe, the text files, and the versions of the programs that trained it last
    stdin.txt                   the text read from standard input, if any
    tokenizer.json, case.json   the text form
    all.safetensors             every token, for the n-gram model
    mix.safetensors             weighted and shuffled, for the neural model
    valid.safetensors           held-out text, the same share of every source
    ngram.safetensors           the n-gram tables
    start/                      the weights that the neural model starts from, if they come from a bundle
    neural/step-*               checkpoints of the neural model
    curves.csv, tensorboard     its loss, perplexity, gradient norm, learning rate and speed over time
    report.json                 the figures of the finished run
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.files.atomic import write_json, write_text
from foretype.runtime.files.bundle import MANIFEST
from foretype.runtime.text.corpus import STANDARD_INPUT, Document, find_files, read_documents, source_name
from foretype.train.curves import recorded
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import NEURAL, find_checkpoint, save_model, versions
from foretype.train.neural.training.from_bundle import start_from_bundle
from foretype.train.neural.training.processes import join
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.ngrams.estimate import train_ngram
from foretype.train.ngrams.perplexity import ngram_perplexity
from foretype.train.ngrams.tables import load_tables
from foretype.train.recipe import Recipe, stored_recipe
from foretype.train.text.shards import build_stream, read_stream, shuffle_documents, write_stream
from foretype.train.text.tokenizer import count_sources, learn_text_form, load_text_form, save_text_form

RUN, REPORT, PIPED, CASE = "run.json", "report.json", "stdin.txt", "case.json"
ALL, MIX, VALID = "all.safetensors", "mix.safetensors", "valid.safetensors"
NGRAM, START = "ngram.safetensors", "start"
_HELD_OUT_EVERY = 50
_VALID_CAP = 40_000
_NGRAM_TOKENS = 50_000


class Progress(Protocol):
    """Receives the progress of a run."""

    def step(self, message: str) -> None:
        """Called when a step, or the next part of one, begins."""

    def training(self, report: Any, total_tokens: int) -> None:
        """Called with each `foretype.train.neural.training.trainer.Report` of the neural training."""


def _split(documents: Iterable[Document], held_out: bool) -> Iterator[Document]:
    """Select one line in fifty, each as a document (held out), or the text without these lines.

    The choice depends on the line's text, so that repeated lines are never on both sides.
    """
    for document in documents:
        chosen = [line for line in document if (zlib.crc32(line.encode()) % _HELD_OUT_EVERY == 0) == held_out]
        yield from [[line] for line in chosen] if held_out else [chosen] if chosen else []


def _names(files: list[Path]) -> str:
    return str(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _name(file: Path) -> str:
    """The absolute path of a file, so that the run can be resumed from any folder."""
    return str(file if file == STANDARD_INPUT else file.resolve())


class Run:
    """A training run in `folder`.

    files, valid: text to train on and to measure on. Without `valid`, one line in fifty is held out.

    Raises CheckpointError if the folder holds a run and `resume` is not set, or a run with other text or settings;
    CorpusError if text is missing; ConfigError if a setting is invalid.
    """

    def __init__(self, folder: Path, recipe: Recipe, files: list[Path], valid: list[Path], *, resume: bool) -> None:
        self.folder, self.recipe = folder, recipe
        self.files, self.valid = find_files(files), find_files(valid) if valid else []
        self._config = TrainConfig(**recipe.training)
        self._piped: list[Document] = []
        identity: dict[str, Any] = {
            "recipe": recipe.to_json(),
            "files": [_name(file) for file in self.files],
            "valid": [_name(file) for file in self.valid],
            "seed": self._config.seed,
            "versions": versions(),
        }
        stored = folder / RUN
        if stored.exists():
            if not resume:
                raise CheckpointError(f"{folder}: already holds a run; add --resume, or name another folder")
            self._check(stored, identity)
        elif (folder / CASE).exists():
            raise CheckpointError(f"{folder}: holds {CASE} but no {RUN}, so it is not a run; name another folder")
        start = self._config.start_from
        if start and not (Path(start) / MANIFEST).exists():
            find_checkpoint(Path(start))
        self._identity = identity

    def _check(self, stored: Path, identity: dict[str, Any]) -> None:
        try:
            # The device may differ: a run may continue on another machine.
            recipe = stored_recipe(stored, {"training": {"device": self._config.device}}).to_json()
            before = json.loads(stored.read_text(encoding="utf-8"))
            parts = {name: (before[name], identity[name]) for name in ("files", "valid")}
        except ConfigError as error:
            raise CheckpointError(str(error)) from error
        except KeyError as error:
            raise CheckpointError(f"{stored}: cannot be read ({error})") from error
        for name in ("vocabulary", "ngram", "model", "weights", "text"):
            parts[f"recipe {name}"] = (recipe[name], identity["recipe"][name])
        for name, (then, now) in parts.items():
            if then != now:
                raise CheckpointError(f"{stored}: the run was started with different {name}: {then}, not {now}")

    def train(self, progress: Progress) -> dict[str, Any]:
        """Do the remaining steps and return the report."""
        processes = join()
        with processes.leader_first():
            self.prepare(progress)
            self.estimate_ngram(progress)
        report = {"ngram": self._ngram_figures(), "neural": self._neural(progress)}
        if processes.leads:
            write_json(self.folder / REPORT, report)
        return report

    def prepare(self, progress: Progress) -> None:
        """Learn the text form and tokenise the text, unless that is done."""
        self._text_form(progress)
        self._streams(progress)

    def _documents(self, file: Path) -> Iterable[Document]:
        """Read the documents of `file`. Standard input can be read only once, so the run stores it."""
        if file != STANDARD_INPUT:
            return read_documents(file)
        if (self.folder / PIPED).exists():
            return read_documents(self.folder / PIPED)
        self._piped = self._piped or list(read_documents(file))
        return self._piped

    def _texts(self) -> Iterator[tuple[str, Iterable[Document]]]:
        for file in self.files:
            documents = self._documents(file)
            yield source_name(file), documents if self.valid else _split(documents, held_out=False)

    def _valid_texts(self) -> Iterator[tuple[str, Iterable[Document]]]:
        for file in self.valid or self.files:
            documents = self._documents(file)
            yield source_name(file), documents if self.valid else _split(documents, held_out=True)

    def _text_form(self, progress: Progress) -> None:
        if (self.folder / CASE).exists():
            return
        vocabulary = self.recipe.vocabulary
        counts = count_sources(
            self._texts(), self.recipe.weights, vocabulary.spread, lambda name: progress.step(f"words of {name}")
        )
        try:
            form = learn_text_form(counts, vocabulary)
        except CorpusError as error:
            raise CorpusError(f"{_names(self.files)}: {error}") from error
        # Read all text before writing anything, so that bad text leaves no files.
        if not sum(1 for _, documents in self._valid_texts() for _ in documents):
            reason = "empty" if self.valid else f"too short to hold out one line in {_HELD_OUT_EVERY}; give --valid"
            raise CorpusError(f"{_names(self.valid or self.files)}: {reason}")
        write_json(self.folder / RUN, self._identity)
        if self._piped:
            write_text(self.folder / PIPED, "\n\n".join(map("\n".join, self._piped)) + "\n")
            self._piped = []
        save_text_form(form, self.folder)

    def _streams(self, progress: Progress) -> None:
        def done(name: str, tokens: int) -> None:
            progress.step(f"tokens of {name}: {tokens:,}")

        if not (self.folder / VALID).exists():
            stream = build_stream(self._valid_texts(), self.folder, cap=_VALID_CAP, done=done)
            write_stream(self.folder / VALID, stream)
        if not (self.folder / ALL).exists():
            write_stream(self.folder / ALL, build_stream(self._texts(), self.folder, done=done))
        if not (self.folder / MIX).exists():
            texts = ((name, self.recipe.text.apply(documents, name)) for name, documents in self._texts())
            stream = build_stream(texts, self.folder, weights=self.recipe.weights, done=done)
            write_stream(self.folder / MIX, shuffle_documents(stream, seed=1, folder=self.folder))

    def estimate_ngram(self, progress: Progress) -> None:
        """Estimate the n-gram tables from the prepared text, unless that is done."""
        if not (self.folder / NGRAM).exists():
            size = len(load_text_form(self.folder).vocabulary)
            stream = read_stream(self.folder / ALL)
            train_ngram(stream, size, self.recipe.ngram, self.folder / NGRAM, progress.step)

    def _ngram_figures(self) -> dict[str, Any]:
        model = load_tables(self.folder / NGRAM)
        perplexity = ngram_perplexity(model, read_stream(self.folder / VALID)[:_NGRAM_TOKENS])
        size = (self.folder / NGRAM).stat().st_size
        return {"order": len(model.orders), "bytes": size, "validation_perplexity": perplexity}

    def _started(self, shape: ModelConfig) -> TrainConfig:
        """The training settings. If `start_from` is a bundle, convert it to a checkpoint and refer to that."""
        config, start = self._config, self.folder / START
        if not config.start_from or not (Path(config.start_from) / MANIFEST).exists():
            return config
        if not start.exists():
            torch.manual_seed(config.seed)
            model = LanguageModel(shape)
            start_from_bundle(model, load_text_form(self.folder), Path(config.start_from))
            save_model(start, model)
        return replace(config, start_from=str(start))

    def _neural(self, progress: Progress) -> dict[str, Any]:
        config = self._config
        size = len(load_text_form(self.folder).vocabulary)
        stream, valid = read_stream(self.folder / MIX), read_stream(self.folder / VALID)
        shape = ModelConfig(size, **self.recipe.model)
        trainer = Trainer(self.folder / NEURAL, shape, self._started(shape), stream, valid, resume=True)
        # Store settings that may change on resuming, now that the trainer has accepted them.
        changed = json.loads((self.folder / RUN).read_text(encoding="utf-8")) != self._identity
        if changed and trainer.processes.leads:
            write_json(self.folder / RUN, self._identity)
        for report in recorded(trainer, self.folder):
            progress.training(report, config.tokens)
        parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
        return {"parameters": parameters, "tokens": trainer.step * config.batch * config.steps, **trainer.history[-1]}
