"""Checkpoints of a training run: numbered folders of safetensors and JSON, each written completely or not at all."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foretype.runtime.errors import CheckpointError, ConfigError
from foretype.runtime.files.atomic import write_json
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

NEURAL = "neural"
"""The folder of a run that holds its checkpoints."""

MODEL = "model.safetensors"
TRAINING = "training.safetensors"
CONFIG = "config.json"
PROGRESS = "progress.json"
BEST = "best-{:08d}"
CHOSEN = "chosen"
"""The folder of a run that holds the better of its fresh and its fine-tuned model."""
_KEPT = 2


def versions() -> dict[str, str]:
    """Return the versions of the programs that the result of training depends on."""
    packages = {name: metadata.version(name) for name in ("foretype", "torch", "numpy")}
    return {"python": platform.python_version(), **packages}


@dataclass(frozen=True)
class Progress:
    """What a run needs besides tensors to continue.

    step: optimiser steps done.
    seconds: time spent on training so far.
    settings: the run's settings, compared when it is resumed.
    history: measurements so far.
    versions: of the programs that wrote the checkpoint; for information only.
    """

    step: int
    seconds: float
    settings: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    versions: Mapping[str, str] = field(default_factory=versions)


def checkpoints(run: Path) -> list[Path]:
    """List the complete checkpoints of a run, oldest first."""
    return sorted(run.glob("step-[0-9]*"))


def best_checkpoint(path: Path) -> Path:
    """Find the checkpoint with the best validation perplexity, or the newest if none was measured.

    path: a checkpoint, the folder of a trainer, or that of a run, which may have `CHOSEN` one of two trainers.
    """
    if (path / MODEL).is_file():
        return path
    if (path / CHOSEN / MODEL).is_file():
        return path / CHOSEN
    found = sorted(path.glob("best-[0-9]*")) or sorted((path / NEURAL).glob("best-[0-9]*"))
    return found[-1] if found else find_checkpoint(path)


def choose_checkpoint(run: Path, trainer: Path) -> None:
    """Copy the best checkpoint of `trainer` to the folder `CHOSEN` of its run."""
    temporary = run / f".{CHOSEN}.part"
    for folder in (temporary, run / CHOSEN):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(best_checkpoint(trainer), temporary, ignore=shutil.ignore_patterns(TRAINING, PROGRESS))
    temporary.rename(run / CHOSEN)


def save_best(run: Path, model: LanguageModel, step: int) -> None:
    """Write the weights of `model`, the best so far, and delete those of the best before."""
    final = run / BEST.format(step)
    if not final.exists():
        save_model(final, model)
    for old in run.glob("best-[0-9]*"):
        if old != final:
            shutil.rmtree(old)


def save_model(folder: Path, model: LanguageModel) -> None:
    """Write the weights of `model` as a checkpoint that a run may start from."""
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    _write_model(temporary, model)
    temporary.rename(folder)


def _write_model(folder: Path, model: LanguageModel) -> None:
    _write_tensors(model.state_dict(), folder / MODEL)
    write_json(folder / CONFIG, model.config.to_json())


def _write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        save_file({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:  # Its message for a full disk or a lost folder names no file.
        raise OSError(errno.EIO, f"cannot be written ({error})", str(path)) from error


def save_checkpoint(run: Path, model: LanguageModel, training: Mapping[str, Tensor], progress: Progress) -> Path:
    """Write a checkpoint of `run` and delete all but the last two.

    training: optimiser moments and carried state. The folder gets its final name when all of it is on the disk, so a
    process may be killed at any time, and the checkpoint before stays the newest. An existing checkpoint of the same
    step is kept.
    """
    final = run / f"step-{progress.step:08d}"
    if final.exists():
        return final
    for left_behind in run.glob(".step-*.part"):
        shutil.rmtree(left_behind)
    temporary = run / f".{final.name}.part"
    try:
        temporary.mkdir(parents=True)
        _write_model(temporary, model)
        _write_tensors(training, temporary / TRAINING)
        write_json(temporary / PROGRESS, progress.__dict__)
        for file in (MODEL, TRAINING):
            with (temporary / file).open("rb") as stream:
                os.fsync(stream.fileno())
        temporary.rename(final)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)  # A full disk needs the space.
        raise
    for old in checkpoints(run)[:-_KEPT]:
        shutil.rmtree(old)
    return final


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error


def find_checkpoint(path: Path) -> Path:
    """The checkpoint at `path`, which may be one itself or a run's folder (then the newest in it)."""
    if (path / MODEL).is_file():
        return path
    found = checkpoints(path) or checkpoints(path / NEURAL)
    if not found:
        raise CheckpointError(f"{path}: no checkpoint here (expected {MODEL}, folders step-*, or a run)")
    return found[-1]


def load_model(path: Path) -> LanguageModel:
    """The model of a checkpoint (or of the newest one of a run), in float32 on the CPU.

    Raises CheckpointError when a file is missing or damaged, or its tensors are not those of its configuration.
    """
    checkpoint = find_checkpoint(path)
    try:
        model = LanguageModel(ModelConfig(**_json(checkpoint / CONFIG)))
        model.load_state_dict(_tensors(checkpoint / MODEL))
    except (TypeError, RuntimeError, ConfigError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{checkpoint}: {MODEL} and {CONFIG} do not fit ({reason})") from error
    return model


def load_weights(model: LanguageModel, path: Path) -> None:
    """Give `model` the best weights at `path`. Raises ConfigError when their shapes are others."""
    found, wanted = load_model(best_checkpoint(path)).state_dict(), model.state_dict()
    for name in {**wanted, **found}:
        ours, theirs = (list(side[name].shape) if name in side else "absent" for side in (wanted, found))
        if ours != theirs:
            raise ConfigError(f"start_from is {path}: its model has {name} {theirs}, this one {ours}")
    model.load_state_dict(found)


def load_training(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """Optimiser moments, carried state and progress of the newest checkpoint at `path`."""
    checkpoint = find_checkpoint(path)
    value = _json(checkpoint / PROGRESS)
    try:
        progress = Progress(
            value["step"], value["seconds"], value["settings"], tuple(value["history"]), value["versions"]
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{checkpoint / PROGRESS}: incomplete ({error})") from error
    return _tensors(checkpoint / TRAINING), progress


def load_for_inference(path: Path) -> LanguageModel:
    """Load the model with the best validation perplexity, set to evaluation without gradients."""
    model = load_model(best_checkpoint(path)).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model
