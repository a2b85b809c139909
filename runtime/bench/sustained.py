"""Types for minutes without a pause and reports latency over time, so that thermal limits of a device appear."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from foretype.runtime.bench.benchmark_text import text_of
from foretype.runtime.bench.conditions import Watch
from foretype.runtime.bench.latency import percentile
from foretype.runtime.bench.meters import EnergyMeter
from foretype.runtime.errors import ForetypeError
from foretype.runtime.model import Model, load

INTERVALS = 30
WARM_UP = 500
"""Characters that are typed before the first interval."""
SHORTEST = 1.0
"""Seconds of an interval at least: enough for a 99th percentile of word boundaries on a fast device."""


@dataclass(frozen=True)
class Interval:
    """One interval of a sustained run. Values that the system does not report are null.

    start_s: seconds since the run began. words: typed words. letter_p50_us .. boundary_p99_us: wall times of `suggest`
    inside a word and at word boundaries. boundary_cpu_p50_us: CPU time of the same calls. joules: energy of the whole
    processor. megahertz, throttled, waited: see `Conditions`.
    """

    start_s: float
    words: int
    letter_p50_us: float
    letter_p99_us: float
    boundary_p50_us: float
    boundary_p99_us: float
    boundary_cpu_p50_us: float
    joules: float | None
    megahertz: float | None
    throttled: int | None
    waited: float


def sustain(model: Model, seconds: float) -> tuple[Interval, ...]:
    """Type the benchmark's text again and again for `seconds`, in up to `INTERVALS` intervals of equal length.

    The start of the text is typed once before, so that caches that fill do not look like a device that gets faster.
    """
    length = max(SHORTEST, seconds / INTERVALS)
    text, session, end = text_of(model.bundle), model.session(), 0
    for warm in range(1, WARM_UP):
        session.suggest(text[:warm])
    begun, found = time.perf_counter(), list[Interval]()
    while not found or time.perf_counter() - begun + length / 2 < seconds:
        started = time.perf_counter()
        watch, meter = Watch(), EnergyMeter()
        watch.refer()
        letters, boundaries, cpu = list[float](), list[float](), list[float]()
        while not letters or not boundaries or time.perf_counter() - started < length:
            if end == len(text):
                session, end = model.session(), 0
            end += 1
            worked, start = time.thread_time_ns(), time.perf_counter_ns()
            session.suggest(text[:end])
            taken, used = time.perf_counter_ns() - start, time.thread_time_ns() - worked
            if text[end - 1].isspace():
                boundaries.append(taken / 1e3)
                cpu.append(used / 1e3)
            elif text[end - 1].isalnum():
                letters.append(taken / 1e3)
        seen = watch.conditions()
        letters.sort()
        boundaries.sort()
        found.append(
            Interval(
                start_s=started - begun,
                words=len(boundaries),
                letter_p50_us=percentile(letters, 50),
                letter_p99_us=percentile(letters, 99),
                boundary_p50_us=percentile(boundaries, 50),
                boundary_p99_us=percentile(boundaries, 99),
                boundary_cpu_p50_us=statistics.median(cpu),
                joules=meter.joules(),
                megahertz=seen.megahertz,
                throttled=seen.throttled,
                waited=seen.waited,
            )
        )
    return tuple(found)


def slowdown(intervals: Sequence[Interval]) -> float:
    """CPU time at word boundaries in the last fifth of the run, divided by that in the first fifth; 1 is no change."""
    count = max(1, len(intervals) // 5)
    last, first = (
        statistics.median(interval.boundary_cpu_p50_us for interval in part)
        for part in (intervals[-count:], intervals[:count])
    )
    return last / first if first else 1.0


def main() -> None:
    """Print the intervals as one line of JSON. Arguments: those of `load` as JSON, and seconds."""
    try:
        model = load(**json.loads(sys.argv[1]))
        answer: object = [asdict(interval) for interval in sustain(model, float(sys.argv[2]))]
    except (ForetypeError, OSError) as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
