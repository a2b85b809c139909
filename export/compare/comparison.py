"""Trains every model of the ladder on the same text, exports it, and measures the bundle.

A comparison is a folder:

    settings.json               the budget and the text that it was started with
    text/                       the text form and the token streams, shared by all models
    models/NAME/                a run and its bundle, with the figures in trained.json and result.json
    table.json, table.md        all results
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from foretype.export.compare.character_rung import evaluate_character_rung, train_character_rung
from foretype.export.compare.every_model import Members, fit_every, load_every
from foretype.export.compare.ladder import LADDER, Rung
from foretype.export.compare.training import fit_within
from foretype.export.write_bundle import export_run
from foretype.export.write_character_bundle import export_characters
from foretype.runtime.characters.word_search import CharacterModel
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.evaluation.documents import count_words
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.evaluation.perplexity import evaluate_tokens
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.files.tensors import read_tables
from foretype.runtime.model import Model, load
from foretype.runtime.text.corpus import Document, find_files, read_documents, source_name
from foretype.train import pipeline, run_text
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import NEURAL
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.ngrams.estimate import NgramConfig, train_ngram
from foretype.train.text.shards import build_stream, read_stream, shuffle_documents, write_stream
from foretype.train.text.tokenizer import (
    VocabularyConfig,
    count_sources,
    learn_text_form,
    load_text_form,
    save_text_form,
)

SETTINGS, TRAINED, RESULT = "settings.json", "trained.json", "result.json"
_TEXT, _MODELS, _BUNDLE = "text", "models", "bundle"
_ENGINES: dict[str, EngineName] = {"n-gram": "ngram", "neural": "neural", "blend": "blend"}
_PIECE = 100
_VALID_CAP = 4_000


@dataclass(frozen=True)
class Budget:
    """What every model of a comparison gets.

    words: of training text, the same for all models.
    vocabulary: number of tokens.
    passes: of neural training over the text.
    minutes: limit of a neural model's training time; a model that is stopped there is measured as it is.
    embedding_size, hidden_size: of neural models, unless their rung says otherwise.
    batch, steps, samples, learning_rate: of neural training (see `TrainConfig`).
    test_words: of each source of the test text.
    threads: CPU threads of each training.
    seed: fixes the text and every training.
    """

    words: int = 2_000_000
    vocabulary: int = 10_000
    passes: int = 3
    minutes: float = 8.0
    embedding_size: int = 128
    hidden_size: int = 256
    batch: int = 64
    steps: int = 32
    samples: int = 1_000
    learning_rate: float = 12e-3
    test_words: int = 2_000
    threads: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0 and not (name == "samples" and value == 0):
                raise ConfigError(f"{name} is {value}; must be above 0")


class Comparison:
    """A comparison in `folder`. Finished parts are not repeated.

    files, valid, test: text to train on, to fit blend weights on, and to measure on.
    weights: source name -> share of its text, as in a recipe.

    Raises CheckpointError if the folder holds a comparison with other settings, CorpusError if text is missing.
    """

    def __init__(
        self,
        folder: Path,
        budget: Budget,
        files: list[Path],
        valid: list[Path],
        test: list[Path],
        weights: Mapping[str, float],
    ) -> None:
        self.folder, self.budget, self.weights = folder, budget, dict(weights)
        self.files, self.valid, self.test = find_files(files), find_files(valid), find_files(test)
        settings = {
            "budget": asdict(budget),
            "weights": self.weights,
            "files": [file.name for file in self.files],
            "valid": [file.name for file in self.valid],
            "test": [file.name for file in self.test],
        }
        stored = folder / SETTINGS
        if stored.exists():
            before = _read(stored)
            for name, value in settings.items():
                if before.get(name) != value:
                    raise CheckpointError(f"{stored}: started with different {name}: {before.get(name)}, not {value}")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(stored, settings)

    def run(self, rungs: list[Rung], jobs: int = 1, done: Callable[[str], None] = lambda _: None) -> None:
        """Train, export and measure `rungs`, `jobs` at a time; call `done` with the name of each finished rung."""
        self.prepare()
        singles = [rung for rung in rungs if rung.parts is None]
        blends = [rung for rung in rungs if rung.parts is not None]
        for group in (singles, blends):
            for name in self._measured(group, jobs):
                done(name)
        for rung in rungs:  # one after the other, so that nothing else disturbs the times
            self._time(rung)

    def _measured(self, rungs: list[Rung], jobs: int) -> Iterator[str]:
        """Measure `rungs`; yield the name of each when it is finished."""
        if jobs == 1:
            for rung in rungs:
                self.measure(rung)
                yield rung.name
            return
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            tasks = {pool.submit(self.measure, rung): rung.name for rung in rungs}
            for task in as_completed(tasks):
                task.result()
                yield tasks[task]

    def results(self, rungs: list[Rung]) -> list[dict[str, Any]]:
        """Read the results of the finished `rungs`."""
        found = [self._folder(rung) / RESULT for rung in rungs]
        return [_read(path) for path in found if path.exists()]

    def prepare(self) -> None:
        """Choose the text, learn its vocabulary, and write the token streams."""
        text = self.folder / _TEXT
        if (text / run_text.VALID).exists():
            return
        text.mkdir(exist_ok=True)
        chosen = self._choose_text()
        counts = count_sources(chosen.items(), {})
        save_text_form(learn_text_form(counts, VocabularyConfig(size=self.budget.vocabulary)), text)
        stream = build_stream(chosen.items(), text)
        write_stream(text / run_text.ALL, shuffle_documents(stream, self.budget.seed))
        texts = ((source_name(file), read_documents(file)) for file in self.valid)
        write_stream(text / run_text.VALID, build_stream(texts, text, cap=_VALID_CAP))

    def _choose_text(self) -> dict[str, list[Document]]:
        """Choose about `budget.words` words, in pieces of documents from all parts of the text, by source weight."""
        pieces = {source_name(file): list(_pieces(file)) for file in self.files}
        weighted = {
            name: self.weights.get(name, 1.0) * sum(map(count_words, documents)) for name, documents in pieces.items()
        }
        total = sum(weighted.values())
        if not total:
            raise CorpusError(f"{self.files[0]}: no words to compare on")
        chosen: dict[str, list[Document]] = {}
        for name, documents in pieces.items():
            left = self.budget.words * weighted[name] / total
            chosen[name] = []
            for document in random.Random(f"{self.budget.seed} {name}").sample(documents, len(documents)):
                if left <= 0:
                    break
                chosen[name].append(document)
                left -= count_words(document)
        return chosen

    def _folder(self, rung: Rung) -> Path:
        return self.folder / _MODELS / rung.slug

    def measure(self, rung: Rung) -> None:
        """Train, export and measure one rung, unless that is done."""
        folder, text = self._folder(rung), self.folder / _TEXT
        if (
            rung.every
            and (folder / TRAINED).exists()
            and {*_read(folder / TRAINED)["weights"]} != {*(rung.parts or ())}
        ):
            for name in (RESULT, TRAINED):  # it was the blend of other models
                (folder / name).unlink(missing_ok=True)
        if (folder / RESULT).exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer.json", "case.json", run_text.ALL, run_text.VALID):
            _link(text / name, folder / name)
        if not (folder / TRAINED).exists():
            write_json(folder / TRAINED, self._train(rung, folder))
        if rung.family == "characters" and not (folder / _BUNDLE).exists():
            export_characters(folder, folder / _BUNDLE, check=False)
        elif not rung.every and not (folder / _BUNDLE).exists():
            export_run(
                folder, folder / _BUNDLE, neural=rung.ngram is None, cache=rung.cache, bits=rung.bits, check=False
            )
        facts = {"name": rung.name, "family": rung.family} | _read(folder / TRAINED)
        write_json(folder / RESULT, facts | self._evaluate(rung))

    def _train(self, rung: Rung, folder: Path) -> dict[str, Any]:
        """Train the parts of a rung in its folder; return their figures."""
        if rung.every:
            members = self._members(rung.parts)
            weights = fit_every(members, read_stream(folder / run_text.VALID))
            facts = [_read(path.parent / TRAINED) for name, (path, _) in members.items() if weights[name]]
            sums = {name: sum(part[name] for part in facts) for name in ("parameters", "training_seconds")}
            return sums | {"weights": weights}
        if rung.parts:
            neural, ngram = (self.folder / _MODELS / Rung(name, "").slug for name in rung.parts)
            _link(ngram / pipeline.NGRAM, folder / pipeline.NGRAM)
            _link(neural / NEURAL, folder / NEURAL)
            facts = [_read(part / TRAINED) for part in (neural, ngram)]
            return {name: facts[0][name] + facts[1][name] for name in ("parameters", "training_seconds")}
        if rung.family == "characters":
            documents = [document for source in self._choose_text().values() for document in source]
            held_out = [next(_pieces(file)) for file in self.valid]
            training = self._settings(rung) | {"checkpoint_seconds": 60.0}
            limits = (self.budget.passes * rung.passes, self.budget.minutes * rung.passes)
            return train_character_rung(folder, documents, held_out, rung.model, training, *limits)
        stream, size = read_stream(folder / run_text.ALL), len(load_text_form(folder).vocabulary)
        begin = time.monotonic()
        if not (folder / pipeline.NGRAM).exists():
            train_ngram(stream, size, rung.ngram or NgramConfig(order=1), folder / pipeline.NGRAM)
        if rung.ngram:
            return {
                "parameters": _entries(folder / pipeline.NGRAM),
                "training_seconds": round(time.monotonic() - begin, 1),
            }
        trainer = self._trainer(rung, folder, stream, size)
        return fit_within(trainer, self.budget.minutes * rung.passes)

    def _trainer(self, rung: Rung, folder: Path, stream: np.ndarray, size: int) -> Trainer:
        budget = self.budget
        shape = {"embedding_size": budget.embedding_size, "hidden_size": budget.hidden_size, **rung.model}
        settings = {"tokens": budget.passes * rung.passes * len(stream), **self._settings(rung)}
        valid = read_stream(folder / run_text.VALID)
        config, training = ModelConfig(size, **shape), TrainConfig(**settings)
        return Trainer(folder / NEURAL, config, training, stream, valid, resume=True)

    def _settings(self, rung: Rung) -> dict[str, Any]:
        """The training settings of a rung, except its length."""
        names = ("batch", "steps", "samples", "learning_rate", "seed", "threads")
        return {**{name: getattr(self.budget, name) for name in names}, **rung.training}

    def _evaluate(self, rung: Rung) -> dict[str, Any]:
        """Measure perplexity, next-word accuracy and keystroke savings on the test text.

        They are means over sources with equal weights; the mean of perplexities is geometric.
        """
        model = self._load(rung)
        if isinstance(model, CharacterModel):
            return evaluate_character_rung(model, self._test_texts())
        figures = []
        for documents in self._test_texts():
            tokens = evaluate_tokens(model, documents).figures()
            savings = evaluate_keystrokes(model, documents, "plain").savings()
            figures.append({name: tokens[name] for name in ("top1", "top3")} | {"k3": savings["k3"]})
            figures[-1]["log_perplexity"] = float(np.log(tokens["perplexity"]))
        mean = {name: float(np.mean([row[name] for row in figures])) for name in figures[0]}
        bundles = [self._folder(rung) / _BUNDLE]
        if rung.every:
            weights = _read(self._folder(rung) / TRAINED)["weights"]
            bundles = [path for name, (path, _) in self._members(rung.parts).items() if weights[name]]
        files = [file for bundle in bundles for file in bundle.iterdir() if file.name != "manifest.json"]
        return {
            "bytes": sum(file.stat().st_size for file in files),
            "perplexity": float(np.exp(mean["log_perplexity"])),
            "top1": mean["top1"],
            "top3": mean["top3"],
            "keystroke_savings": mean["k3"],
        }

    def _members(self, names: tuple[str, ...] | None) -> Members:
        """The bundles of the single models `names`, with their engines."""
        chosen = [rung for rung in LADDER if rung.name in (names or ())]
        return {rung.name: (self._folder(rung) / _BUNDLE, _ENGINES[rung.family]) for rung in chosen}

    def _load(self, rung: Rung) -> Model | CharacterModel:
        if rung.family == "characters":
            return CharacterModel(Bundle.open(self._folder(rung) / _BUNDLE))
        if rung.every:
            return load_every(self._members(rung.parts), _read(self._folder(rung) / TRAINED)["weights"])
        return load(self._folder(rung) / _BUNDLE, engine=_ENGINES[rung.family])

    def _test_texts(self, words: int = 0) -> Iterator[list[Document]]:
        """Yield the documents of each test file, up to `words` words (by default those of the budget)."""
        for file in self.test:
            documents: list[Document] = []
            left = words or self.budget.test_words
            for document in _pieces(file):
                documents.append(document)
                left -= count_words(document)
                if left <= 0:
                    break
            if documents:
                yield documents

    def _time(self, rung: Rung) -> None:
        """Measure the time of a suggestion on a small part of the test text, unless it is known."""
        path = self._folder(rung) / RESULT
        result = _read(path)
        if "microseconds" in result:
            return
        documents = [document for text in self._test_texts(self.budget.test_words // 10) for document in text]
        write_json(path, result | {"microseconds": evaluate_keystrokes(self._load(rung), documents, "plain").times()})


def _pieces(file: Path) -> Iterator[Document]:
    """Yield the documents of `file`, in pieces of at most a hundred lines."""
    for document in read_documents(file):
        for begin in range(0, len(document), _PIECE):
            yield document[begin : begin + _PIECE]


def _read(path: Path) -> Any:
    """Read a JSON file of the comparison. Raises CheckpointError if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error


def _link(target: Path, link: Path) -> None:
    if not link.exists():
        link.symlink_to(os.path.relpath(target, link.parent))


def _entries(path: Path) -> int:
    """Count the n-grams in a tables file."""
    tables, _ = read_tables(path)
    return sum(table.size for name, table in tables.items() if name.startswith("probs."))
