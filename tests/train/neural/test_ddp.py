"""Several processes that train together see, step for step, what one process with the whole batch sees."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from killing import SERVER
from safetensors.torch import load_file
from training import CONFIG, TEXT, VALID, VOCAB

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import checkpoints
from foretype.train.neural.training.processes import Processes, join
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
FULL = replace(CONFIG, samples=0, batch=4, tokens=4 * 8 * 30)
SAMPLED = replace(FULL, samples=20)
REGULARISED = replace(
    SAMPLED, embedding_dropout=0.1, input_dropout=0.3, layer_dropout=0.2, output_dropout=0.3, weight_drop=0.3,
    activation_penalty=2.0, temporal_penalty=1.0, jitter=1.5, optimizer="asgd", learning_rate=2.0, schedule="constant",
    clip=0.25, trigger_steps=2, trigger_patience=2,
)  # fmt: skip
LSTM = ModelConfig(VOCAB, 12, 16, layers=2)
CIFG = ModelConfig(VOCAB, 12, 16, architecture="cifg", cell_size=20, tied=False)
ADAPTIVE = ModelConfig(VOCAB, 12, 16, architecture="gru", head="adaptive")
MAXENT = ModelConfig(VOCAB, 12, 16, architecture="rnn", maxent_bits=10)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(run: Path, model: ModelConfig, config: TrainConfig, stop: int = 0) -> None:
    """Train, or go on, to the end or to step `stop`; keep what each process reported."""
    trainer = Trainer(run, model, config, TEXT, VALID, resume=True)
    reports = []
    for report in trainer.fit():
        reports.append(asdict(report))
        if report.step == stop:
            break
    target = run.parent / f"{run.name}-{trainer.processes.rank}.json"
    target.write_text(json.dumps(reports), encoding="utf-8")


def in_process(rank: int, port: int, run: Path, model: ModelConfig, config: TrainConfig, stop: int) -> None:
    """What each of two processes does."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    train(run, model, config, stop)


def train_by_two(run: Path, model: ModelConfig, config: TrainConfig, stop: int = 0) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = [SERVER.Process(target=in_process, args=(rank, port, run, model, config, stop)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def assert_same_curve(run: Path, other: Path) -> None:
    """Both runs reported the same in all processes, and left the same weights and state."""
    reports = [json.loads(path.read_text()) for one in (run, other) for path in one.parent.glob(f"{one.name}-?.json")]
    assert len(reports) == 3
    for name in ("step", "tokens", "loss", "gradient_norm", "learning_rate", "validation_perplexity"):
        curves = [[report[name] for report in curve] for curve in reports]
        assert curves[0] == pytest.approx(curves[1], rel=2e-4)
        assert curves[0] == pytest.approx(curves[2], rel=2e-4)
    assert {path.name for path in run.iterdir()} == {path.name for path in other.iterdir()}
    for file in ("model.safetensors", "training.safetensors"):
        ours, theirs = (load_file(checkpoints(one)[-1] / file) for one in (run, other))
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], atol=2e-4, rtol=2e-3)


@pytest.mark.parametrize(
    ("model", "config"),
    [(LSTM, FULL), (LSTM, SAMPLED), (LSTM, REGULARISED), (CIFG, SAMPLED), (ADAPTIVE, FULL), (MAXENT, SAMPLED)],
    ids=["full", "sampled", "regularised", "untied", "adaptive", "maxent"],
)
def test_two_processes_train_as_one_does_with_the_whole_batch(
    tmp_path: Path, model: ModelConfig, config: TrainConfig
) -> None:
    train(tmp_path / "one", model, config)
    train_by_two(tmp_path / "two", model, config)
    assert_same_curve(tmp_path / "one", tmp_path / "two")


def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    train(tmp_path / "whole", LSTM, REGULARISED)
    train(tmp_path / "run", LSTM, REGULARISED, stop=9)
    train_by_two(tmp_path / "run", LSTM, REGULARISED, stop=21)
    train(tmp_path / "run", LSTM, REGULARISED)
    ours, theirs = (load_file(checkpoints(tmp_path / name)[-1] / "model.safetensors") for name in ("run", "whole"))
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], atol=2e-4, rtol=2e-3)


def test_torchrun_trains_from_the_command_line(tmp_path: Path) -> None:
    lines = [f"the {a} {b} went to the {c} and said {a} to {b}\n" for a in "xyz" for b in "uvw" for c in "rst"]
    (tmp_path / "text.txt").write_text("".join(lines) * 40, encoding="utf-8")
    (tmp_path / "valid.txt").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(
        "[vocabulary]\nsize = 60\n[model]\nembedding_size = 8\nhidden_size = 12\n"
        "[training]\nbatch = 4\nsteps = 8\nsamples = 0\ntokens = 640\nthreads = 1\n",
        encoding="utf-8",
    )
    arguments = ["train", "text.txt", "--valid", "valid.txt", "--out", "run", "--recipe", "recipe.toml", "--json"]
    command = [*TORCHRUN, "--rdzv-endpoint", "localhost:0", "-m", "foretype.tui.cli", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in checkpoints(tmp_path / "run" / "neural")] == ["step-00000020"]
    assert json.loads(done.stdout)["neural"]["tokens"] == 640, "one process speaks"


def test_streams_that_cannot_be_dealt_out_evenly_are_refused() -> None:
    assert [Processes(rank, 3).columns(12) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    with pytest.raises(ConfigError, match="batch is 128; must be a multiple of 3 for 3 processes"):
        Processes(1, 3).columns(128)


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert join() == Processes()
    assert join().leads
