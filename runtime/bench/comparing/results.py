"""Compares two results, configuration by configuration, with a verdict and the noise for each figure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from foretype.runtime.bench.result import Figure, Measurement, Result

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Row:
    """A figure to compare. Lower is better.

    figure: returns the figure of a measurement; None if it has none. least: smaller relative differences are ignored.
    For times it is larger than the difference between medians of five quiet trials of the same code on a small virtual
    machine. timed: whether other programs may disturb it. weights: whether it reads the model's weights, so that
    programs that share the cache disturb it as well.
    """

    name: str
    figure: Callable[[Measurement], Figure | None]
    least: float
    timed: bool = True
    weights: bool = False


COMPARED = (
    Row("letter p50, us", lambda m: _time(m, m.letter.p50_us, m.letter.cpu_p50_us), 0.06),
    Row("letter p99, us", lambda m: _time(m, m.letter.p99_us, m.letter.cpu_p99_us), 0.2),
    Row("boundary p50, us", lambda m: _time(m, m.boundary.p50_us, m.boundary.cpu_p50_us), 0.06, weights=True),
    Row("boundary p99, us", lambda m: _time(m, m.boundary.p99_us, m.boundary.cpu_p99_us), 0.2, weights=True),
    Row("cold start, ms", lambda m: _time(m, m.cold_start_ms, m.cold_start_cpu_ms), 0.1),
    Row("first peak, bytes", lambda m: m.first_peak_bytes, 0.01, timed=False),
    Row("joules per 1000 words", lambda m: m.joules_per_1000_words, 0.1, weights=True),
    Row("neural step p50, us", lambda m: m.floor.step_p50_us if m.floor else None, 0.06, weights=True),
    Row("memory floor, us", lambda m: m.floor.floor_us if m.floor else None, 0.1, weights=True),
)
"""The compared figures. The memory floor is the reference: if it changed, the device changed."""


def _time(measurement: Measurement, wall: Figure, cpu: Figure) -> Figure:
    """CPU time, which does not grow while other programs run; wall time if an accelerator computes."""
    return wall if measurement.accelerated else cpu


@dataclass(frozen=True)
class Comparison:
    """One figure of one configuration in two results.

    old, new: figures over the undisturbed trials, or over all trials if there is no verdict. ratio: new median over old
    median. noise: the larger relative noise of the two (see `Figure.noise`); None if one of them comes from a single
    trial. verdict: see `verdict` and `compare`.
    """

    configuration: str
    figure: str
    old: Figure
    new: Figure
    ratio: float
    noise: float | None
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def verdict(old: Figure, new: Figure, least: float, better: str = "faster", worse: str = "slower") -> str:
    """`better` or `worse` if all trials of one figure are below all trials of the other, else "same within noise".

    The verdict is also "same within noise" if the medians differ by less than `least`. If there were no difference, n
    and m trials would separate completely with probability 2 / C(n + m, n) (the exact rank-sum test at its extreme):
    once in 126 times for five and five. If that probability exceeds `SIGNIFICANCE`, the verdict is "unknown: too few
    trials". It takes four trials each to stay below.
    """
    if max(new.median / old.median, old.median / new.median) < 1 + least:
        return "same within noise"
    if 2 / math.comb(len(old.trials) + len(new.trials), len(new.trials)) > SIGNIFICANCE:
        return "unknown: too few trials"
    if new.highest < old.lowest:
        return better
    return worse if new.lowest > old.highest else "same within noise"


def compare(old: Result, new: Result) -> list[Comparison]:
    """Compare every figure of `COMPARED` for each configuration that is in both results, in the order of `new`.

    Disturbed trials are ignored (see `Conditions`). There is no verdict unless more than half of the trials of each
    result were undisturbed. If the fixed work took longer in one result than in the other, a difference must be larger
    by as much. Under load, `pairs.compare_builds` decides more.
    """
    rows = []
    for measurement in new.measurements:
        before = _counterpart(old, measurement)
        if before is None:
            continue
        pair = (before, measurement)
        quietest = min(conditions.reference_us for each in pair for conditions in each.conditions)
        same_device = old.device.name == new.device.name
        for row in COMPARED:
            was, now = row.figure(before), row.figure(measurement)
            if was is None or now is None or not was.median or not now.median:
                continue
            counted = [_undisturbed(row, each, quietest if same_device else None) for each in pair]
            least = min(counted, key=lambda flags: sum(flags) / len(flags))
            if 2 * sum(least) <= len(least):
                told = f"undisturbed trials: {sum(least)} of {len(least)}; no verdict"
            else:
                was, now = (figure.only(flags) for figure, flags in zip((was, now), counted, strict=True))
                words = ("less", "more") if row.name.endswith(("bytes", "words")) else ("faster", "slower")
                shift = _shift(*pair) if row.timed and same_device else 0.0
                told = verdict(was, now, row.least + shift, *words)
            noises = [figure.noise for figure in (was, now)]
            noise = None if None in noises else max(value for value in noises if value is not None)
            rows.append(Comparison(measurement.label, row.name, was, now, now.median / was.median, noise, told))
    return rows


def _shift(old: Measurement, new: Measurement) -> float:
    """How much longer the fixed work took in the slower of the two results, as a share."""
    first, second = (statistics.median(each.reference_us for each in m.conditions) for m in (old, new))
    return max(first / second, second / first) - 1


def _undisturbed(row: Row, measurement: Measurement, quietest_us: float | None) -> list[bool]:
    """Whether the figure of `row` can be trusted, for each trial. quietest_us: as in `Measurement.disturbances`."""
    weights = row.weights and measurement.precision is not None
    return [
        not row.timed or (disturbance is None and not (weights and conditions.shared_cache))
        for disturbance, conditions in zip(measurement.disturbances(quietest_us), measurement.conditions, strict=True)
    ]


def _counterpart(old: Result, measurement: Measurement) -> Measurement | None:
    """The measurement in `old` of the same configuration, preferably of the same bundle, else of one with its name."""
    same = [other for other in old.measurements if other.label == measurement.label]
    same.sort(key=lambda other: other.fingerprint != measurement.fingerprint)
    return same[0] if same else None


def caveats(old: Result, new: Result) -> list[str]:
    """Reasons why the two results are hard to compare, one line each."""
    found = []
    if old.device.name != new.device.name:
        found.append(f"another device: {old.device.name}")
    if old.device.versions != new.device.versions:
        found.append(f"other versions: {', '.join(old.device.versions)}")
    if old.text_sha256 != new.text_sha256:
        found.append("another text was typed: latencies do not compare")
    for measurement in new.measurements:
        if measurement.answers and not measurement.answers.right:
            found.append(f"{measurement.label}: wrong answers; its times mean nothing")
        before = _counterpart(old, measurement)
        if before is None:
            found.append(f"{measurement.label}: not measured then")
        elif before.fingerprint != measurement.fingerprint:
            found.append(f"{measurement.label}: the bundle has changed since")
    return found
