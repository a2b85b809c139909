"""Curves: no report is lost or written twice, however a run is broken off, and they can be drawn."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from foretype.runtime.errors import CheckpointError, ConfigError
from foretype.train.curves import COLUMNS, Curves, read_curves, recorded
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Report, Trainer
from foretype.train.studies.plots import plot_curves, plot_gradients

PNG = b"\x89PNG"
CONFIG = TrainConfig(tokens=4 * 8 * 12, batch=4, steps=8, samples=0, threads=1, precision="fp32", checkpoint_seconds=0)
TEXT = np.random.default_rng(0).integers(0, 20, 600).astype(np.uint16)


def report(step: int, validation: float | None = None) -> Report:
    return Report(step, step * 32, step / 3, 5.0 / step, 0.5, 1e-3, 1234.5, 9.9, validation)


def trainer(folder: Path) -> Trainer:
    return Trainer(folder / "neural", ModelConfig(20, 8, 8), CONFIG, TEXT, TEXT[:200], resume=True)


def tensorboard(folder: Path) -> dict[int, float]:
    """The losses that TensorBoard would show, by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {event.step: event.value for event in events.Scalars("loss")}


def test_reports_are_there_as_soon_as_they_are_added(tmp_path: Path) -> None:
    with Curves(tmp_path) as curves:
        for step in (50, 100):
            curves.add(report(step, 80.25 if step == 100 else None))
            assert read_curves(tmp_path / "curves.csv")[-1] == asdict(report(step, 80.25 if step == 100 else None))
    lines = (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[0].startswith("step,tokens,seconds,loss,gradient_norm,learning_rate,tokens_per_second,")
    assert len(lines) == 3


def test_what_comes_again_is_dropped_and_what_the_checkpoint_alone_holds_is_added(tmp_path: Path) -> None:
    with Curves(tmp_path) as curves:
        for step in (10, 20, 40):
            curves.add(report(step))
    with (tmp_path / "curves.csv").open("a", encoding="utf-8") as file:
        file.write("50,16")  # a line cut short
    with Curves(tmp_path, 30, [asdict(report(20)), asdict(report(30, 70.0))]) as curves:
        curves.add(report(40))
    rows = read_curves(tmp_path / "curves.csv")
    assert [row["step"] for row in rows] == [10, 20, 30, 40]
    assert rows[2] == asdict(report(30, 70.0))


def test_a_run_that_is_broken_off_anywhere_has_the_curves_of_one_that_is_not(tmp_path: Path) -> None:
    for one in recorded(trainer(tmp_path), tmp_path):
        if one.step == 5:
            break  # before its line is followed by another
    # Between writing a checkpoint and its line the line is missing, between line and checkpoint it is one too many.
    path = tmp_path / "curves.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    for one in recorded(trainer(tmp_path), tmp_path):
        if one.step == 9:
            break
    with path.open("a", encoding="utf-8") as file:
        file.write(path.read_text(encoding="utf-8").splitlines()[-1].replace("9,", "10,", 1) + "\n")
    last = trainer(tmp_path)
    for _ in recorded(last, tmp_path):
        pass
    rows = read_curves(path)
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows == last.history


def test_tensorboard_shows_the_same_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `curves` is not installed")
    with Curves(tmp_path) as curves:
        for step in (10, 20, 40, 50):
            curves.add(report(step))
    time.sleep(1.1)  # TensorBoard orders its files by the second in their names
    with Curves(tmp_path, 40) as curves:
        curves.add(replace(report(50), loss=0.25))
    rows = read_curves(tmp_path / "curves.csv")
    assert tensorboard(tmp_path) == {row["step"]: pytest.approx(row["loss"]) for row in rows}
    assert rows[-1]["loss"] == 0.25


def test_without_tensorboard_there_is_the_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with Curves(tmp_path) as curves:
        curves.add(report(1))
    assert [path.name for path in tmp_path.iterdir()] == ["curves.csv"]


def test_curves_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"curves\.csv: no such file; a run writes it during"):
        read_curves(tmp_path / "curves.csv")
    (tmp_path / "curves.csv").write_text("step,loss\n1,x\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"curves\.csv, line 2: not training curves"):
        Curves(tmp_path)
    (tmp_path / "curves.csv").write_bytes(b"\xff\n")
    with pytest.raises(CheckpointError, match=r"curves\.csv: cannot be read"):
        read_curves(tmp_path / "curves.csv")


def test_plots_are_written_in_the_format_of_their_ending(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    rows = [asdict(report(step, 80.0 if step % 20 == 0 else None)) for step in range(10, 60, 10)]
    plot_curves(rows, tmp_path / "curves.png", "a run")
    plot_curves([], tmp_path / "empty.svg")
    plot_gradients({"rnn": ([1.0, 0.1, 0.0], [0.5, 0.2, 0.1])}, tmp_path / "gradients.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)
    assert (tmp_path / "gradients.png").read_bytes().startswith(PNG)
    assert b"<svg" in (tmp_path / "empty.svg").read_bytes()
    with pytest.raises(ConfigError, match=r"curves\.txt: unknown image type; choose from .*\.png"):
        plot_curves(rows, tmp_path / "curves.txt")


def test_without_matplotlib_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"plots need matplotlib: pip install 'foretype\[plots\]'"):
        plot_curves([], tmp_path / "curves.png")
