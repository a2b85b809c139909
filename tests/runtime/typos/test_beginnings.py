"""The search for beginnings near some letters: those one edit away are found, and what is told of each is right."""

from __future__ import annotations

import random
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from foretype.runtime.text.vocabulary import prefix_range
from foretype.runtime.typos.beginnings import LONGEST, BeginningIndex, Near
from foretype.runtime.typos.keyboards import neighbours

WORDS = st.lists(st.text("abeqzé'", min_size=1, max_size=7), min_size=1, max_size=30, unique=True).map(sorted)
TYPED = st.text("abeqzé'", min_size=3, max_size=6)


def check(near: Near, keys: list[str], typed: str, distance: int, probabilities: np.ndarray) -> None:
    assert (near.low, near.high) == prefix_range(keys, near.text)
    assert near.distance == OSA.distance(typed, near.text) <= distance
    assert abs(len(near.text) - len(typed)) <= 1
    assert near.probability == pytest.approx(probabilities[near.low : near.high].sum(), rel=1e-4)


@given(WORDS, TYPED, st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_every_beginning_one_edit_away_is_found(keys: list[str], typed: str, distance: int) -> None:
    probabilities = np.linspace(1, 2, len(keys), dtype=np.float32)
    found = BeginningIndex(keys).near(typed, "qwerty", distance, probabilities)
    for near in found:
        check(near, keys, typed, distance, probabilities)
    beside = {typed[0], *neighbours("qwerty").get(typed[0], "")}
    lengths = range(max(2, len(typed) - 1), len(typed) + 2)
    for text in {key[:length] for key in keys for length in lengths if len(key) >= length}:
        slipped = len(text) == len(typed) and text[1:] == typed[1:] and text[0] not in beside
        if OSA.distance(typed, text) <= 1 and not slipped:
            assert text in {near.text for near in found}


@given(WORDS, TYPED)
@settings(max_examples=200, deadline=None)
def test_a_finished_word_is_compared_with_whole_words(keys: list[str], typed: str) -> None:
    probabilities = np.linspace(1, 2, len(keys), dtype=np.float32)
    index = BeginningIndex(keys)
    whole = index.near(typed, "qwerty", 2, probabilities, whole=True)
    assert {near.text for near in whole} == {
        near.text for near in index.near(typed, "qwerty", 2, probabilities) if near.text in keys
    }
    for near in whole:
        assert keys[near.low] == near.text
        assert near.high == near.low + 1
        assert near.probability == pytest.approx(float(probabilities[near.low]))


def test_a_large_vocabulary_prepared_a_little_at_a_time_gives_the_same() -> None:
    rng = random.Random(5)
    letters = string.ascii_lowercase
    keys = sorted({"".join(rng.choices(letters, k=rng.randint(1, 12))) for _ in range(30_000)})
    ahead, asked = BeginningIndex(keys), BeginningIndex(keys)
    steps = 0
    while ahead.prepare():
        steps += 1
    assert steps > LONGEST
    for word in rng.sample([key for key in keys if len(key) > 3], 200):
        probabilities = np.full(len(keys), 1e-5, np.float32)
        probabilities[keys.index(word)] = 0.5
        typed = word[:2] + rng.choice(letters) + word[3:]
        found = ahead.near(typed, "qwerty", 2, probabilities)
        assert found == asked.near(typed, "qwerty", 2, probabilities)
        assert word in {near.text for near in found}
        for near in found:
            check(near, keys, typed, 2, probabilities)
