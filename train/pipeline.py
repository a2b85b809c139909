"""From text to a trained model: vocabulary, token streams, n-gram tables, neural model; each step once, resumable.

A run is a folder:

    run.json                    the recipe and the text it was started with
    stdin.txt                   what came on standard input, where it was asked for
    tokenizer.json, case.json   the text form
    all.safetensors             every token, for the n-gram model
    mix.safetensors             weighted and shuffled, for the neural model
    valid.safetensors           held out, the same share of every source
    ngram.safetensors           the n-gram tables
    lstm/step-*                 checkpoints of the neural model
    report.json                 what was measured
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from foretype.runtime.errors import CheckpointError, CorpusError
from foretype.runtime.ngram import NgramModel
from foretype.runtime.vocabulary import DOCUMENT_START_ID
from foretype.train.corpus import STANDARD_INPUT, Document, find_files, read_documents, source_name
from foretype.train.files import write_json, write_text
from foretype.train.neural.model_config import ModelConfig
from foretype.train.neural.train_config import TrainConfig
from foretype.train.neural.trainer import Trainer
from foretype.train.ngrams.estimate import train_ngram
from foretype.train.recipe import Recipe
from foretype.train.shards import build_stream, read_stream, shuffle_documents, write_stream
from foretype.train.tokenizer import count_sources, learn_text_form, load_text_form, save_text_form

RUN, REPORT, PIPED, CASE = "run.json", "report.json", "stdin.txt", "case.json"
ALL, MIX, VALID = "all.safetensors", "mix.safetensors", "valid.safetensors"
NGRAM, LSTM = "ngram.safetensors", "lstm"
_HELD_OUT_EVERY = 50
_VALID_CAP = 40_000
_NGRAM_TOKENS = 50_000


class Progress(Protocol):
    """Where a run tells how far it is."""

    def step(self, message: str) -> None:
        """A step begins, or goes on to its next part."""

    def training(self, report: Any, total_tokens: int) -> None:
        """A measurement of the neural training, a `foretype.train.neural.trainer.Report`."""


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
        }
        stored = folder / RUN
        if stored.exists():
            if not resume:
                raise CheckpointError(f"{folder}: already holds a run; go on with --resume, or name another folder")
            self._check(stored, identity)
        elif (folder / CASE).exists():
            raise CheckpointError(f"{folder}: holds {CASE} but no {RUN}, so it is no run; name another folder")
        self._identity = identity

    @staticmethod
    def _check(stored: Path, identity: dict[str, Any]) -> None:
        try:
            before = json.loads(stored.read_text(encoding="utf-8"))
            parts = {name: before[name] for name in ("files", "valid")}
            parts |= {f"recipe {name}": before["recipe"][name] for name in ("vocabulary", "ngram", "model", "weights")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{stored}: cannot be read ({error})") from error
        for name, value in parts.items():
            now = identity["recipe"][name[7:]] if name.startswith("recipe ") else identity[name]
            if value != now:
                raise CheckpointError(f"{stored}: the run was started with other {name}: {value}, not {now}")

    def train(self, progress: Progress) -> dict[str, Any]:
        """Do what is left to do; returns the report."""
        self._text_form(progress)
        self._streams(progress)
        self._ngram(progress)
        report = {"ngram": self._ngram_figures(), "lstm": self._lstm(progress)}
        write_json(self.folder / REPORT, report)
        return report

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
        counts = count_sources(self._texts(), self.recipe.weights, lambda name: progress.step(f"words of {name}"))
        try:
            form = learn_text_form(counts, self.recipe.vocabulary)
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
            stream = build_stream(self._texts(), self.folder, weights=self.recipe.weights, done=done)
            write_stream(self.folder / MIX, shuffle_documents(stream, seed=1))

    def _ngram(self, progress: Progress) -> None:
        if not (self.folder / NGRAM).exists():
            size = len(load_text_form(self.folder).vocabulary)
            stream = read_stream(self.folder / ALL)
            train_ngram(stream, size, self.recipe.ngram, self.folder / NGRAM, progress.step)

    def _ngram_figures(self) -> dict[str, Any]:
        model = NgramModel.open(self.folder / NGRAM)
        stream = read_stream(self.folder / VALID)[:_NGRAM_TOKENS]
        scores = [
            model.log_probability(stream[max(0, i - model.order) : i].tolist(), int(stream[i]))
            for i in range(1, len(stream))
            if stream[i] != DOCUMENT_START_ID
        ]
        size = (self.folder / NGRAM).stat().st_size
        return {"order": model.order, "bytes": size, "validation_perplexity": math.exp(-float(np.mean(scores)))}

    def _lstm(self, progress: Progress) -> dict[str, Any]:
        config = self._config
        size = len(load_text_form(self.folder).vocabulary)
        stream, valid = read_stream(self.folder / MIX), read_stream(self.folder / VALID)
        shape = ModelConfig(size, **self.recipe.model)
        trainer = Trainer(self.folder / LSTM, shape, config, stream, valid, resume=True)
        for report in trainer.fit():
            progress.training(report, config.tokens)
        parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
        return {"parameters": parameters, "tokens": trainer.step * config.batch * config.steps, **trainer.history[-1]}
