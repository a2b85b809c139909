"""Throughput against batch size: many sessions advanced by one word in one run, as a server does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foretype.runtime.engines.step_graph import NeuralModel

CPU_BATCHES = (1, 4, 16, 64)
ACCELERATOR_BATCHES = (1, 16, 64, 256, 1024)
SECONDS_PER_BATCH = 0.15
_FEWEST_RUNS, _MOST_RUNS = 3, 50


@dataclass(frozen=True)
class BatchTrial:
    """How many sessions were advanced at once, and how many a second that makes, by the median run."""

    batch: int
    tokens_per_second: float


def measure_batches(neural: NeuralModel, ids: Sequence[int]) -> tuple[BatchTrial, ...]:
    """Run batches of several sizes, one token for each text, fed from `ids` over and over."""
    found = []
    for batch in CPU_BATCHES if neural.provider == "cpu" else ACCELERATOR_BATCHES:
        tokens = np.resize(np.array(ids, np.int64), (batch, 1))
        state = tuple(np.repeat(part, batch, axis=1) for part in neural.initial_state())
        _, state = neural.run_batch(tokens, state)
        runs: list[float] = []
        end = time.perf_counter() + SECONDS_PER_BATCH
        while len(runs) < _FEWEST_RUNS or (len(runs) < _MOST_RUNS and time.perf_counter() < end):
            start = time.perf_counter()
            _, state = neural.run_batch(tokens, state)
            runs.append(time.perf_counter() - start)
        found.append(BatchTrial(batch, batch / statistics.median(runs)))
    return tuple(found)
