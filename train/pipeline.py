"""From text to a trained model: vocabulary, token streams, n-gram tables, neural model; each step once, resumable.

A run is a folder:

    run.json                    the recipe, its text, and the versions of the programs that it was last trained with
    stdin.txt                   what came on standard input, where it was asked for
    tokenizer.json, case.json   the text form
    all.safetensors             every token, for the n-gram model
    mix.safetensors             weighted and shuffled, for the neural model
    valid.safetensors           held out, the same share of every source
    ngram.safetensors           the n-gram tables
    start/                      the weights that the neural model starts from, where they come from a bundle
    neural/step-*                 checkpoints of the neural model
    curves.csv, tensorboard     its loss, perplexity, gradient norm, learning rate and speed on the way
    report.json                 what was measured
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
from foretype.train.neural.training.checkpoint import save_model, versions
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
NGRAM, NEURAL, START = "ngram.safetensors", "neural", "start"
_HELD_OUT_EVERY = 50
_VALID_CAP = 40_000
_NGRAM_TOKENS = 50_000


class Progress(Protocol):
    """Where a run tells how far it is."""

    def step(self, message: str) -> None:
        """A step begins, or goes on to its next part."""

    def training(self, report: Any, total_tokens: int) -> None:
        """A measurement of the neural training, a `foretype.train.neural.training.trainer.Report`."""


def _split(documents: Iterable[Document], held_out: bool) -> Iterator[Document]:
    """One line in fifty as a document of its own (held out), or the text without these lines.

    The line itself decides, so that lines said twice do not stand on both sides.
    """
    for document in documents:
        chosen = [line for line in document if (zlib.crc32(line.encode()) % _HELD_OUT_EVERY == 0) == held_out]
        yield from [[line] for line in chosen] if held_out else [chosen] if chosen else []


def _names(files: list[Path]) -> str:
    return str(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _name(file: Path) -> str:
    """What a run remembers of a file: the whole path, so that it may be resumed from any folder."""
    return str(file if file == STANDARD_INPUT else file.resolve())


class Run:
    """A training run in `folder`.

    files, valid: text to train on and to measure on. Without `valid`, one line in fifty is held out.

    Raises CheckpointError when the folder holds a run already and `resume` is not set, or one of other text or
    settings; CorpusError when text is missing; ConfigError when a setting is not legal.
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
                raise CheckpointError(f"{folder}: already holds a run; go on with --resume, or name another folder")
            self._check(stored, identity)
        elif (folder / CASE).exists():
            raise CheckpointError(f"{folder}: holds {CASE} but no {RUN}, so it is no run; name another folder")
        self._identity = identity

    def _check(self, stored: Path, identity: dict[str, Any]) -> None:
        try:
            # The device may be another one, on a machine without the one before.
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
                raise CheckpointError(f"{stored}: the run was started with other {name}: {then}, not {now}")

    def train(self, progress: Progress) -> dict[str, Any]:
        """Do what is left to do; returns the report."""
        processes = join()
        with processes.leader_first():
            self.prepare(progress)
            self._ngram(progress)
        report = {"ngram": self._ngram_figures(), "neural": self._neural(progress)}
        if processes.leads:
            write_json(self.folder / REPORT, report)
        return report

    def prepare(self, progress: Progress) -> None:
        """Learn the text form and tokenise the text, where that is not done yet."""
        self._text_form(progress)
        self._streams(progress)

    def _documents(self, file: Path) -> Iterable[Document]:
        """The documents of `file`; standard input can be read but once, so the run keeps what came on it."""
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
        # All text has been read through before anything is written, so that bad text leaves nothing behind.
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

    def _ngram(self, progress: Progress) -> None:
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
        """The training settings, `start_from` a checkpoint: where they name a bundle, one that starts from it."""
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
        # What may change when a run is resumed is remembered as soon as the trainer has found nothing against it.
        changed = json.loads((self.folder / RUN).read_text(encoding="utf-8")) != self._identity
        if changed and trainer.processes.leads:
            write_json(self.folder / RUN, self._identity)
        for report in recorded(trainer, self.folder):
            progress.training(report, config.tokens)
        parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
        return {"parameters": parameters, "tokens": trainer.step * config.batch * config.steps, **trainer.history[-1]}
