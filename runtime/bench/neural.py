"""Measures the neural model alone: one step compared with its memory floor, and many sessions in one run.

A step cannot be faster than reading its weights from memory (or from the cache that holds them): bytes / bandwidth.
Steps and reads are measured in turn, in the same process, on one core. The throughput per batch size is that of a
server that advances many sessions by one word in one run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from foretype.runtime.bench.latency import percentile
from foretype.runtime.engines.step_graph import NeuralModel

TRIED_READS = 12
BLOCKS = 8
READS_PER_BLOCK = 12
STEPS_PER_BLOCK = 40
CPU_BATCHES = (1, 4, 16, 64)
ACCELERATOR_BATCHES = (1, 16, 64, 256, 1024)
SECONDS_PER_BATCH = 0.15
_FEWEST_RUNS, _MOST_RUNS = 3, 50


@dataclass(frozen=True)
class FloorTrial:
    """One measurement of the floor.

    weight_bytes: bytes that one step reads. read: NumPy's fastest way to read that many bytes on this machine.
    gigabytes_per_second: speed of the median read. floor_us: time of the median read.
    step_p50_us, step_p99_us: time of one token through `NeuralModel.run`.
    """

    weight_bytes: int
    read: str
    gigabytes_per_second: float
    floor_us: float
    step_p50_us: float
    step_p99_us: float


def _readers(size: int) -> dict[str, Callable[[], object]]:
    """NumPy's ways to read a buffer of `size` bytes on one core (BLAS would use more), by name."""
    # Not np.zeros: pages that were never written all share one page of zeros.
    words = np.random.default_rng(0).integers(1, 1 << 60, -(-size // 8), dtype=np.uint64)
    # Not a float view of random bits: it would contain NaNs and denormal numbers, which are slow.
    floats = np.random.default_rng(0).random(-(-size // 4), np.float32)
    return {
        "np.max over uint64": words.max,
        "np.sum over uint64": words.sum,
        "np.bitwise_or.reduce over uint64": lambda: np.bitwise_or.reduce(words),
        "np.max over float32": floats.max,
    }


def _times(call: Callable[[], object], count: int) -> list[float]:
    """The time of each of `count` calls, in microseconds."""
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - start) / 1e3)
    return times


def measure_floor(neural: NeuralModel, size: int, ids: Sequence[int]) -> FloorTrial:
    """Measure the floor of `neural`, whose steps read `size` bytes of weights. It is fed `ids`, repeated as needed."""
    readers = _readers(size)
    tried = [{name: _times(call, 1)[0] for name, call in readers.items()} for _ in range(TRIED_READS)]
    name = min(readers, key=lambda name: min(times[name] for times in tried))
    read, state, at = readers[name], neural.initial_state(), 0

    def step() -> None:
        nonlocal state, at
        _, state = neural.run([ids[at % len(ids)]], state)
        at += 1

    reads: list[float] = []
    steps: list[float] = []
    for _ in range(BLOCKS):
        reads += _times(read, READS_PER_BLOCK)
        steps += _times(step, STEPS_PER_BLOCK)
    reads.sort()
    steps.sort()
    floor = percentile(reads, 50)
    return FloorTrial(size, name, size / floor / 1e3, floor, percentile(steps, 50), percentile(steps, 99))


@dataclass(frozen=True)
class BatchTrial:
    """The throughput of one batch size.

    batch: number of sessions that one run advances. tokens_per_second: tokens of all sessions together, by the median
    run.
    """

    batch: int
    tokens_per_second: float


def measure_batches(neural: NeuralModel, ids: Sequence[int]) -> tuple[BatchTrial, ...]:
    """Run batches of several sizes, with one token per session, fed from `ids`, repeated as needed."""
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
