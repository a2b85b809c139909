"""Trains a model from text: vocabulary, token streams, n-gram tables, neural model. A stopped run can be resumed.

A run is a folder:

    run.json                    the recipe, the text files, facts of the text, and the versions of the programs
    stdin.txt                   the text read from standard input, if any
    tokenizer.json, case.json   the text form
    all.safetensors             every token, for the n-gram model
    mix.safetensors             weighted and shuffled, for the neural model
    first.safetensors           the same for its first stage, if there is one
    valid.safetensors           held-out text, the same share of every source
    held_out.txt                the beginning of the same text, to measure keystroke savings
    ngram.safetensors           the n-gram tables
    start/                      the weights that the neural model starts from, if they come from a bundle
    neural/step-*, best-*       checkpoints of the neural model: the last two, and the best by held-out text
    first/                      the same, of its first stage
    tuned/, chosen/             the same, fine-tuned from a bundle, and the better of the two, with `start`
    curves.csv, tensorboard     its loss, perplexity, gradient norm, learning rate and speed over time
    report.json                 the figures of the finished run
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.bundle import MANIFEST, Bundle
from foretype.runtime.text.corpus import STANDARD_INPUT, find_files
from foretype.runtime.text.form import TextForm
from foretype.train.curves import recorded
from foretype.train.defaults import TextFacts, default_settings, tuning_settings
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import (
    NEURAL,
    choose_checkpoint,
    find_checkpoint,
    save_model,
    versions,
)
from foretype.train.neural.training.from_bundle import bundle_shape, start_from_bundle
from foretype.train.neural.training.pace import measure_pace
from foretype.train.neural.training.processes import join
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.ngrams.estimate import estimate_ngram, train_ngram
from foretype.train.ngrams.from_bundle import bundle_tables, mix
from foretype.train.ngrams.perplexity import ngram_perplexity
from foretype.train.ngrams.tables import load_tables, write_tables
from foretype.train.recipe import Recipe, Settings, make_recipe, stored_recipe
from foretype.train.run_text import ALL, FIRST, MIX, RUN, VALID, RunText, names
from foretype.train.text.shards import read_stream
from foretype.train.text.tokenizer import (
    count_sources,
    extend_text_form,
    learn_text_form,
    load_text_form,
    save_text_form,
)

REPORT, CASE, NGRAM = "report.json", "case.json", "ngram.safetensors"
START, STAGE, TUNED = "start", "first", "tuned"
_NGRAM_TOKENS = 50_000


class Progress(Protocol):
    """Receives the progress of a run."""

    def step(self, message: str) -> None:
        """Called when a step, or the next part of one, begins."""

    def ready(self, run: Run, ngram: Mapping[str, Any]) -> None:
        """Called before neural training, with the figures of the n-gram model."""

    def training(self, report: Any, total_tokens: int) -> None:
        """Called with each `foretype.train.neural.training.trainer.Report` of the neural training."""


def _name(file: Path) -> str:
    """The absolute path of a file, so that the run can be resumed from any folder."""
    return str(file if file == STANDARD_INPUT else file.resolve())


class Run:
    """A training run in `folder`.

    recipe: all settings; None lets them follow from the text (`foretype.train.defaults`), or takes those of the run
        that is resumed. settings: override the ones that follow.
    files, valid: text to train on and to measure on. Without `valid`, a part of the lines is held out. A run that is
        resumed without `files` uses its own.
    keep_lines: keep line breaks also where they look like those of paragraphs broken at a fixed width.
    start: folder of a bundle; its vocabulary is extended, its network fine-tuned, and the better of that and a new
        network is kept.
    minutes: how long the run may take in all; None for as long as the text deserves.

    Raises CheckpointError if the folder holds a run and `resume` is not set, or a run with other text or settings;
    CorpusError if text is missing; ConfigError if a setting is invalid.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe | None,
        files: list[Path],
        valid: list[Path],
        *,
        resume: bool,
        settings: Settings | None = None,
        keep_lines: bool = False,
        start: Path | None = None,
        minutes: float | None = None,
    ) -> None:
        self.folder, self._settings, self._minutes = folder, settings or {}, minutes
        stored = folder / RUN
        before: dict[str, Any] = {}
        found = stored.exists()
        if found:
            if not resume:
                raise CheckpointError(f"{folder}: already holds a run; add --resume, or name another folder")
            recipe = recipe or stored_recipe(stored, settings)
            before = _read(stored)
        elif (folder / CASE).exists():
            raise CheckpointError(f"{folder}: holds {CASE} but no {RUN}, so it is not a run; name another folder")
        elif resume and not files:
            raise CheckpointError(f"{folder}: holds no run to resume; name the text to train on")
        checked = TrainConfig(**(recipe or make_recipe({}, settings)).training)
        if found and not files:
            files, valid = ([Path(name) for name in before.get(kind, [])] for kind in ("files", "valid"))
        self.files, self.valid = find_files(files), find_files(valid) if valid else []
        self._recipe = recipe
        self.start = Path(before["start"]) if before.get("start") else start
        self._identity: dict[str, Any] = {
            "files": [_name(file) for file in self.files],
            "valid": [_name(file) for file in self.valid],
            "keep_lines": before.get("keep_lines", keep_lines),
            "start": str(self.start.resolve()) if self.start else "",
            "facts": before.get("facts"),
            "share": before.get("share", 1.0),
            "versions": versions(),
        }
        if found:
            self._check(stored, before)
        elif self.start:
            bundle_shape(self.start)
        if checked.start_from and not (Path(checked.start_from) / MANIFEST).exists():
            find_checkpoint(Path(checked.start_from))
        self._text = RunText(folder, self.files, self.valid, self._identity["keep_lines"])
        self._trainer: Trainer | None = None

    @property
    def recipe(self) -> Recipe:
        """The settings. Without a recipe, they are known when the text has been counted."""
        assert self._recipe is not None
        return self._recipe

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was read: the fields of `TextFacts`, and `joined`, the width of lines by file."""
        return self._identity["facts"] or {}

    def _check(self, stored: Path, before: dict[str, Any]) -> None:
        """Raise CheckpointError if the run was started with other text or settings."""
        try:
            # The device may differ: a run may continue on another machine.
            device = TrainConfig(**self.recipe.training).device
            recipe = stored_recipe(stored, {"training": {"device": device}}).to_json()
            parts = {name: (before[name], self._identity[name]) for name in ("files", "valid")}
        except ConfigError as error:
            raise CheckpointError(str(error)) from error
        except KeyError as error:
            raise CheckpointError(f"{stored}: cannot be read ({error})") from error
        now = self.recipe.to_json()
        for name in ("vocabulary", "ngram", "model", "weights", "text"):
            parts[f"recipe {name}"] = (recipe[name], now[name])
        for name, (then, value) in parts.items():
            if then != value:
                raise CheckpointError(f"{stored}: the run was started with different {name}: {then}, not {value}")

    def train(self, progress: Progress) -> dict[str, Any]:
        """Do the remaining steps and return the report. Raises KeyboardInterrupt after `stop`."""
        processes = join()
        with processes.leader_first():
            self.prepare(progress)
            self.estimate_ngram(progress)
            self._fit_budget(progress)
        ngram = self._ngram_figures()
        if processes.leads:
            progress.ready(self, ngram)
        report = {"ngram": ngram, **self._neural(progress)}
        if processes.leads:
            write_json(self.folder / REPORT, report)
        return report

    def stop(self) -> bool:
        """End neural training after the next step, with a checkpoint; return whether it is going on. For signals."""
        if self._trainer is not None:
            self._trainer.stopping = True
        return self._trainer is not None

    def prepare(self, progress: Progress) -> None:
        """Learn the text form and tokenise the text, unless that is done."""
        self._text_form(progress)
        self._text.write_streams(self.recipe, progress.step)

    def _text_form(self, progress: Progress) -> None:
        if (self.folder / CASE).exists():
            self._recipe = self._recipe or stored_recipe(self.folder / RUN)
            self._identity["facts"] = _read(self.folder / RUN).get("facts")
            return
        given = self._recipe or make_recipe({}, self._settings)
        spread = given.vocabulary.spread
        counts = count_sources(
            self._text.training(), given.weights, spread, lambda name: progress.step(f"words of {name}")
        )
        facts = TextFacts.of(counts[0])
        cuda = torch.cuda.is_available() and TrainConfig(**given.training).device != "cpu"
        base = Bundle.open(self.start).text_form() if self.start else None
        known = len(base.vocabulary) if base else 0
        self._recipe = self._recipe or make_recipe(default_settings(facts, cuda=cuda, known=known), self._settings)
        try:
            form = learn_text_form(counts, self.recipe.vocabulary)
        except CorpusError as error:
            raise CorpusError(f"{names(self.files)}: {error}") from error
        # Read all text before writing anything, so that bad text leaves no files.
        self._text.check_held_out()
        joined = {str(source.file): source.width for source in self._text.sources if source.width}
        self._identity["facts"] = {**asdict(facts), "joined": joined}
        self._write_identity()
        if base:
            form = extend_text_form(base, form)
        save_text_form(form, self.folder)

    def _write_identity(self) -> None:
        seed = TrainConfig(**self.recipe.training).seed
        write_json(self.folder / RUN, {"recipe": self.recipe.to_json(), "seed": seed, **self._identity})

    def estimate_ngram(self, progress: Progress) -> None:
        """Estimate the n-gram tables from the prepared text, unless that is done. Those of `start` are mixed in."""
        path = self.folder / NGRAM
        if path.exists():
            return
        form, stream, config = load_text_form(self.folder), read_stream(self.folder / ALL), self.recipe.ngram
        if self.start is None:
            train_ngram(stream, len(form.vocabulary), config, path, progress.step)
            return
        general = bundle_tables(Bundle.open(self.start), form)
        order = len(general.orders)
        config = replace(config, order=order, prune=config.prune if order == config.order else ())
        own = estimate_ngram(stream, len(form.vocabulary), config, progress.step, self.folder)
        progress.step(f"mixing the n-gram tables with those of {self.start.name}")
        mixed, _ = mix(general, own, read_stream(self.folder / VALID)[:_NGRAM_TOKENS])
        write_tables(path, mixed)

    def _ngram_figures(self) -> dict[str, Any]:
        model = load_tables(self.folder / NGRAM)
        perplexity = ngram_perplexity(model, read_stream(self.folder / VALID)[:_NGRAM_TOKENS])
        size = (self.folder / NGRAM).stat().st_size
        return {"order": len(model.orders), "bytes": size, "validation_perplexity": perplexity}

    def form(self) -> TextForm:
        """The text form, once the run is prepared."""
        return load_text_form(self.folder)

    def models(self) -> dict[str, tuple[ModelConfig, TrainConfig]]:
        """The neural models to train, by the folder of their checkpoints."""
        size, config = len(self.form().vocabulary), TrainConfig(**self.recipe.training)
        shape, models = ModelConfig(size, **self.recipe.model), {}
        if self.recipe.first.tokens:
            tokens = max(1, int(self._identity["share"] * self.recipe.first.tokens))
            models[STAGE] = shape, replace(config, tokens=tokens, schedule="constant")
            config = replace(config, start_from=str(self.folder / STAGE))
        models[NEURAL] = shape, config
        if self.start:
            facts = {name: self.facts[name] for name in ("tokens", "kinds", "repeated")}
            tuning = {**tuning_settings(TextFacts(**facts)), "start_from": str(self.folder / START)}
            tuning["tokens"] = max(1, int(self._identity["share"] * tuning["tokens"]))
            models[TUNED] = ModelConfig(size, **bundle_shape(self.start)), replace(config, **tuning)
        return models

    def seconds(self) -> float:
        """Estimate how long neural training takes, by training a few steps on the side."""
        stream, total = read_stream(self.folder / MIX), 0.0
        for shape, config in self.models().values():
            total += config.tokens / measure_pace(shape, replace(config, start_from=""), stream)
        return total

    def _fit_budget(self, progress: Progress) -> None:
        """Shorten neural training so that it takes `minutes`, if that is less than planned. Done before its start."""
        if self._minutes is None or any((self.folder / name).exists() for name in (STAGE, NEURAL)):
            return
        progress.step("measuring the speed of training")
        share = 60 * self._minutes / max(1e-9, self.seconds())
        if share < 1:
            self._identity["share"] = share
            training = {
                **self.recipe.training,
                "tokens": max(1, int(share * TrainConfig(**self.recipe.training).tokens)),
            }
            self._recipe = replace(self.recipe, training=training)
            self._write_identity()

    def _started(self, config: TrainConfig, shape: ModelConfig) -> TrainConfig:
        """The training settings. If `start_from` is a bundle, convert it to a checkpoint and refer to that."""
        start = self.folder / START
        bundle = Path(config.start_from)
        if self.start and bundle == start:
            bundle = self.start
        if not config.start_from or not (bundle / MANIFEST).exists():
            return config
        if not start.exists():
            torch.manual_seed(config.seed)
            model = LanguageModel(shape)
            start_from_bundle(model, self.form(), bundle)
            save_model(start, model)
        return replace(config, start_from=str(start))

    def _neural(self, progress: Progress) -> dict[str, Any]:
        reports = {}
        for name, (shape, config) in self.models().items():
            if name in (STAGE, TUNED):
                progress.step("fine-tuning the bundled model" if name == TUNED else "first stage of neural training")
            reports[name] = self._train_model(name, shape, config, progress)
        if TUNED not in reports:
            return {"neural": reports[NEURAL]}
        chosen = min((NEURAL, TUNED), key=lambda name: reports[name]["validation_perplexity"])
        if join().leads:
            choose_checkpoint(self.folder, self.folder / chosen)
        return {"neural": reports[chosen], "chosen": chosen, "fresh": reports[NEURAL], "tuned": reports[TUNED]}

    def _train_model(self, name: str, shape: ModelConfig, config: TrainConfig, progress: Progress) -> dict[str, Any]:
        stream = read_stream(self.folder / (FIRST if name == STAGE else MIX))
        valid = read_stream(self.folder / VALID)
        trainer = Trainer(self.folder / name, shape, self._started(config, shape), stream, valid, resume=True)
        # Store settings that may change on resuming, now that the trainer has accepted them.
        before, now = _read(self.folder / RUN), {"recipe": self.recipe.to_json(), "versions": versions()}
        if trainer.processes.leads and any(before.get(part) != value for part, value in now.items()):
            self._write_identity()
        self._trainer = trainer
        for report in recorded(trainer, self.folder if name == NEURAL else self.folder / name):
            progress.training(report, config.tokens)
        self._trainer = None
        if not trainer.finished:
            raise KeyboardInterrupt
        parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
        last, best = trainer.history[-1], trainer.best() or trainer.history[-1]
        return {
            "parameters": parameters,
            **best,
            "tokens": trainer.step * config.batch * config.steps,
            "seconds": trainer.seconds,
            "best_tokens": best["tokens"],
            "last_validation_perplexity": last["validation_perplexity"],
        }


def started_from(folder: Path) -> Bundle | None:
    """The bundle that the run in `folder` started from; None if there was none, or it is gone."""
    start = _read(folder / RUN).get("start") if (folder / RUN).exists() else None
    return Bundle.open(Path(start)) if start and (Path(start) / MANIFEST).exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return dict(value)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
