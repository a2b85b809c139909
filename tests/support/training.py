"""Short training runs of a tiny model on a stream of made-up tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import checkpoints
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer

VOCAB = 40
MODEL = ModelConfig(VOCAB, embedding_size=12, hidden_size=16)
CONFIG = TrainConfig(
    tokens=4 * 8 * 24,
    batch=4,
    steps=8,
    samples=20,
    learning_rate=0.02,
    warmup=5,
    device="cpu",
    precision="fp32",
    threads=1,
    checkpoint_seconds=0,
)
"""A checkpoint with every step."""
STEPS = CONFIG.total_steps
RARELY = replace(CONFIG, checkpoint_seconds=1e9)


def text(tokens: int = 3000, seed: int = 0) -> np.ndarray:
    """A stream in which each token mostly follows from the one before."""
    draw = np.random.default_rng(seed)
    follows = np.random.default_rng(99).permutation(VOCAB)
    ids = [1]
    for _ in range(tokens - 1):
        ids.append(int(follows[ids[-1]]) if draw.random() < 0.8 else int(draw.integers(VOCAB)))
    return np.array(ids, np.uint16)


TEXT = text()
VALID = text(600, seed=1)


def train(run: Path, config: TrainConfig = CONFIG, *, resume: bool = False, **other: Any) -> Trainer:
    """A finished training run."""
    trainer = Trainer(run, other.get("model", MODEL), config, other.get("stream", TEXT), VALID, resume=resume)
    for _ in trainer.fit():
        pass
    return trainer


def train_here(run: Path) -> None:
    """What a process does that is to be killed: start the run, or go on with it."""
    train(run, resume=True)


def tensors(run: Path) -> dict[str, torch.Tensor]:
    """Everything in the newest checkpoint that decides how the run goes on."""
    newest = checkpoints(run)[-1]
    return {**load_file(newest / "model.safetensors"), **load_file(newest / "training.safetensors")}


def assert_same_end(run: Path, other: Path) -> None:
    assert checkpoints(run)[-1].name == checkpoints(other)[-1].name
    ours, theirs = tensors(run), tensors(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
