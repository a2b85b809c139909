"""A whole training run: its folder, its report, and that it comes to the same end however often it is broken off."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from corpora import write_corpus
from killing import finish_despite_kills
from tiny_model import TINY, Quiet

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.text.corpus import STANDARD_INPUT, read_lines
from foretype.train.curves import read_curves
from foretype.train.neural.training.checkpoint import checkpoints, load_training
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.pipeline import Run
from foretype.train.recipe import FirstStage, Recipe, stored_recipe
from foretype.train.text.dropout import TextDropout
from foretype.train.text.shards import document_starts, read_stream
from foretype.train.text.tokenizer import VocabularyConfig, load_text_form

RECIPE = replace(
    TINY,
    model={"embedding_size": 8, "hidden_size": 8},
    weights={"talk": 0.5},
    training={**TINY.training, "tokens": 4096, "checkpoint_seconds": 0},
)


def with_training(**settings: Any) -> Recipe:
    return replace(RECIPE, training={**RECIPE.training, **settings})


SAME = ("run.json", "tokenizer.json", "case.json", "all", "mix", "valid", "ngram", "model", "training")


class BrokenOff(Exception):  # noqa: N818
    """What breaks off a run."""


class BreakAt(Quiet):
    """Progress that breaks off the run at its n-th message."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.said: list[str] = []

    def step(self, message: str) -> None:
        self.said.append(message)
        self.left -= 1
        if not self.left:
            raise BrokenOff


def files(folder: Path) -> list[Path]:
    return [folder / "talk.txt", folder / "mail.txt"]


def run_here(folder: Path) -> None:
    """What a process does that is to be killed: start the run, or go on with it."""
    Run(folder, RECIPE, files(folder.parent), [], resume=True).train(Quiet())


