"""Calibration: the error counted by hand, its bounds, and its place in the evaluation's figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.runtime import load
from foretype.runtime.evaluation.calibration import expected_calibration_error
from foretype.runtime.evaluation.keystrokes import Keystrokes, evaluate_keystrokes


def test_the_error_as_counted_by_hand() -> None:
    """Two bins of three: (0.1 0.2 0.3; one right) and (0.6 0.8 1.0; two right)."""
    probabilities = [0.8, 0.1, 0.6, 0.3, 1.0, 0.2]
    right = [True, False, False, True, True, False]
    expected = (abs(1 / 3 - 0.2) + abs(2 / 3 - 0.8)) / 2
    assert expected_calibration_error(probabilities, right, bins=2) == pytest.approx(expected)


def test_probabilities_that_come_true_have_a_small_error() -> None:
    draw = np.random.default_rng(0)
    probabilities = draw.uniform(size=20_000) ** 2
    assert (
        expected_calibration_error(probabilities.tolist(), (draw.uniform(size=20_000) < probabilities).tolist()) < 0.02
    )
    assert expected_calibration_error(probabilities.tolist(), [False] * 20_000) == pytest.approx(probabilities.mean())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60), st.integers(1, 20))
def test_the_error_lies_between_that_of_the_means_and_one(answers: list[tuple[float, bool]], bins: int) -> None:
    probabilities, right = [answer[0] for answer in answers], [answer[1] for answer in answers]
    error = expected_calibration_error(probabilities, right, bins)
    gap = abs(sum(probabilities) - sum(right)) / max(1, len(answers))
    assert gap - 1e-9 <= error <= 1.0


def test_evaluation_reports_the_first_offers_at_both_places(tiny_bundle: Path) -> None:
    result: Keystrokes = evaluate_keystrokes(
        load(tiny_bundle), [["I think that you love the garden.", "We see the film."]], "text"
    )
    assert len(result.word_offers) == sum(result.words)
    assert result.letter_offers
    figures = result.savings()
    for place in ("word", "letter"):
        assert 0.0 <= figures[f"calibration_error_{place}"] <= 1.0
    assert figures["share_right_word"] == sum(right for _, right in result.word_offers) / len(result.word_offers)
