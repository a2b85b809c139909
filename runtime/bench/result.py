"""The result of a benchmark: its schema (docs/benchmark.md explains it for readers in other languages), and its file.

Times are in microseconds (`_us`) or milliseconds (`_ms`), sizes in bytes. What the system does not report, or what
does not apply, is null.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from foretype.runtime.bench.conditions import Conditions
from foretype.runtime.bench.device import Device
from foretype.runtime.bench.latency import Histogram, Latencies
from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.decoding import decode

VERSION = 2
"""Of the schema. New keys may come without a new version: readers pass over keys that they do not know."""
_LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """One figure over all trials: their median, the lowest and the highest, and each in the order of measuring."""

    median: float
    lowest: float
    highest: float
    trials: tuple[float, ...]

    @classmethod
    def of(cls, trials: Sequence[float]) -> Figure:
        """The figure of `trials`, at least one."""
        return cls(statistics.median(trials), min(trials), max(trials), tuple(trials))

    def only(self, chosen: Sequence[bool]) -> Figure:
        """The figure of the trials that are chosen, at least one."""
        return Figure.of([trial for trial, counts in zip(self.trials, chosen, strict=True) if counts])

    @property
    def noise(self) -> float | None:
        """Half the spread between the trials, relative to the median: 0.05 stands for ±5 %; None of one trial."""
        if len(self.trials) < 2 or not self.median:
            return None
        return (self.highest - self.lowest) / 2 / abs(self.median)


@dataclass(frozen=True)
class Latency:
    """The time of `suggest` for one kind of keystroke, warm.

    keystrokes: of all trials together. p50_us .. max_us: each trial's percentile. histogram: of all trials together.
    cpu_p50_us, cpu_p99_us: percentiles of the CPU time of the same calls, in the thread that calls.
    """

    keystrokes: int
    p50_us: Figure
    p90_us: Figure
    p99_us: Figure
    max_us: Figure
    cpu_p50_us: Figure
    cpu_p99_us: Figure
    histogram: Histogram

    @classmethod
    def of(cls, trials: Sequence[Latencies], cpu: Sequence[Latencies]) -> Latency:
        """Join the latencies of `trials`, at least one, and the CPU times of the same calls."""
        histogram = trials[0].histogram
        for trial in trials[1:]:
            histogram = histogram.merged(trial.histogram)
        return cls(
            keystrokes=sum(trial.count for trial in trials),
            p50_us=Figure.of([trial.p50 for trial in trials]),
            p90_us=Figure.of([trial.p90 for trial in trials]),
            p99_us=Figure.of([trial.p99 for trial in trials]),
            max_us=Figure.of([trial.max for trial in trials]),
            cpu_p50_us=Figure.of([trial.p50 for trial in cpu]),
            cpu_p99_us=Figure.of([trial.p99 for trial in cpu]),
            histogram=histogram,
        )


@dataclass(frozen=True)
class Floor:
    """The memory floor of one neural step on one core, and what the model takes as multiples of it.

    weight_bytes: the weights that a step reads. read: NumPy's fastest way of reading as much.
    gigabytes_per_second: its speed, warm. floor_us: the time of one read.
    step_p50_us, step_p99_us: one token through the neural model, nothing else.
    step_over_floor, boundary_over_floor: p50 of the step, and of a suggestion at a word boundary, over floor_us.
    """

    weight_bytes: int
    read: str
    gigabytes_per_second: Figure
    floor_us: Figure
    step_p50_us: Figure
    step_p99_us: Figure
    step_over_floor: Figure
    boundary_over_floor: Figure


@dataclass(frozen=True)
class Batch:
    """Neural steps of many sessions in one run.

    batch: how many sessions. tokens_per_second: of all together.
    """

    batch: int
    tokens_per_second: Figure


def _figures(value: Any) -> Iterator[Figure]:
    """All figures in a dataclass, a tuple of dataclasses, or anything else."""
    if isinstance(value, Figure):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _figures(inner)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _figures(getattr(value, field.name))


@dataclass(frozen=True)
class Measurement:
    """What one configuration does on the device.

    bundle: its folder's name. fingerprint: of its files' checksums; figures of other bundles do not compare.
    bundle_bytes: of its files together.
    engine: what answered, "blend", "neural" or "ngram". provider, precision: of the neural model, null without one.
    threads: CPU threads of the neural model. notice: why another engine or provider answered than was asked for.
    import_ms: importing foretype.runtime in a fresh process. load_ms: loading the model, checksums included.
    first_suggestion_ms: the first suggestion. cold_start_ms: the three together. cold_start_cpu_ms: the CPU time.
    first_peak_bytes: the process's peak resident memory until then. resident_bytes: resident after all typing.
    letter: keystrokes inside a word. boundary: white space, which ends a word.
    words_per_second: words of the text over the time that the suggestions for all its characters took.
    joules_per_1000_words: of the whole processor. floor: on the CPU. batches: empty without a neural model.
    conditions: of each trial, in the order of measuring. repeated: trials that were disturbed, and done again.
    """

    bundle: str
    fingerprint: str
    bundle_bytes: int
    engine: str
    provider: str | None
    precision: str | None
    threads: int
    notice: str | None
    import_ms: Figure
    load_ms: Figure
    first_suggestion_ms: Figure
    cold_start_ms: Figure
    cold_start_cpu_ms: Figure
    first_peak_bytes: Figure | None
    resident_bytes: Figure | None
    letter: Latency
    boundary: Latency
    words_per_second: Figure
    joules_per_1000_words: Figure | None
    floor: Floor | None
    batches: tuple[Batch, ...]
    conditions: tuple[Conditions, ...]
    repeated: int

    def __post_init__(self) -> None:
        """Raise ValueError if a figure has not as many trials as there are conditions, or there are none."""
        figures = (figure for field in fields(self) for figure in _figures(getattr(self, field.name)))
        if not self.conditions or any(len(figure.trials) != len(self.conditions) for figure in figures):
            raise ValueError(f"{self.label}: each figure needs as many trials as there are conditions, at least one")

    @property
    def accelerated(self) -> bool:
        """Whether something else than the CPU computes."""
        return self.provider not in (None, "cpu")

    def disturbances(self, quietest_us: float | None = None) -> list[str | None]:
        """What disturbed each trial, None for those that nothing did.

        quietest_us: the least `Conditions.reference_us` known of this device, if lower than those here.
        """
        quietest = min(conditions.reference_us for conditions in self.conditions)
        quietest = quietest if quietest_us is None else min(quietest, quietest_us)
        return [conditions.disturbance(quietest, self.accelerated) for conditions in self.conditions]

    @property
    def label(self) -> str:
        """The configuration in a few words: "en, blend, int8, cpu, 1 thread"."""
        parts = [self.bundle, self.engine]
        if self.provider:
            parts += [self.precision or "?", self.provider, f"{self.threads} thread{'s' if self.threads > 1 else ''}"]
        return ", ".join(parts)


@dataclass(frozen=True)
class Result:
    """A run of the benchmark.

    version: of this schema. created: date and time, UTC, ISO 8601. seconds: how long it took.
    trials: of each configuration. text_sha256: of the text that was typed; results of other texts do not compare.
    device: where. measurements: one for each configuration, in the order asked for.
    """

    version: int
    created: str
    seconds: float
    trials: int
    text_sha256: str
    device: Device
    measurements: tuple[Measurement, ...]

    def to_json(self) -> dict[str, Any]:
        """The result as plain values that JSON can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Result:
        """What `to_json` gave. Raises ValueError naming what is wrong, or the version that is not known."""
        if not isinstance(value, dict) or "version" not in value:
            raise ValueError("no result of `foretype bench`: it has no version")
        if value["version"] != VERSION:
            raise ValueError(f"version {value['version']!r}; this version of Foretype reads {VERSION}")
        return decode(cls, value)

    def write(self, path: Path) -> None:
        """Write the result to `path`, whole or not at all."""
        write_json(path, self.to_json())

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read the result in `path`. Raises ForetypeError, one line that names the file, when it holds none."""
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise ValueError(f"larger than {_LARGEST_FILE} bytes; this is no result")
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ForetypeError(f"{path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ForetypeError(f"{path}: cannot be read: {error}") from error
