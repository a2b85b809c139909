"""`foretype bench` and `foretype bench report` as a person meets them; no test asks how fast anything is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from foretype.runtime.bench.benchmark_text import benchmark_text
from foretype.runtime.bench.result import Result
from foretype.tui.cli import run

WORDS = len(benchmark_text().split())


def in_process(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run([str(argument) for argument in arguments])
    captured = capfd.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def result_file(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of two trials of three configurations."""
    path = tmp_path_factory.mktemp("bench") / "result.json"
    options = ["--engine", "blend,ngram", "--threads", "1", "--threads", "2", "--trials", "2"]
    assert run(["bench", "--bundle", str(tiny_bundle), *options, "--out", str(path)]) == 0
    return path


def test_a_result_holds_every_configuration_whole(result_file: Path) -> None:
    result = Result.read(result_file)
    assert [(m.engine, m.precision, m.provider, m.threads) for m in result.measurements] == [
        ("blend", "int8", "cpu", 1),
        ("blend", "int8", "cpu", 2),
        ("ngram", None, None, 1),
    ]
    for measurement in result.measurements:
        assert measurement.boundary.keystrokes == result.trials * WORDS == sum(measurement.boundary.histogram.counts)
        assert len(measurement.cold_start_ms.trials) == result.trials
        assert (measurement.floor is None) == (measurement.batches == ()) == (measurement.engine == "ngram")
        assert measurement.notice is None


def test_json_tables_comparison_and_plot_come_from_one_run(
    result_file: Path, tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "bench.png"
    common = ["bench", "--engine", "ngram", "--bundle", tiny_bundle, "--trials", "1", "--compare", result_file]
    status, out, err = in_process(capfd, *common, "--json", "--plot", picture)
    assert (status, err) == (0, "")
    value = json.loads(out)
    assert Result.from_json(value).trials == 1
    told = {row["verdict"] for row in value["comparison"]}
    assert all(words in ("same within noise", "unknown: too few trials") or "no verdict" in words for words in told)
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, out, err = in_process(capfd, *common)
    assert (status, err) == (0, "")
    for words in ("CPU: ", "versions: python", "tiny, ngram", "word boundary", "waited", "against 20", "verdict"):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--engine", "blend,quantum"], 2, "'quantum'; choose from auto, blend, neural, ngram"),
        (["--threads", "1,none"], 2, "expected whole numbers of at least 1"),
        (["--provider", "abacus"], 1, "'abacus' is not available; this machine offers: auto, "),
        (["--bundle", "/no/such/bundle"], 1, "/no/such/bundle"),
        (["--compare", "/no/such/result.json"], 1, "/no/such/result.json: No such file"),
        (["--against", "/no/such/build"], 1, "/no/such/build: expected a Python of another environment"),
        (["--answers", "/no/such/answers.json"], 1, "/no/such/answers.json: No such file"),
        (["--plot", "picture.doc"], 1, "picture.doc: unknown image type; expected an ending of .png"),
        (["--out", "/no/such/folder/x.json"], 1, "/no/such/folder/x.json"),
        (["--trials", "0"], 2, "--trials"),
    ],
)
def test_a_mistake_is_one_line_before_any_work(
    arguments: list[str], status: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found, out, err = in_process(capfd, "bench", *arguments)
    assert (found, out) == (status, "")
    assert words in err
    assert err.count("\n") == 1


def test_answers_are_written_once_and_checked_in_each_run(
    tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    golden = tmp_path / "answers.json"
    status, out, _ = in_process(capfd, "bench", "--bundle", tiny_bundle, "--write-answers", golden)
    assert (status, out.count("\n")) == (0, 1)
    options = ["--bundle", tiny_bundle, "--engine", "ngram", "--trials", "1", "--answers", golden]
    status, out, _ = in_process(capfd, "bench", *options)
    assert status == 0
    assert "60 of 60" in out


def test_an_engine_that_stands_in_for_another_is_named(
    tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    (bundle / "step.onnx").unlink()
    status, out, _ = in_process(capfd, "bench", "--engine", "auto", "--bundle", bundle, "--trials", "1")
    assert status == 0
    assert "bundle, ngram: n-gram model only:" in out


@pytest.mark.parametrize("ending", [".md", ".html"])
def test_a_report_leaves_out_what_is_no_result_with_a_line_for_each(
    ending: str, result_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = result_file.read_text(encoding="utf-8")
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "good.json").write_text(text, encoding="utf-8")
    for name, size in (("empty", 0), ("cut", 1000), ("almost", len(text) - 3)):
        (folder / f"{name}.json").write_text(text[:size], encoding="utf-8")
    (folder / "other.json").write_text('{"version": 99}')
    page = tmp_path / f"page{ending}"
    status, out, err = in_process(capfd, "bench", "report", folder, tmp_path / "missing.json", "--out", page)
    assert status == 0
    assert len(err.splitlines()) == 5
    for name in ("empty", "cut", "almost", "other", "missing"):
        assert any(f"{name}.json: " in line for line in err.splitlines())
    assert "1 result" in out
    written = page.read_text(encoding="utf-8")
    assert Result.read(result_file).device.name in written
    assert written.split("<svg")[0].count("tiny, ") == 3


def test_a_report_of_nothing_readable_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = in_process(capfd, "bench", "report", tmp_path)
    assert (status, out) == (1, "")
    assert "none of the files" in err


def test_a_report_prints_markdown_or_json(result_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = in_process(capfd, "bench", "report", result_file, result_file)
    assert status == 0
    assert out.count("tiny, blend, int8, cpu, 2 threads") == 2
    status, out, _ = in_process(capfd, "bench", "report", result_file, "--json")
    assert len(json.loads(out)["rows"]) == 3


def test_a_sweep_is_measured_beside_the_bundle_and_what_is_missing_is_skipped(
    tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One run of a sweep, many fields, and a provider that no machine has."""
    out, plot = tmp_path / "result.json", tmp_path / "sweep.svg"
    options = ["--sweep", "hidden_size=16", "--sweep", "bits=4", "--provider", "cpu,abacus", "--sessions", "3"]
    options += ["--trials", "1", "--seconds", "1", "--out", str(out), "--plot", str(plot)]
    status, told, err = in_process(capfd, "bench", "--bundle", tiny_bundle, *options)
    assert (status, err) == (0, "")
    result = Result.read(out)
    assert [(m.precision, m.trained) for m in result.measurements] == [("int8", True), ("int4", False)]
    assert len(result.skipped) == 2
    assert all("'abacus' is not available; this machine offers" in line for line in result.skipped)
    assert all(line in told for line in result.skipped)
    assert result.skipped[1].startswith("4 bits"), "the temporary folder is not named"
    assert all(m.sessions and m.sessions.count == 3 for m in result.measurements)
    assert result.measurements[1].network
    assert result.measurements[1].network.hidden_size == 16
    assert plot.read_text(encoding="utf-8").count("<svg") == 1
    _, page, _ = in_process(capfd, "bench", "report", out)
    assert page.count("untrained: latency and memory only") == 1
