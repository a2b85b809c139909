"""The cache of the recent text: its arithmetic, its place in the blend, and its settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.export.fit_blend import _CACHES, fit_cache
from foretype.runtime import BundleError, load
from foretype.runtime.engines.recent_words import CacheConfig, recall
from foretype.runtime.files.bundle import MANIFEST

FIRST = 3
CONFIG = CacheConfig(decay=0.9, boost=10.0, shares=(0.1, 0.2, 0.4))


@given(path=st.lists(st.integers(1, 6), min_size=1, max_size=30).map(tuple))
def test_each_word_of_the_window_votes_by_age_and_agreement(path: tuple[int, ...]) -> None:
    votes: dict[int, float] = {}
    longest = 0
    for place, token in enumerate(path):
        if token >= FIRST:
            match = 0
            while match < 2 and match < place and path[place - 1 - match] == path[-1 - match]:
                match += 1
            longest = max(longest, match)
            votes[token] = votes.get(token, 0.0) + 0.9 ** (len(path) - 1 - place) * 10.0**match
    recalled = recall(path, FIRST, CONFIG)
    if recalled is None:
        assert not votes
        return
    for token, vote in votes.items():
        assert recalled.probability(token - FIRST) == pytest.approx(vote / sum(votes.values()))
    assert (recalled.match, recalled.share) == (longest, CONFIG.shares[longest])


def test_the_cache_takes_its_share_and_the_sum_stays() -> None:
    words = np.array([0.1, 0.2, 0.3], np.float32)
    recalled = recall((1, 4, 5, 4), FIRST, CONFIG)
    assert recalled is not None
    cached = np.array([recalled.probability(word) for word in range(3)])
    expected = (1 - recalled.share) * words + recalled.share * 0.6 * cached
    recalled.mix_into(words)
    np.testing.assert_allclose(words, expected, rtol=1e-5)


def with_blend(bundle: Path, folder: Path, cache: Any) -> Path:
    """A copy of `bundle` whose manifest holds this cache."""
    copy = shutil.copytree(bundle, folder / "cached")
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    manifest["blend"]["cache"] = cache
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return copy


SETTINGS = {"decay": 0.99, "boost": 30, "shares": [0.1, 0.2, 0.3]}


@pytest.mark.parametrize("engine", ["blend", "ngram"])
def test_words_just_used_become_likelier_with_either_engine(tiny_bundle: Path, tmp_path: Path, engine: Any) -> None:
    model = load(with_blend(tiny_bundle, tmp_path, SETTINGS), engine=engine)
    path = (1, *model.form.encode_text("They hate coffee. They hate")[0])
    coffee = model.vocabulary.exact["coffee"] - model.vocabulary.first_word
    cached = model.predictor().words(path).words[coffee]
    every = model.predictor().mix(model.predictor().parts(path), 0)
    assert every.sum() == pytest.approx(1.0, abs=1e-4)
    model.cache = None
    assert cached > model.predictor().words(path).words[coffee] + 0.1


def test_bundles_without_a_cache_load_as_they_are(tiny_bundle: Path, tmp_path: Path) -> None:
    model = load(with_blend(tiny_bundle, tmp_path, None))
    assert model.cache is None
    assert model.session().suggest("I love ")


def test_export_fits_a_cache(tiny_bundle: Path) -> None:
    cache = load(tiny_bundle).cache
    assert cache is not None
    assert len(cache.shares) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"decay": 0},
        {"decay": 1.1},
        {"decay": "much"},
        {"decay": float("nan")},
        {"boost": 0.5},
        {"boost": 1e300},
        {"shares": []},
        {"shares": [1.0]},
        {"shares": [-0.1]},
        {"shares": 0.5},
    ],
)
def test_illegal_settings_are_refused_by_name(tiny_bundle: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="cache: "):
        load(with_blend(tiny_bundle, tmp_path, SETTINGS | change))
    if "shares" not in change:
        (name,) = change
        with pytest.raises(ValueError, match=name):
            CacheConfig.from_json({key: value for key, value in SETTINGS.items() if key != name})


def test_no_settings_at_all_are_refused_too(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cache: "):
        load(with_blend(tiny_bundle, tmp_path, [1, 2]))


def test_the_fitted_cache_is_the_one_that_made_the_data() -> None:
    draw = np.random.default_rng(1)
    size = 20_000
    blended = draw.random(size) * 0.02
    matches = draw.integers(0, 2, size)
    # Where the cache is right (20 % of places without, 60 % with agreement), the third of the caches knows it best.
    right = draw.random(size) < np.where(matches == 1, 0.6, 0.2)
    cached = np.where(right, 0.5, 0.0)[:, None] * np.linspace(0.2, 0.6, len(_CACHES))
    cached[:, 2] = np.where(right, 0.9, 0.0)
    fitted = fit_cache(blended, cached, matches)
    assert (fitted.decay, fitted.boost) == (_CACHES[2].decay, _CACHES[2].boost)
    assert fitted.shares[:2] == pytest.approx([0.2, 0.6], abs=0.03)
