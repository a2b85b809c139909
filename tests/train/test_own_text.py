"""`foretype train TEXT` without settings: early stop, Ctrl+C, a budget of time, a start from a bundle, resuming."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from corpora import write_corpus
from tiny_model import Quiet
from training import MODEL, RARELY, TEXT, VOCAB

from foretype.export.write_bundle import export_run
from foretype.runtime.bench.benchmark_text import benchmark_text
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.text.languages import LANGUAGES
from foretype.train.neural.training import pace
from foretype.train.neural.training.checkpoint import best_checkpoint, load_model
from foretype.train.neural.training.trainer import Trainer, perplexity
from foretype.train.ngrams.estimate import NgramConfig, estimate_ngram
from foretype.train.ngrams.from_bundle import bundle_tables
from foretype.train.ngrams.perplexity import ngram_perplexity
from foretype.train.ngrams.tables import load_tables
from foretype.train.pipeline import Run
from foretype.train.text.shards import read_stream
from foretype.tui.cli import run as command
from foretype.tui.training_screen import Display, guess_language

SMALL = {
    "model": {"embedding_size": 16, "hidden_size": 16},
    "training": {"batch": 4, "steps": 8, "threads": 1, "tokens": 3200, "validate_steps": 20},
}
OPTIONS = [
    word
    for table, settings in SMALL.items()
    for name, value in settings.items()
    for word in ("--set", f"{table}.{name}={value}")
]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("text") / "mine.txt", 300, seed=5)


class StopAtOnce(Quiet):
    """Progress that stops the run at its first report, as Ctrl+C does."""

    run: Run

    def training(self, report: Any, total_tokens: int) -> None:
        self.run.stop()


def test_training_ends_when_held_out_text_gains_no_more_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(5, VOCAB, 600).astype(np.uint16)
    config = replace(RARELY, tokens=4 * 8 * 2000, samples=0, learning_rate=0.02, validate_steps=10, patience=4)
    trainer = Trainer(tmp_path, MODEL, config, TEXT[:200], noise)
    list(trainer.fit())
    best = trainer.best()
    assert best is not None
    assert trainer.step == best["step"] + 40 < config.total_steps, "four measurements after the best"
    kept = load_model(best_checkpoint(tmp_path))
    with torch.no_grad():
        assert perplexity(kept, noise, rows=1) == pytest.approx(best["validation_perplexity"], rel=0.05)
        assert perplexity(kept, noise, rows=1) < perplexity(trainer.model, noise, rows=1)


def test_a_stopped_run_goes_on_without_its_files_to_the_same_end(text: Path, tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", None, [text], [], resume=False, settings=SMALL).train(Quiet())
    progress = StopAtOnce()
    progress.run = Run(tmp_path / "run", None, [text], [], resume=False, settings=SMALL)
    with pytest.raises(KeyboardInterrupt):
        progress.run.train(progress)
    assert not (tmp_path / "run" / "report.json").exists()
    report = Run(tmp_path / "run", None, [], [], resume=True).train(Quiet())
    for name in ("tokens", "best_tokens", "validation_perplexity", "loss"):
        assert report["neural"][name] == whole["neural"][name]


def test_a_budget_of_minutes_shortens_the_neural_training(text: Path, tmp_path: Path) -> None:
    long = {**SMALL, "training": {**SMALL["training"], "tokens": 50_000_000}}
    run = Run(tmp_path / "run", None, [text], [], resume=False, settings=long, minutes=0.01)
    report = run.train(Quiet())
    assert report["neural"]["tokens"] < 1_000_000
    assert report["neural"]["seconds"] < 20
    assert run.recipe.training["tokens"] < 1_000_000, "the learning rate falls to its end within the budget"


def test_from_a_bundle_the_better_of_a_new_and_a_tuned_network_is_kept(
    text: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(text.read_text(encoding="utf-8").replace("garden", "aardvark"), encoding="utf-8")
    run = Run(tmp_path / "run", None, [file], [], resume=False, settings=SMALL, start=tiny_bundle)
    report = run.train(Quiet())
    perplexities = {name: report[name]["validation_perplexity"] for name in ("fresh", "tuned")}
    assert report["chosen"] == "tuned"
    assert perplexities["tuned"] < 0.8 * perplexities["fresh"], "the bundle knows this kind of text"
    assert report["neural"] == report["tuned"]
    assert best_checkpoint(run.folder) == run.folder / "chosen"
    words = run.form().vocabulary.exact
    assert "aardvark" in words
    base = Bundle.open(tiny_bundle)
    assert set(base.text_form().vocabulary.exact) <= set(words)
    export_run(run.folder, tmp_path / "bundle", check=False)
    made = Bundle.open(tmp_path / "bundle").manifest
    assert made["card"] == base.manifest["card"] | {"description": made["card"]["description"]}
    assert base.name in made["card"]["description"]


def test_from_a_bundle_the_n_gram_tables_of_both_are_mixed(text: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    few, more = tmp_path / "few.txt", tmp_path / "more.txt"
    lines = text.read_text(encoding="utf-8").replace("garden", "aardvark").splitlines(keepends=True)
    few.write_text("".join(lines[:60]), encoding="utf-8")
    more.write_text("".join(lines[60:]), encoding="utf-8")
    run = Run(tmp_path / "run", None, [few], [more], resume=False, settings=SMALL, start=tiny_bundle)
    run.prepare(Quiet())
    run.estimate_ngram(Quiet())
    form, valid = run.form(), read_stream(run.folder / "valid.safetensors")
    alone = estimate_ngram(read_stream(run.folder / "all.safetensors"), len(form.vocabulary), NgramConfig(order=4))
    mixed = load_tables(run.folder / "ngram.safetensors")
    assert ngram_perplexity(mixed, valid) < 0.9 * ngram_perplexity(alone, valid)
    assert ngram_perplexity(mixed, valid) < ngram_perplexity(bundle_tables(Bundle.open(tiny_bundle), form), valid)


def test_ctrl_c_says_how_to_go_on_and_that_command_does(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pace, "_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(Display, "training", lambda *_: signal.raise_signal(signal.SIGINT))
        assert command(["train", str(text), *OPTIONS]) == 130
    said = capsys.readouterr().err
    found = re.search(r"to go on: foretype (train --resume --out runs/mine)\n", said)
    assert found, said
    assert "the bar to beat: n-gram model" in said
    assert command([*found[1].split(), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["neural"]["tokens"] <= 3200
    assert set(report["bundle"]["engines"]) == {"ngram", "neural", "blend"}
    assert (tmp_path / "runs" / "mine" / "bundle" / "manifest.json").exists()


def test_a_folder_that_cannot_be_written_is_one_line_with_what_to_do(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert command(["train", str(text), "--out", str(tmp_path / "file" / "run"), *OPTIONS]) == 1
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert str(tmp_path / "file") in said
    assert said.endswith("name another folder with --out"), "there is nothing to resume yet"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_of_a_text_is_recognised(language: str) -> None:
    assert (guess := guess_language([benchmark_text(language).splitlines()]))
    assert guess[0] == language


def test_a_text_of_no_known_language_or_of_two_is_not_taken_for_one() -> None:
    assert guess_language([["qwx zzkh vvrtp", "ojjow prrx"]]) is None
    assert guess_language([]) is None
    assert guess_language([benchmark_text("de").splitlines(), benchmark_text("nl").splitlines()]) is None
