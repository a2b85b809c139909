"""The command line as a person meets it: output, exit status, one line for every mistake, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from foretype.tui.cli import run, with_command
from foretype.tui.commands.evaluation import enough_words


def foretype(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "foretype.tui.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, check=False)


def in_process(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_path_is_a_file_whatever_its_name() -> None:
    assert with_command(["./sugest"]) == ["pad", "./sugest"]
    assert with_command(["notes.txt"]) == ["pad", "notes.txt"]
    assert with_command(["suggest", "Hi"]) == ["suggest", "Hi"]


def test_suggest_prints_one_word_a_line(tiny_bundle: Path) -> None:
    result = foretype("suggest", "I think that you rem", "--bundle", tiny_bundle)
    assert result.returncode == 0
    assert result.stdout.splitlines()[0] == "remember"
    assert result.stderr == ""


def test_suggest_reads_standard_input_and_prints_json(tiny_bundle: Path) -> None:
    result = foretype("suggest", "-", "--bundle", tiny_bundle, "--json", "-k", 2, stdin="I love ")
    value = json.loads(result.stdout)
    assert value["engine"] == "blend"
    assert len(value["suggestions"]) == 2
    assert set(value["suggestions"][0]) == {"text", "probability", "replaces", "replaces_after"}


def test_a_fallback_is_told_on_standard_error(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    (bundle / "step.onnx").unlink()
    status, out, err = in_process(capsys, "suggest", "I love ", "--bundle", bundle)
    assert status == 0
    assert out
    assert "n-gram model only" in err
    assert err.count("\n") == 1


def test_without_a_terminal_the_pad_says_what_to_use() -> None:
    result = foretype()
    assert result.returncode == 1
    assert "foretype suggest" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["suggest"], 2, "text"),
        (["sugest"], 1, "did you mean 'suggest'? To write a file of that name, use ./sugest"),
        (["personal", "shwo"], 2, "Did you mean 'show'"),
        (["suggest", "x", "-k", "0"], 2, "-k"),
        (["suggest", "x", "--engine", "quantum"], 2, "auto, blend, neural, ngram"),
        (["suggest", "x", "--bundle", "/no/such/folder"], 1, "/no/such/folder"),
        (["suggest", "x", "--frobnicate"], 2, "--frobnicate"),
        (["eval", "/no/such/file.txt"], 1, "/no/such/file.txt"),
        (["generate", "--temperature", "-3"], 2, "temperature"),
        (["generate", "--seed", "-1"], 2, "seed"),
        (["suggest", "a\udcff"], 1, "UTF-8"),
        (["train", "/no/such/file.txt", "--out", "x"], 1, "/no/such/file.txt"),
        (["train"], 2, "name the text"),
        (["train", "--resume"], 2, "--resume --out RUN"),
        (["train", "x.txt", "--out", "x", "--preset", "huge"], 2, "choose from tiny, base, large"),
        (["train", "x.txt", "--out", "x", "--preset", "tiny", "--recipe", "x.toml"], 2, "give only one of the two"),
        (["train", "x.txt", "--out", "x", "--set", "model.layers"], 2, "is not NAME=VALUE or TABLE.NAME=VALUE"),
        (
            ["train", "x.txt", "--out", "x", "--set", "modle.layers=2"],
            1,
            "unknown setting modle; choose from name",
        ),
        (["train", "x.txt", "--out", "x", "--preset", "tiny", "--set", "model.layers=0"], 1, "must be at least 1"),
        (["train", "x.txt", "--out", "x", "--tokens", "0"], 1, "tokens is 0; must be 1 or more"),
        (["train", "plot"], 2, "run"),
        (["train", "plot", "/no/such/run"], 1, "/no/such/run/curves.csv: no such file"),
        (["train", "probe-gradients"], 2, "give either text to train on, or trained runs with --run"),
        (["train", "probe-gradients", "x.txt"], 2, "--out"),
        (["train", "probe-gradients", "x.txt", "--out", "x", "--set", "model.architecture=gru"], 1, "rnn, gru, lstm"),
        (["train", "probe-gradients", "--run", "/no/such/run"], 1, "/no/such/run"),
        (["export", "/no/such/run", "--out", "x"], 1, "/no/such/run"),
    ],
)
def test_mistakes_get_one_clear_line(
    arguments: list[str],
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_bundle: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] in ("eval", "generate"):
        arguments = [*arguments, "--bundle", str(tiny_bundle)]
    found, out, err = in_process(capsys, *arguments)
    assert found == status
    assert words in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert not list(tmp_path.iterdir())


def test_a_source_far_below_the_limit_does_not_count_in_the_mean() -> None:
    assert [enough_words(limit) for limit in (0, 300, 600, 10_000)] == [2500, 240, 480, 2500]


def test_eval_reports_figures(tiny_bundle: Path, corpus: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = in_process(capsys, "eval", corpus[1], "--limit", 300, "--bundle", tiny_bundle, "--json")
    assert status == 0
    report = json.loads(out)
    figures = report["sources"]["valid"]
    assert 0 < figures["plain"]["k1"] <= figures["plain"]["k3"] <= figures["plain"]["limit"]
    assert 1 < figures["tokens"]["perplexity"] < 200
    assert report["mean"]["sources"] == 1  # it has most of the limit
    assert 0 < report["microseconds"]["letter_p50"] <= report["microseconds"]["letter_p99"]
    status, out, _ = in_process(capsys, "eval", corpus[1], "--limit", 300, "--bundle", tiny_bundle)
    assert "keystroke savings" in out


def test_eval_of_a_phrase_set_starts_anew_with_each_line(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("I love music\nWe see the film\n", encoding="utf-8")
    _, out, _ = in_process(capsys, "eval", phrases, "--lines", "--bundle", tiny_bundle, "--json")
    assert json.loads(out)["sources"]["phrases"]["plain"]["documents"] == 2


def test_eval_of_a_typist_reports_words_a_minute(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("I love\nthe film\n", encoding="utf-8")
    arguments = ("eval", text, "--lines", "--bundle", tiny_bundle, "--typist")
    status, out, _ = in_process(capsys, *arguments, "gaze", "--json")
    assert status == 0
    figures = json.loads(out)["text"]
    assert figures["documents"] == 2
    assert list(figures["typists"]) == ["gaze"]
    assert figures["typists"]["gaze"]["best"]["words_per_minute"] > 5
    _, out, _ = in_process(capsys, *arguments, "all")
    assert "words a minute" in out
    assert out.count("scanner") == 2, "one row for each form of the text"
    status, out, err = in_process(capsys, *arguments, "lazy")
    assert (status, out) == (1, "")
    assert "choose from fast, slow, phone, scanner, gaze, all" in err
    for other in ("--writing", "--record"):
        status, out, _ = in_process(capsys, *arguments, "gaze", other)
        assert (status, out) == (2, "")


def test_generate_and_info(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = in_process(capsys, "generate", "I love", "--bundle", tiny_bundle, "--seed", 3, "--tokens", 20)
    assert status == 0
    assert out.startswith("I love ")
    status, out, _ = in_process(capsys, "info", "--bundle", tiny_bundle, "--json")
    facts = json.loads(out)
    assert facts["engine"] == "blend"
    assert facts["figures"]["int8"]["top3_agreement"] > 0.9
    assert "neural_shares" in facts


def test_a_full_disk_or_unwritable_folder_is_one_line(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way", encoding="utf-8")
    status, _, err = in_process(capsys, "export", tiny_run, "--out", blocker / "bundle")
    assert status == 1
    assert "Traceback" not in err
    assert str(blocker) in err


def test_an_altered_run_writes_no_bundle(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    run_copy = shutil.copytree(tiny_run, tmp_path / "run")
    checkpoint = sorted((run_copy / "neural").glob("step-*"))[-1] / "model.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    status, _, err = in_process(capsys, "export", run_copy, "--out", tmp_path / "bundle")
    assert status == 1
    assert "model.safetensors" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_train_takes_a_preset_and_settings_and_draws_its_curves(
    corpus: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    folder = tmp_path / "run"
    sizes = ["vocabulary.size=150", "model.embedding_size=8", "model.hidden_size=8", "model.cell_size=0"]
    training = ["training.batch=4", "training.steps=8", "training.samples=0", "training.threads=1", "name=mine"]
    settings = [word for setting in (*sizes, *training) for word in ("--set", setting)]
    command = ["train", corpus[1], "--out", folder, "--preset", "tiny", *settings, "--tokens", 640, "--device", "cpu"]
    status, out, err = in_process(capsys, *command, "--plot", "--json")
    assert status == 0, err
    assert json.loads(out)["neural"]["tokens"] == 640
    recipe = json.loads((folder / "run.json").read_text(encoding="utf-8"))["recipe"]
    assert recipe["name"] == "mine"
    assert recipe["ngram"]["order"] == 4, "of the preset"
    assert recipe["model"]["hidden_size"] == 8
    assert recipe["training"]["tokens"] == 640
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")

    (folder / "curves.png").unlink()
    status, out, err = in_process(capsys, "train", corpus[1], "--out", folder, "--resume", "--tokens", 704)
    assert status == 0, err
    status, out, err = in_process(capsys, "train", "plot", folder, "--json")
    assert status == 0, err
    assert [row["tokens"] for row in json.loads(out)["curves"]] == [640, 704]
    assert (folder / "curves.png").exists()
    status, out, _ = in_process(capsys, "train", "plot", folder, "--out", tmp_path / "picture.pdf")
    assert out == f"{tmp_path / 'picture.pdf'}: 2 measurements\n"


def test_a_missing_package_for_plots_is_told_before_the_work(
    corpus: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for command in (["train"], ["train", "probe-gradients", "--plot", str(tmp_path / "reach.png")]):
        more = ["--plot"] if command == ["train"] else []
        status, _, err = in_process(capsys, *command, corpus[1], "--out", tmp_path / "run", *more)
        assert status == 1
        assert "pip install 'foretype[plots]'" in err
        assert not list(tmp_path.iterdir())


def test_train_throughput_compares_with_plain_loops(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["vocabulary.size=60", "model.embedding_size=8", "model.hidden_size=8", "training.batch=4"]
    words = [word for setting in settings for word in ("--set", setting)]
    status, out, err = in_process(capsys, "train", "throughput", *words, "--trials", 2, "--json")
    assert status == 0, err
    figures = json.loads(out)
    assert figures["model"]["vocab_size"] == 60
    assert all(len(speeds) == 2 for speeds in figures["tokens_per_second"].values())
    status, out, _ = in_process(capsys, "train", "throughput", *words, "--trials", 1)
    assert "foretype / plain: " in out


@pytest.mark.parametrize(
    "command", ["train", "train characters", "train plot", "train throughput", "train probe-gradients"]
)
def test_help_is_printed_under_the_name_that_was_typed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = in_process(capsys, *command.split(), "--help")
    assert status == 0
    assert out.startswith(f"Usage: foretype {command} [OPTIONS]")
