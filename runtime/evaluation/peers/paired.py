"""Paired bootstrap: are two systems different on the same lines, or is it a tie?

Each resample draws the lines of every source again, the same draw for all systems, and takes the mean of the sources
with equal weights. Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; for pairs of
language systems, Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
Verdict = Literal["ahead", "tie", "behind", "unknown"]
Counts = Sequence[tuple[Sequence[int], Sequence[int]]]
"""For each source: a count for each line, and what it is a share of. Keystrokes and characters, for example."""


def resampled(sources: Counts) -> tuple[float, NDArray[np.float64]]:
    """The mean over the sources of 100 * part / whole, and its values in `RESAMPLES` resamples.

    Two systems with the same lines meet the same draws, so that their values can be subtracted one by one.
    """
    generator = np.random.default_rng(0)
    exact, drawn = [], []
    for part, whole in sources:
        lines = len(whole)
        draws = generator.multinomial(lines, np.full(lines, 1 / lines), size=RESAMPLES)
        exact.append(100 * sum(part) / max(1, sum(whole)))
        drawn.append(100 * (draws @ np.array(part, float)) / np.maximum(1, draws @ np.array(whole, float)))
    return float(np.mean(exact)), np.mean(drawn, axis=0)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % interval of resampled values."""
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def verdict(low: float, high: float) -> Verdict:
    """What an interval of differences says.

    >>> verdict(0.2, 1.5), verdict(-0.1, 1.5), verdict(-2.0, -0.3)
    ('ahead', 'tie', 'behind')
    """
    return "ahead" if low > 0 else "behind" if high < 0 else "tie"
