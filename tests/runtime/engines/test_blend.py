"""Blending and candidates, against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.export.fit_blend import fit_shares
from foretype.runtime.engines.blend import blend
from foretype.runtime.suggesting.candidates import best_words
from foretype.runtime.suggesting.casing import written


@given(st.integers(0, 6), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_blend_is_the_weighted_sum_of_renormalised_parts(first: int, share: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 5, 12).astype(np.float32)
    ngram = draw.dirichlet(np.ones(12)).astype(np.float32)
    neural = np.exp(logits[first:].astype(float)) / np.exp(logits[first:].astype(float)).sum()
    expected = share * neural + (1 - share) * ngram[first:] / ngram[first:].sum()
    found = blend(logits, ngram, share, first)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found.sum() == pytest.approx(1, abs=1e-4)


@given(st.integers(1, 3000), st.integers(1, 60), st.sampled_from([2, 50, 2**24]), st.integers(0, 2**32 - 1))
def test_the_best_words_are_those_of_a_full_sort(size: int, count: int, distinct: int, seed: int) -> None:
    """Also where many are equally likely, as 8-bit codes of probabilities make them."""
    values = np.random.default_rng(seed).integers(0, distinct, size).astype(np.float32)
    expected = sorted(range(size), key=lambda i: (-values[i], i))[:count]
    assert best_words(values, count) == expected


def test_fitted_shares_find_the_mixture_that_made_the_data() -> None:
    draw = np.random.default_rng(3)
    a, b = draw.dirichlet(np.ones(6) * 0.3), draw.dirichlet(np.ones(6) * 0.3)
    words = np.where(draw.random(20_000) < 0.7, draw.choice(6, 20_000, p=a), draw.choice(6, 20_000, p=b))
    orders = draw.integers(0, 2, 20_000)
    shares = fit_shares(a[words], b[words], orders, groups=3)
    assert shares[:2] == pytest.approx([0.7, 0.7], abs=0.05)
    assert shares[2] == pytest.approx(0.7, abs=0.05)  # never seen: what fits everywhere


@pytest.mark.parametrize(
    ("word", "prefix", "starts", "expected"),
    [
        ("the", "", False, "the"),
        ("the", "", True, "The"),
        ("the", "t", True, "the"),
        ("the", "T", False, "The"),
        ("the", "TH", False, "THE"),
        ("Monday", "m", False, "Monday"),
        ("I'm", "i", False, "I'm"),
        ("API", "A", False, "API"),
        ("don't", "DO", False, "DON'T"),
        ("élan", "É", False, "Élan"),
        ("iPhone", "", True, "iPhone"),
        ("iPhone", "IPh", False, "iPhone"),
        ("McDonald", "M", False, "McDonald"),
    ],
)
def test_words_are_written_as_their_place_and_the_typed_letters_ask(
    word: str, prefix: str, starts: bool, expected: str
) -> None:
    assert written(word, prefix, starts) == expected
