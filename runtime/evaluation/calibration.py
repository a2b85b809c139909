"""Measures calibration: about 30 of 100 words that were given a probability of 30 % should be right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BINS = 15


def expected_calibration_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """The mean distance between probability and share of right answers, from 0 (calibrated) to 1.

    probabilities: the probability of each answer [n]. right: whether each answer was right [n].

    ECE = sum over bins b of n_b / n * |share right in b - mean probability in b| (Guo et al. 2017, equation 3). Bins
    hold equal numbers of answers (Nguyen and O'Connor 2015), because most probabilities are close to zero. If there are
    fewer answers than bins, each answer has its own bin. Without answers, the error is 0.
    """
    if not probabilities:
        return 0.0
    order = np.argsort(probabilities, kind="stable")
    gaps = np.asarray(right, np.float64)[order] - np.asarray(probabilities, np.float64)[order]
    return sum(abs(float(part.sum())) for part in np.array_split(gaps, bins)) / len(gaps)
