"""Whether probabilities mean what they say: of the words given 30 %, some 30 in 100 should be right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BINS = 15


def expected_calibration_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """The mean distance between probability and share of right answers, 0 (calibrated) to 1.

    probabilities: of each answer [n]. right: whether it was the word [n].

    ECE = sum over bins b of n_b / n * |share right in b - mean probability in b| (Guo et al. 2017, equation 3), with
    bins of equal numbers of answers (Nguyen and O'Connor 2015), since most probabilities lie close to zero. Fewer
    answers than bins have a bin each; none, error 0.
    """
    if not probabilities:
        return 0.0
    order = np.argsort(probabilities, kind="stable")
    gaps = np.asarray(right, np.float64)[order] - np.asarray(probabilities, np.float64)[order]
    return sum(abs(float(part.sum())) for part in np.array_split(gaps, bins)) / len(gaps)
