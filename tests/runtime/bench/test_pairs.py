"""The verdict on two builds that run in turn: certain differences are told, noise is not."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from foretype.runtime import ConfigError, ForetypeError
from foretype.runtime.bench.comparing.pairs import FIGURES, Build, compare_builds, interval, verdict
from foretype.runtime.bench.trials import Configuration


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    assert interval([1.0] * 7) == (0.0, float("inf"))
    assert interval([2.0**number for number in range(8)]) == (1, 2**7)
    # The critical values of the signed rank test: 2 P(W <= 19) <= 0.01 < 2 P(W <= 20) for 16 pairs.
    powers = [2.0 ** (number + number**2 / 1000) for number in range(16)]
    means = sorted(math.sqrt(one * other) for at, one in enumerate(powers) for other in powers[at:])
    assert interval(powers) == (means[19], means[-20])
    draw = random.Random(1)
    for count in (8, 12, 16, 24):
        missed = 0
        for _ in range(4000):
            low, high = interval([draw.lognormvariate(0, 0.3) for _ in range(count)])
            missed += not low <= 1 <= high
        assert missed <= 0.015 * 4000


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([1.08, 1.09, 1.1, 1.1, 1.11, 1.11, 1.12, 1.13], "slower"),
        ([0.88, 0.89, 0.9, 0.9, 0.91, 0.91, 0.92, 0.93], "faster"),
        ([1.01, 1.02, 1.02, 1.02, 1.03, 1.03, 1.03, 1.04], "same within noise"),
        ([0.97, 1.08, 1.08, 1.09, 1.1, 1.1, 1.11, 1.12], "same within noise"),
        ([0.7, 1.08, 1.08, 1.09, 1.1, 1.1, 1.11, 1.12], "no verdict: the device was disturbed"),
        ([1.5] * 7, "no verdict: 7 pairs of processes; expected at least 8"),
    ],
)
def test_a_verdict_needs_certainty_and_a_difference_that_counts(ratios: list[float], expected: str) -> None:
    assert verdict(ratios).startswith(expected)


def test_builds_run_in_turn_and_the_other_build_is_the_one_that_is_asked_for(tiny_bundle: Path, tmp_path: Path) -> None:
    """The other build is one of four lines that needs no time at all."""
    package = tmp_path / "foretype"
    package.mkdir()
    (package / "runtime.py").write_text(
        "class load:\n    def __init__(self, **options): pass\n"
        "    def session(self): return self\n    def suggest(self, text): return []\n"
    )
    rows = compare_builds(Build(tmp_path), Build(), Configuration(str(tiny_bundle), "ngram"), pairs=1)
    assert [row.figure for row in rows] == list(FIGURES)
    assert all(row.ratio > 2 and row.old_us < row.new_us for row in rows)
    assert all(row.verdict.startswith("no verdict: 1 pairs") for row in rows)


def test_what_is_no_build_is_refused(tmp_path: Path, tiny_bundle: Path) -> None:
    configuration = Configuration(str(tiny_bundle), "ngram")
    with pytest.raises(ConfigError, match="expected a Python of another environment, or a folder"):
        compare_builds(Build(tmp_path), Build(), configuration)
    with pytest.raises(ForetypeError, match="/no/such/bundle: not a bundle"):
        compare_builds(Build(), Build(), Configuration("/no/such/bundle", "ngram"))
    (tmp_path / "manifest.json").write_bytes((tiny_bundle / "manifest.json").read_bytes())
    with pytest.raises(ForetypeError, match="its process ended"):
        compare_builds(Build(), Build(), Configuration(str(tmp_path), "ngram"))
