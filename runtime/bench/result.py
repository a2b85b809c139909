"""The schema and file of a benchmark result. docs/benchmark.md explains the schema for readers in other languages.

Times are in microseconds (`_us`) or milliseconds (`_ms`), sizes in bytes. Values that the system does not report, or
that do not apply, are null.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from foretype.runtime.bench.answers import Agreement
from foretype.runtime.bench.bundle_facts import Network, Quality
from foretype.runtime.bench.conditions import Conditions
from foretype.runtime.bench.device import Device
from foretype.runtime.bench.latency import Histogram, Latencies
from foretype.runtime.bench.sessions import Sessions
from foretype.runtime.bench.sustained import Interval
from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.decoding import decode

VERSION = 2
"""Version of the schema. New keys may be added without a new version: readers ignore keys that they do not know."""
_LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """One figure over all trials: the median, the lowest, the highest, and each value in the order of measurement."""

    median: float
    lowest: float
    highest: float
    trials: tuple[float, ...]

    @classmethod
    def of(cls, trials: Sequence[float]) -> Figure:
        """The figure of `trials`; there must be at least one."""
        return cls(statistics.median(trials), min(trials), max(trials), tuple(trials))

    def only(self, chosen: Sequence[bool]) -> Figure:
        """The figure of the chosen trials; there must be at least one."""
        return Figure.of([trial for trial, counts in zip(self.trials, chosen, strict=True) if counts])

    @property
    def noise(self) -> float | None:
        """Half the spread between the trials, relative to the median: 0.05 means ±5 %; None for a single trial."""
        if len(self.trials) < 2 or not self.median:
            return None
        return (self.highest - self.lowest) / 2 / abs(self.median)


@dataclass(frozen=True)
class Latency:
    """The time of `suggest` for one kind of keystroke, warm.

    keystrokes: number in all trials together. p50_us .. max_us: the percentile in each trial. histogram: times of all
    trials together. cpu_p50_us, cpu_p99_us: percentiles of the CPU time of the same calls, in the calling thread.
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
        """Join the latencies of `trials` (at least one) and the CPU times of the same calls."""
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
    """The memory floor of one neural step on one core, and the model's times as multiples of it.

    weight_bytes: bytes of weights that a step reads. read: NumPy's fastest way to read that many bytes.
    gigabytes_per_second: its speed, warm. floor_us: the time of one read.
    step_p50_us, step_p99_us: time of one token through the neural model, and nothing else.
    step_over_floor, boundary_over_floor: p50 of the step, and of a suggestion at a word boundary, divided by floor_us.
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

    batch: number of sessions. tokens_per_second: over all sessions together.
    """

    batch: int
    tokens_per_second: Figure


def _figures(value: Any) -> Iterator[Figure]:
    """Yield all figures in a dataclass, a tuple of dataclasses, or any other value."""
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
    """The measurements of one configuration on the device.

    bundle: name of the bundle's folder. fingerprint: hash of its files' checksums; figures of different bundles cannot
        be compared. bundle_bytes: total size of its files.
    engine: the engine that answered: "blend", "neural" or "ngram". provider, precision: those of the neural model, null
        without one. threads: CPU threads of the neural model.
    notice: why a different engine or provider answered than was requested.
    import_ms: time to import foretype.runtime in a fresh process. load_ms: time to load the model, including checksums.
    first_suggestion_ms: time of the first suggestion. cold_start_ms: the three together. cold_start_cpu_ms: their CPU
        time.
    first_peak_bytes: peak resident memory of the process up to the first suggestion. resident_bytes: resident memory
        after all typing.
    letter: keystrokes inside a word. boundary: white space that ends a word.
    words_per_second: words of the text, divided by the time of the suggestions for all its characters.
    joules_per_1000_words: energy of the whole processor. floor: only on the CPU. batches: empty without a neural model.
    conditions: those of each trial, in the order of measurement. repeated: number of times that a disturbed trial was
        run again.
    answers: agreement with the golden answers; None if there are none for this bundle, engine and precision.
    sustained: the intervals of a sustained run, in order; empty without one.
    sessions: many fields answered in turn; None if they were not measured.
    network: the shape of the neural model; None without one. trained: false if its weights are random.
    quality: what the bundle's manifest records for this engine; None if it records nothing.
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
    answers: Agreement | None = None
    sustained: tuple[Interval, ...] = ()
    sessions: Sessions | None = None
    network: Network | None = None
    trained: bool = True
    quality: Quality | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if there are no conditions, or a figure does not have one trial for each."""
        figures = (figure for field in fields(self) for figure in _figures(getattr(self, field.name)))
        if not self.conditions or any(len(figure.trials) != len(self.conditions) for figure in figures):
            raise ValueError(f"{self.label}: each figure needs as many trials as there are conditions, at least one")

    @property
    def accelerated(self) -> bool:
        """Whether an accelerator computes instead of the CPU."""
        return self.provider not in (None, "cpu")

    def disturbances(self, quietest_us: float | None = None) -> list[str | None]:
        """What disturbed each trial; None for undisturbed trials.

        quietest_us: the lowest known `Conditions.reference_us` of this device, if it is lower than those here.
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

    version: version of the schema. created: date and time, UTC, ISO 8601. seconds: duration of the run.
    trials: number per configuration. text_sha256: hash of the typed texts; results for different texts cannot be
    compared. device: where it ran. measurements: one per configuration, in the requested order.
    skipped: configurations that this device cannot run, a line for each.
    """

    version: int
    created: str
    seconds: float
    trials: int
    text_sha256: str
    device: Device
    measurements: tuple[Measurement, ...]
    skipped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as plain values that JSON can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Result:
        """Convert the output of `to_json` back. Raises ValueError that names what is wrong, or the unknown version."""
        if not isinstance(value, dict) or "version" not in value:
            raise ValueError("no result of `foretype bench`: it has no version")
        if value["version"] != VERSION:
            raise ValueError(f"version {value['version']!r}; this version of Foretype reads {VERSION}")
        return decode(cls, value)

    def write(self, path: Path) -> None:
        """Write the result to `path` atomically."""
        write_json(path, self.to_json())

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read the result in `path`. Raises ForetypeError, one line that names the file, if it does not contain one."""
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise ValueError(f"larger than {_LARGEST_FILE} bytes; this is no result")
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ForetypeError(f"{path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ForetypeError(f"{path}: cannot be read: {error}") from error
