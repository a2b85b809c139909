"""Summarises the latencies of many keystrokes as a few percentiles and a histogram."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BUCKETS_PER_OCTAVE = 8


@dataclass(frozen=True)
class Histogram:
    """The number of times in each bucket. Bucket sizes grow by a factor of 2^(1/8), 9 %.

    first: number of the first bucket. counts: the counts from that bucket on. Bucket b contains the times t with
    2^(b/8) <= t < 2^((b+1)/8), in microseconds.
    """

    first: int
    counts: tuple[int, ...]

    @classmethod
    def of(cls, times: Iterable[float]) -> Histogram:
        """The histogram of `times`, in microseconds, each above 0."""
        return cls._of_counts(Counter(math.floor(BUCKETS_PER_OCTAVE * math.log2(time)) for time in times))

    @classmethod
    def _of_counts(cls, counts: Counter[int]) -> Histogram:
        if not counts:
            return cls(0, ())
        first = min(counts)
        return cls(first, tuple(counts[bucket] for bucket in range(first, max(counts) + 1)))

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of the times in both."""
        return self._of_counts(self._counter() + other._counter())

    def _counter(self) -> Counter[int]:
        return Counter({self.first + at: count for at, count in enumerate(self.counts)})

    def edges(self) -> list[float]:
        """The edges of the buckets in microseconds: one more than there are buckets."""
        return [2 ** ((self.first + at) / BUCKETS_PER_OCTAVE) for at in range(len(self.counts) + 1)]


@dataclass(frozen=True)
class Latencies:
    """Times of one kind of keystroke in one trial, in microseconds. The percentiles are times that occurred.

    count: the number of keystrokes.
    """

    count: int
    p50: float
    p90: float
    p99: float
    max: float
    histogram: Histogram

    @classmethod
    def of(cls, times: Sequence[float]) -> Latencies:
        """Summarise `times`, in microseconds: at least one, and each above 0."""
        ordered = sorted(times)
        p50, p90, p99 = (percentile(ordered, percent) for percent in (50, 90, 99))
        return cls(len(ordered), p50, p90, p99, ordered[-1], Histogram.of(ordered))


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile of sorted values: the smallest one with at least `percent` % of them at or below."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
