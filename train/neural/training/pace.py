"""Measures how fast a model trains on this machine, by a few steps in a temporary folder."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.processes import Processes
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer

_WARM_UP = 2
_SECONDS = 1.5


def measure_pace(shape: ModelConfig, config: TrainConfig, stream: NDArray[np.unsignedinteger]) -> float:
    """Return the tokens per second at which one process trains a model of `shape` on `stream`."""
    config = replace(config, optimizer="adamw", learning_rate=1e-3, word2vec="")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(Path(folder) / "pace", shape, config, stream, processes=Processes())
        for _ in range(_WARM_UP):
            trainer.train_step()
        steps, begin = 0, time.perf_counter()
        while steps < _WARM_UP or time.perf_counter() - begin < _SECONDS:
            float(trainer.train_step()[0])
            steps += 1
        return steps * config.batch * config.steps / (time.perf_counter() - begin)
