"""Counting is exact against plain Python; files open, keep to their size and are repeatable; settings are checked."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.errors import ConfigError, CorpusError
from foretype.train.ngrams.counting.counts import NgramCounts, count_ngrams
from foretype.train.ngrams.estimate import SMOOTHINGS, NgramConfig, train_ngram
from foretype.train.ngrams.smoothing.kneser_ney import adjusted_counts
from foretype.train.ngrams.tables import quantise

VOCAB = 12
STREAMS = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=120).map(lambda ids: np.array(ids, np.uint16))
CONFIGS = st.builds(
    lambda order, smoothing, steps, size, by: NgramConfig(
        order=order,
        smoothing=smoothing,
        prune=tuple(np.cumsum([0, *steps[: order - 1]]).tolist()),
        max_bytes=size,
        prune_by=by,
    ),
    st.integers(1, 5),
    st.sampled_from(list(SMOOTHINGS)),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
    st.one_of(st.none(), st.integers(12_300, 13_000)),
    st.sampled_from(["entropy", "count"]),
)


def counts_in_python(stream: list[int], order: int) -> Counter[tuple[int, ...]]:
    counts: Counter[tuple[int, ...]] = Counter()
    sentence = [1]
    for token in stream:
        if token == 1:
            sentence = [1]
            continue
        sentence.append(token)
        counts.update(tuple(sentence[-n:]) for n in range(1, min(order, len(sentence)) + 1))
        if token == 2:
            sentence = [1]
    return counts


def names(orders: Sequence[NgramCounts]) -> list[list[tuple[int, ...]]]:
    result: list[list[tuple[int, ...]]] = [[()]]
    for rows in orders:
        result.append([(*result[-1][c], int(w)) for c, w in zip(rows.contexts, rows.words, strict=True)])
    return result[1:]


@given(stream=STREAMS, order=st.integers(1, 5))
def test_counts_are_those_of_plain_counting(stream: np.ndarray, order: int) -> None:
    orders = count_ngrams(stream, VOCAB, order)
    expected = counts_in_python(stream.tolist(), order)
    rows: list[tuple[int, ...]] = [()]
    found: Counter[tuple[int, ...]] = Counter()
    for counted in orders:
        lower = rows
        rows = [(*lower[c], int(w)) for c, w in zip(counted.contexts, counted.words, strict=True)]
        assert rows == sorted(rows)
        if len(rows[0:1]) and len(rows[0]) > 1:
            assert [lower[s] for s in counted.suffixes] == [row[1:] for row in rows]
        found.update(dict(zip(rows, counted.counts.tolist(), strict=True)))
    assert +found == expected


@given(stream=STREAMS, order=st.integers(2, 5))
def test_lower_orders_count_distinct_left_words(stream: np.ndarray, order: int) -> None:
    orders = count_ngrams(stream, VOCAB, order)
    counts = counts_in_python(stream.tolist(), order)
    for n, (rows, adjusted) in enumerate(zip(names(orders), adjusted_counts(orders), strict=True), start=1):
        for row, count in zip(rows, adjusted.tolist(), strict=True):
            left = sum(1 for ngram in counts if len(ngram) == n + 1 and ngram[1:] == row)
            assert count == (counts[row] if n == order or row[0] == 1 else left)


@settings(deadline=None, max_examples=30)
@given(stream=STREAMS, config=CONFIGS)
def test_any_trained_file_opens_and_training_is_deterministic(
    tmp_path_factory: pytest.TempPathFactory, stream: np.ndarray, config: NgramConfig
) -> None:
    folder = tmp_path_factory.mktemp("ngram")
    for name in ("a", "b"):
        train_ngram(stream, VOCAB, config, folder / name)
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
    model = NgramModel.open(folder / "a")
    for start in range(0, len(stream), 7):
        assert model.probabilities(stream[start : start + 4].tolist())[0].sum() == pytest.approx(1, abs=1e-5)
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


def zipf_stream(tokens: int, vocab_size: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    ids = np.minimum(rng.zipf(1.3, tokens) + 1, vocab_size - 1)
    ids[0] = 1
    return ids.astype(np.uint16)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("limit", [40_000, 60_000, 90_000])
def test_the_file_fits_its_budget_and_entropy_pruning_uses_it(tmp_path: Path, limit: int, smoothing: str) -> None:
    stream = zipf_stream(50_000, 5000)
    for prune_by in ("entropy", "count"):
        path = tmp_path / prune_by
        train_ngram(stream, 5000, NgramConfig(3, smoothing, max_bytes=limit, prune_by=prune_by), path)
        assert path.stat().st_size <= limit
    assert (tmp_path / "entropy").stat().st_size > 0.75 * limit


def test_a_large_vocabulary_whose_ids_take_four_bytes_fits_its_budget(tmp_path: Path) -> None:
    stream = zipf_stream(100_000, 5000).astype(np.uint32)
    stream[stream > 1000] *= 13
    train_ngram(stream, 70_000, NgramConfig(3, max_bytes=200_000), tmp_path / "n")
    assert 0.75 * 200_000 < (tmp_path / "n").stat().st_size <= 200_000


def test_a_budget_below_the_unigrams_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_bytes is 1000"):
        train_ngram(zipf_stream(1000, 500), 500, NgramConfig(max_bytes=1000), tmp_path / "ngram.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stream", [np.zeros(0, np.uint16), np.zeros((2, 2), np.uint16), np.array([1, 12, 2])])
def test_an_unusable_stream_is_refused(stream: np.ndarray) -> None:
    with pytest.raises(CorpusError, match="the token stream has"):
        count_ngrams(stream, VOCAB, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"order": 0},
        {"order": 6},
        {"prune": (0, 1)},
        {"prune": (0, 2, 1, 1)},
        {"prune": (1, 1, 1, 1)},
        {"max_bytes": 0},
        {"smoothing": "witten-bell"},
        {"prune_by": "size"},
        {"delta": 0.0},
        {"delta": float("nan")},
        {"backoff_factor": 1.5},
        {"katz_cutoff": 0},
        {"fallback_discounts": (2.0, 1.0, 1.0)},
    ],
)
def test_illegal_settings_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="|".join(options)):
        NgramConfig(**options)  # type: ignore[arg-type]


@given(st.lists(st.floats(1e-9, 1), min_size=1))
def test_quantisation_keeps_values_to_half_a_step(values: list[float]) -> None:
    codes, levels = quantise(np.array(values))
    step = np.log(max(values) / min(values)) / 255
    assert np.abs(np.log(levels[codes]) - np.log(values)).max() <= step / 2 + 1e-5
    assert np.all((levels > 0) & (levels <= 1))