def results(run: Path) -> dict[str, bytes]:
    """The content of every file whose content does not depend on the clock."""
    newest = sorted((run / "neural").glob("step-*"))[-1]
    paths = [path for path in (*run.iterdir(), *newest.iterdir()) if path.stem in SAME or path.name in SAME]
    assert len(paths) == len(SAME)
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sources."""
    folder = tmp_path_factory.mktemp("text")
    for seed, file in enumerate(files(folder)):
        write_corpus(file, 400, seed)
    return folder


@pytest.fixture(scope="module")
def finished(text: Path) -> Path:
    """An uninterrupted run."""
    run_here(text / "finished")
    return text / "finished"


def test_a_run_leaves_its_files_and_a_report(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    streams = {"all.safetensors", "mix.safetensors", "valid.safetensors"}
    texts = {"run.json", "tokenizer.json", "case.json", "report.json"}
    assert names - {"tensorboard"} == streams | texts | {"ngram.safetensors", "neural", "curves.csv", "held_out.txt"}
    report = json.loads((finished / "report.json").read_text(encoding="utf-8"))
    assert report["ngram"]["order"] == 3
    assert report["ngram"]["bytes"] == (finished / "ngram.safetensors").stat().st_size
    assert 1 < report["ngram"]["validation_perplexity"] < 60
    assert report["neural"]["tokens"] == 4096
    assert 1 < report["neural"]["validation_perplexity"] < 200
    assert report["neural"]["parameters"] > 8 * len(load_text_form(finished).vocabulary)


def test_a_first_stage_reads_another_mix_and_hands_its_weights_to_the_training(text: Path, tmp_path: Path) -> None:
    staged = replace(with_training(validate_steps=2), first=FirstStage(tokens=2048, weights={"talk": 0.0}))
    report = Run(tmp_path / "run", staged, files(text), [], resume=False).train(Quiet())
    everything, first = read_stream(tmp_path / "run/all.safetensors"), read_stream(tmp_path / "run/first.safetensors")
    assert 0.3 * len(everything) < len(first) < 0.7 * len(everything)
    assert report["neural"]["tokens"] == 4096
    *_, last = read_curves(tmp_path / "run/first/curves.csv")
    assert last["learning_rate"] == TrainConfig(**RECIPE.training).learning_rate, "no decay"
    (_, before), (_, after) = (load_training(tmp_path / "run" / name) for name in ("first", "neural"))
    best = min(entry["validation_perplexity"] or math.inf for entry in before.history)
    assert after.history[0]["step"] == 0, "measured before its first step"
    assert after.history[0]["validation_perplexity"] == best


def test_every_version_of_the_text_is_another_choice_of_documents(text: Path, finished: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, text=TextDropout(versions=2))
    Run(tmp_path / "run", recipe, files(text), [], resume=False).prepare(Quiet())
    once, twice = read_stream(finished / "mix.safetensors"), read_stream(tmp_path / "run/mix.safetensors")
    everything = read_stream(finished / "all.safetensors")
    assert 1.8 * len(once) < len(twice) < 2.3 * len(once)
    documents = {part.tobytes() for part in np.split(twice, document_starts(twice)[1:])}
    first = {part.tobytes() for part in np.split(once, document_starts(once)[1:])}
    whole = {part.tobytes() for part in np.split(everything, document_starts(everything)[1:])}
    assert first < documents <= whole, "the second version adds documents that the first one left out"


def test_every_version_of_the_text_changes_other_documents(text: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, weights={}, text=TextDropout(plain=0.5, versions=2))
    Run(tmp_path / "run", recipe, files(text), [], resume=False).prepare(Quiet())
    mix, everything = read_stream(tmp_path / "run/mix.safetensors"), read_stream(tmp_path / "run/all.safetensors")
    documents = {part.tobytes() for part in np.split(mix, document_starts(mix)[1:])}
    whole = {part.tobytes() for part in np.split(everything, document_starts(everything)[1:])}
    as_written = len(whole & documents) / len(whole)
    assert 0.6 < as_written < 0.9, "three quarters are left as they are in one version or in both; half in a single one"


def test_weights_thin_what_the_neural_model_reads_and_nothing_else(finished: Path) -> None:
    everything, mix = read_stream(finished / "all.safetensors"), read_stream(finished / "mix.safetensors")
    assert 0.6 * len(everything) < len(mix) < 0.9 * len(everything)


def test_without_validation_text_lines_are_held_out_that_training_never_sees(text: Path, finished: Path) -> None:
    lines = [line for file in files(text) for line in read_lines(file) if line]
    form = load_text_form(finished)

    def stored(name: str) -> set[tuple[int, ...]]:
        ids = read_stream(finished / name).tolist()
        return {tuple(line) for line in split(ids)}

    held_out, trained = stored("valid.safetensors"), stored("all.safetensors")
    assert not held_out & trained
    assert held_out | trained == {tuple(form.encode_text(line)[0]) for line in lines}
    assert 0.04 * len(lines) < len(held_out) < 0.2 * len(lines), "one in eight of a small text"


def split(ids: list[int]) -> list[list[int]]:
    """The lines of a stream, without marks."""
    lines: list[list[int]] = [[]]
    for token in ids:
        if token == 2:
            lines.append([])
        elif token != 1:
            lines[-1].append(token)
    return lines[:-1]


def test_the_curves_are_those_of_the_checkpoints(finished: Path) -> None:
    rows = read_curves(finished / "curves.csv")
    newest = checkpoints(finished / "neural")[-1]
    assert rows == json.loads((newest / "progress.json").read_text(encoding="utf-8"))["history"]
    assert [row["step"] for row in rows] == list(range(1, 17))
    assert all(row["gradient_norm"] > 0 and row["validation_perplexity"] > 1 for row in rows)


def test_a_run_remembers_seed_versions_and_every_setting(finished: Path) -> None:
    stored = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert stored["seed"] == 1
    assert torch.__version__.startswith(stored["versions"]["torch"].split("+")[0])
    assert set(stored["versions"]) >= {"python", "torch", "numpy", "foretype"}
    assert stored["recipe"]["training"]["learning_rate"] == 0.01
    assert stored["recipe"]["training"]["clip"] == 1.0, "defaults too"
    assert stored_recipe(finished / "run.json").to_json() == RECIPE.to_json()


def test_settings_that_may_change_are_remembered_when_a_run_goes_on(text: Path, finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    with pytest.raises(CheckpointError, match="training seed"):
        Run(folder, with_training(tokens=4608, seed=2), files(text), [], resume=True).train(Quiet())
    assert stored_recipe(folder / "run.json").training["tokens"] == 4096, "refused, so not remembered"
    Run(folder, with_training(tokens=4608), files(text), [], resume=True).train(Quiet())
    assert stored_recipe(folder / "run.json").training["tokens"] == 4608
    assert [row["step"] for row in read_curves(folder / "curves.csv")] == list(range(1, 19))


def test_a_run_from_another_machine_goes_on_with_the_device_at_hand(text: Path, finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    stored["recipe"]["training"]["device"] = "cuda"
    (folder / "run.json").write_text(json.dumps(stored), encoding="utf-8")
    recipe = stored_recipe(folder / "run.json", {"training": {"device": "cpu"}})
    assert Run(folder, recipe, files(text), [], resume=True).train(Quiet())["neural"]["tokens"] == 4096


def test_a_run_is_not_started_twice(text: Path, finished: Path) -> None:
    with pytest.raises(CheckpointError, match="already holds a run; add --resume, or name another folder"):
        Run(finished, RECIPE, files(text), [], resume=False)


def test_a_finished_run_resumed_stays_as_it_is(text: Path, finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    report = Run(folder, RECIPE, files(text), [], resume=True).train(Quiet())
    assert results(folder) == results(finished)
    assert report == json.loads((finished / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("changes", "valid", "message"),
    [
        (
            {"vocabulary": VocabularyConfig(size=100)},
            False,
            r"run\.json: the run was started with different recipe vocabul",
        ),
        ({"weights": {}}, False, "started with different recipe weights: {'talk': 0.5}"),
        ({}, True, r"started with different valid: \[\]"),
    ],
)
def test_a_run_is_not_continued_with_other_text_or_settings(
    text: Path, finished: Path, changes: dict[str, object], valid: bool, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        Run(finished, replace(RECIPE, **changes), files(text), files(text) if valid else [], resume=True)  # type: ignore[arg-type]


def test_other_training_settings_are_refused_by_name(text: Path, finished: Path) -> None:
    run = Run(finished, with_training(seed=2), files(text), [], resume=True)
    with pytest.raises(CheckpointError, match="was started with training seed 1, not 2"):
        run.train(Quiet())


def test_settings_are_checked_before_anything_is_read_or_written(text: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="precision is 'fp16'"):
        Run(tmp_path / "run", with_training(precision="fp16"), files(text), [], resume=False)
    with pytest.raises(CorpusError, match="no such file"):
        Run(tmp_path / "run", RECIPE, [tmp_path / "nowhere.txt"], [], resume=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["{", "[1]", '{"files": []}'])
def test_a_damaged_record_of_the_run_is_refused_by_name(text: Path, tmp_path: Path, damage: str) -> None:
    (tmp_path / "run.json").write_text(damage, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"run\.json: cannot be read"):
        Run(tmp_path, RECIPE, files(text), [], resume=True)


def test_a_folder_that_is_no_run_is_left_alone(text: Path, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"holds case\.json but no run\.json, so it is not a run"):
        Run(tmp_path, RECIPE, files(text), [], resume=True)


def test_broken_off_between_any_two_steps_a_run_ends_the_same(text: Path, finished: Path, tmp_path: Path) -> None:
    whole = BreakAt(0)
    Run(tmp_path / "whole", RECIPE, files(text), [], resume=False).train(whole)
    assert len(whole.said) >= 8
    # Each start gets one message further than the one before; what is done already sends none.
    folder = tmp_path / "run"
    for number in range(1, len(whole.said) + 1):
        progress = BreakAt(number)
        try:
            Run(folder, RECIPE, files(text), [], resume=True).train(progress)
        except BrokenOff:
            continue
        break
    assert results(folder) == results(tmp_path / "whole") == results(finished)


def test_killed_at_any_moment_a_run_ends_the_same(text: Path, finished: Path) -> None:
    struck = finish_despite_kills(run_here, text / "killed", within=1.0, seed=2, kills=6)
    assert struck
    assert results(text / "killed") == results(finished)


def test_standard_input_is_kept_with_the_run(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, folder = files(text)[1], tmp_path / "run"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    with pytest.raises(BrokenOff):
        Run(folder, RECIPE, [STANDARD_INPUT], [], resume=False).train(BreakAt(3))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"something else")))
    Run(folder, RECIPE, [STANDARD_INPUT], [], resume=True).train(Quiet())
    Run(tmp_path / "other", RECIPE, [file], [], resume=False).train(Quiet())
    ours, theirs = results(folder), results(tmp_path / "other")
    del ours["run.json"], theirs["run.json"]
    assert ours == theirs
    assert (folder / "stdin.txt").read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_bad_text_on_standard_input_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"fine\nb\xe4d\n")))
    with pytest.raises(CorpusError, match="standard input, line 2: byte 0xe4"):
        Run(tmp_path / "run", RECIPE, [STANDARD_INPUT], [], resume=False).train(Quiet())
    assert not (tmp_path / "run").exists()
