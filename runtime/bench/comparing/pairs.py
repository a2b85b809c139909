"""Compares two builds that run in turn on this device, so that whatever disturbs one disturbs the other.

Two processes, one of each build, type the same piece of text alternately: old new, new old, old new, ... Each keystroke
of one is compared with the same keystroke of the other, typed at nearly the same time. A pair of processes gives one
ratio for each figure: processes of the same build differ by a few percent, as the system places their memory
differently. Many pairs give an interval for the ratio, by the signed ranks of its logarithms (Hollander, Wolfe and
Chicken, Nonparametric Statistical Methods, 2014, section 3.3). It assumes that a ratio is as likely as its reciprocal
around the middle. For equal builds that is certain, since nothing distinguishes the two.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

from foretype.runtime.bench.benchmark_text import text_at
from foretype.runtime.bench.trial import CPU_CLOCK_IS_COARSE
from foretype.runtime.bench.trials import Configuration
from foretype.runtime.errors import ConfigError, ForetypeError

LEAST = 0.04
"""Smaller differences get no verdict, however certain they are: a change of unrelated code can move as much."""
DOUBT = 0.01
"""The probability that the interval misses the middle is at most this."""
WIDEST = 0.09
"""Half the width of the interval above which the comparison is refused: a tenth could hide in it."""
FEWEST_PAIRS, MOST_PAIRS = 8, 24
ROUNDS = 3
PIECE_WORDS = 30
FIGURES = ("inside a word", "word boundary", "all keystrokes")


@dataclass(frozen=True)
class Build:
    """A build of Foretype. path: a Python of its environment, or a folder that holds its package `foretype`.

    None stands for the build that runs now.
    """

    path: Path | None = None

    def command(self) -> list[str]:
        """The command that starts its Python."""
        return [str(self.path) if self.path and self.path.is_file() else sys.executable]

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        if self.path is None or self.path.is_file():
            return dict(os.environ)
        return {**os.environ, "PYTHONPATH": str(self.path.resolve())}

    def check(self) -> None:
        """Raise ConfigError if there is neither a Python nor a package at `path`."""
        if self.path is None or self.path.is_file() or (self.path / "foretype").is_dir():
            return
        raise ConfigError(f"{self.path}: expected a Python of another environment, or a folder that holds `foretype`")


@dataclass(frozen=True)
class Paired:
    """One figure of two builds that ran in turn.

    figure: one of `FIGURES`. old_us, new_us: median over the pairs of the time per keystroke, in microseconds.
    ratios: new over old, one for each pair. ratio: their `middle`. low, high: an interval that contains the middle
    with a probability of at least 1 - `DOUBT`. verdict: "faster", "slower", "same within noise" or why there is none.
    """

    figure: str
    old_us: float
    new_us: float
    ratios: tuple[float, ...]
    ratio: float
    low: float
    high: float
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


class _Typist:
    """A process of one build that types on request."""

    def __init__(self, build: Build, configuration: Configuration, clock: str) -> None:
        self._name = f"{build.path or 'this build'}: {configuration}"
        source = files("foretype.runtime.bench.comparing").joinpath("typist.py").read_text(encoding="utf-8")
        command = [*build.command(), "-P", "-c", source, json.dumps(asdict(configuration)), clock]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=build.environment(),
        )

    def __enter__(self) -> _Typist:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def answer(self) -> Any:
        """The next line of the process. Raises ForetypeError with the end of its messages if it died."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            told = self._process.communicate()[1].strip().splitlines()
            raise ForetypeError(f"{self._name}: its process ended: {told[-1] if told else 'it said nothing'}")
        return json.loads(line)

    def type(self, text: str) -> list[int]:
        """The nanoseconds of each keystroke of `text`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        times = self.answer()
        return [max(1, time) for time in times]


def compare_builds(
    old: Build,
    new: Build,
    configuration: Configuration,
    pairs: int = MOST_PAIRS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Paired]:
    """Compare the builds by turns: `FEWEST_PAIRS` pairs of processes, and up to `pairs` while the interval is wide.

    The number of pairs depends on the width of the intervals alone, never on the ratios, so it does not make a false
    verdict more likely. Times are CPU times; wall times on accelerators and Windows. progress: called with the finished
    pairs and the most there may be. Raises ForetypeError if a build cannot run.
    """
    for build in (old, new):
        build.check()
    clock = "perf_counter_ns" if configuration.provider != "cpu" or CPU_CLOCK_IS_COARSE else "thread_time_ns"
    pieces = _pieces(text_at(configuration.path))
    found: list[tuple[dict[str, float], dict[str, float]]] = []
    while len(found) < min(FEWEST_PAIRS, pairs) or (
        len(found) < pairs and any(_half_width(row) > LEAST for row in _summaries(found))
    ):
        number = len(found)
        with _Typist(old, configuration, clock) as first, _Typist(new, configuration, clock) as second:
            first.answer()
            second.answer()
            found.append(_pair(first, second, pieces[number % len(pieces)], number))
        progress(len(found), pairs)
    return _summaries(found)


def _pieces(text: str) -> list[str]:
    """`text` in pieces of `PIECE_WORDS` words that begin where a line or a word begins."""
    words = text.split()
    return [" ".join(words[at : at + PIECE_WORDS]) + " " for at in range(0, len(words) - PIECE_WORDS, PIECE_WORDS)]


def _pair(old: _Typist, new: _Typist, piece: str, number: int) -> tuple[dict[str, float], dict[str, float]]:
    """Type `piece` with both in turn, after a warm-up, and summarise each: nanoseconds per keystroke, by figure."""
    rounds: tuple[list[list[int]], list[list[int]]] = ([], [])
    for turn in range(ROUNDS + 1):
        order = ((old, 0), (new, 1)) if (turn + number) % 2 else ((new, 1), (old, 0))
        for typist, side in order:
            times = typist.type(piece)
            if turn:
                rounds[side].append(times)
    # The quickest of several times of one keystroke: whatever disturbs can only add.
    quickest = [[min(times) for times in zip(*side, strict=True)] for side in rounds]
    letters = [at for at, character in enumerate(piece) if character.isalnum() or character == "'"]
    boundaries = [at for at, character in enumerate(piece) if character.isspace()]
    old_times, new_times = (
        {
            FIGURES[0]: statistics.fmean(times[at] for at in letters),
            FIGURES[1]: statistics.fmean(times[at] for at in boundaries),
            FIGURES[2]: statistics.fmean(times),
        }
        for times in quickest
    )
    return old_times, new_times


def _summaries(found: Sequence[tuple[dict[str, float], dict[str, float]]]) -> list[Paired]:
    rows = []
    for figure in FIGURES:
        ratios = tuple(new[figure] / old[figure] for old, new in found)
        low, high = interval(ratios)
        rows.append(
            Paired(
                figure,
                statistics.median(old[figure] for old, _ in found) / 1e3,
                statistics.median(new[figure] for _, new in found) / 1e3,
                ratios,
                middle(ratios),
                low,
                high,
                verdict(ratios),
            )
        )
    return rows


def _half_width(row: Paired) -> float:
    return (row.high - row.low) / 2


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """The narrowest pair of pairwise means that holds the middle with a probability of at least 1 - `DOUBT`.

    The whole line if there are too few ratios (seven or fewer).
    """
    means, count = _pairwise_means(ratios), len(ratios)
    ways = [1] + [0] * len(means)  # in how many ways can signed ranks up to `count` have each sum?
    for rank in range(1, count + 1):
        ways = [some + (ways[total - rank] if total >= rank else 0) for total, some in enumerate(ways)]
    left_out, tail = 0, ways[0]
    while 2 * tail <= DOUBT * 2**count:
        left_out += 1
        tail += ways[left_out]
    return (means[left_out - 1], means[-left_out]) if left_out else (0.0, math.inf)


def middle(ratios: Sequence[float]) -> float:
    """The Hodges-Lehmann estimate: the median of the pairwise means."""
    return statistics.median(_pairwise_means(ratios))


def _pairwise_means(ratios: Sequence[float]) -> list[float]:
    """The geometric mean of each pair of ratios, and each ratio, in order."""
    pairs = itertools.combinations_with_replacement(ratios, 2)
    return sorted(math.sqrt(first * second) for first, second in pairs)


def verdict(ratios: Sequence[float]) -> str:
    """Whether the new build is faster or slower.

    "faster" or "slower" if the interval excludes 1 and the middle differs by at least `LEAST`.
    """
    low, high = interval(ratios)
    if low == 0.0:
        return f"no verdict: {len(ratios)} pairs of processes; expected at least {FEWEST_PAIRS}"
    ratio = middle(ratios)
    if max(ratio, 1 / ratio) >= 1 + LEAST and (low > 1 or high < 1):
        return "slower" if ratio > 1 else "faster"
    if (high - low) / 2 > WIDEST:
        return f"no verdict: the device was disturbed, the ratio is between {low:.2f} and {high:.2f}"
    return "same within noise"
