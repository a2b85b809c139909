"""Is it faster? Two results, configuration by configuration, each figure with a verdict and its noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from foretype.runtime.bench.result import Figure, Measurement, Result

COMPARED: dict[str, Callable[[Measurement], Figure | None]] = {
    "letter p50, us": lambda m: m.letter.p50_us,
    "letter p99, us": lambda m: m.letter.p99_us,
    "boundary p50, us": lambda m: m.boundary.p50_us,
    "boundary p99, us": lambda m: m.boundary.p99_us,
    "cold start, ms": lambda m: m.cold_start_ms,
    "first peak, bytes": lambda m: m.first_peak_bytes,
    "joules per 1000 words": lambda m: m.joules_per_1000_words,
    "neural step p50, us": lambda m: m.floor.step_p50_us if m.floor else None,
    "memory floor, us": lambda m: m.floor.floor_us if m.floor else None,
}
"""What is compared: less is better throughout. The memory floor is the reference: where it moved, the device did."""

SMALLEST = 0.01
"""Differences below 1 % concern nobody, however sure they are."""
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Comparison:
    """One figure of one configuration in two results.

    ratio: new median over old. noise: the larger relative noise of the two (see `Figure.noise`), None where one of
    them comes from a single trial. verdict: see `verdict`.
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


def verdict(old: Figure, new: Figure, better: str = "faster", worse: str = "slower") -> str:
    """`better` or `worse` where all trials of one are below all of the other, else "same within noise".

    So is a difference below `SMALLEST`. Were there none, n and m trials would come out so apart with probability
    2 / C(n + m, n) (the exact rank-sum test at its extreme): once in 126 times for five and five. Where that exceeds
    `SIGNIFICANCE`, which takes four trials each, the verdict is "unknown: too few trials".
    """
    if abs(new.median / old.median - 1) < SMALLEST:
        return "same within noise"
    if 2 / math.comb(len(old.trials) + len(new.trials), len(new.trials)) > SIGNIFICANCE:
        return "unknown: too few trials"
    if new.highest < old.lowest:
        return better
    return worse if new.lowest > old.highest else "same within noise"


def compare(old: Result, new: Result) -> list[Comparison]:
    """Every figure of `COMPARED` for each configuration that both results have, in the order of `new`."""
    rows = []
    for measurement in new.measurements:
        before = _counterpart(old, measurement)
        if before is None:
            continue
        for name, figure_of in COMPARED.items():
            was, now = figure_of(before), figure_of(measurement)
            if was is None or now is None or not was.median:
                continue
            verdicts = ("less", "more") if name.endswith(("bytes", "words")) else ("faster", "slower")
            noises = [figure.noise for figure in (was, now)]
            noise = None if None in noises else max(value for value in noises if value is not None)
            told = verdict(was, now, *verdicts)
            rows.append(Comparison(measurement.label, name, was, now, now.median / was.median, noise, told))
    return rows


def _counterpart(old: Result, measurement: Measurement) -> Measurement | None:
    """What `old` holds of the same configuration: of the very same bundle if there is one, else of one of its name."""
    same = [other for other in old.measurements if other.label == measurement.label]
    same.sort(key=lambda other: other.fingerprint != measurement.fingerprint)
    return same[0] if same else None


def caveats(old: Result, new: Result) -> list[str]:
    """What makes the two results hard to compare, a line each."""
    found = []
    if old.device.name != new.device.name:
        found.append(f"another device: {old.device.name}")
    if old.device.versions != new.device.versions:
        found.append(f"other versions: {', '.join(old.device.versions)}")
    if old.text_sha256 != new.text_sha256:
        found.append("another text was typed: latencies do not compare")
    for measurement in new.measurements:
        before = _counterpart(old, measurement)
        if before is None:
            found.append(f"{measurement.label}: not measured then")
        elif before.fingerprint != measurement.fingerprint:
            found.append(f"{measurement.label}: the bundle has changed since")
    return found
