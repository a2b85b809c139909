"""The n-gram engine gives the distribution its tables define, and refuses damaged tables."""

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("safetensors", reason="the extra `train` is not installed")

from safetensors.numpy import load_file, save_file

from foretype.runtime.engines.ngram import FORMAT, NgramModel
from foretype.runtime.errors import TableError
from foretype.train.ngrams.estimate import NgramConfig, train_ngram

VOCAB = 40


def make_stream(seed: int, tokens: int = 2000, vocab_size: int = VOCAB) -> np.ndarray:
    """Sentences of a random Markov chain, so that some contexts come often; documents of a few lines."""
    rng = random.Random(seed)
    stream = [1]
    while len(stream) < tokens:
        word = 3
        while rng.random() < 0.8:
            word = 3 + (word * 7 + int(rng.expovariate(0.4))) % (vocab_size - 3)
            stream.append(word)
        stream += [2] if rng.random() < 0.9 else [2, 1]
    return np.array(stream, np.uint16)


def train(path: Path, order: int = 4, **options: object) -> Path:
    train_ngram(make_stream(1), VOCAB, NgramConfig(order=order, **options), path)  # type: ignore[arg-type]
    return path


def reference(path: Path, order: int, context: list[int]) -> tuple[np.ndarray, int]:
    """p(w | context) word by word, from dictionaries filled out of the file: slow and unlike the engine."""
    tensors = load_file(path)
    probabilities: dict[tuple[int, ...], float] = {
        (w,): float(tensors["codebook.1"][c]) for w, c in enumerate(tensors["probs.1"])
    }
    backoffs: dict[tuple[int, ...], float] = {}
    rows: list[tuple[int, ...]] = list(probabilities)
    for n in range(2, order + 1):
        known = np.unpackbits(tensors[f"contexts.{n}"], count=len(rows), bitorder="little")
        contexts = [row for row, bit in zip(rows, known, strict=True) if bit]
        levels = tensors[f"backoff_codebook.{n}"]
        for name, code in zip(contexts, tensors[f"backoffs.{n}"], strict=True):
            backoffs[name] = float(levels[code])
        ends = np.unpackbits(tensors[f"ends.{n}"], count=len(tensors[f"words.{n}"]), bitorder="little")
        rows = []
        for word, code, end in zip(tensors[f"words.{n}"], tensors[f"probs.{n}"], ends, strict=True):
            rows.append((*contexts[0], int(word)))
            probabilities[rows[-1]] = float(tensors[f"codebook.{n}"][code])
            contexts = contexts[1:] if end else contexts

    starts = [i for i, word in enumerate(context) if word in (1, 2)]
    history = tuple([1, *context[starts[-1] + 1 :]] if starts else context)
    history = history[max(len(history) - order + 1, 0) :]

    def p(history: tuple[int, ...], word: int) -> float:
        if word == 1:
            return 0.0
        if (*history, word) in probabilities:
            return probabilities[(*history, word)]
        return backoffs.get(history, 1.0) * p(history[1:], word)

    raw = np.array([p(history, word) for word in range(VOCAB)])
    matched = max((n for n in range(1, len(history) + 1) if history[-n:] in backoffs), default=0)
    return raw / raw.sum(), matched


@pytest.mark.parametrize("options", [{}, {"prune": (0, 1, 2, 3)}, {"max_bytes": 13_000}])
@settings(deadline=None, max_examples=50)
@given(context=st.lists(st.integers(0, VOCAB - 1), max_size=8), start=st.integers(0, 1900))
def test_the_dense_distribution_is_the_one_the_tables_define(
    models: dict[str, Path], options: dict[str, object], context: list[int], start: int
) -> None:
    path = models[str(options)]
    model = NgramModel.open(path)
    seen = make_stream(1)[start : start + len(context)].tolist()
    for history in (context, seen):
        probabilities, matched = model.probabilities(history)
        expected, expected_matched = reference(path, 4, history)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, expected, rtol=1e-4)
        assert matched == expected_matched
        assert probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert math.log(model.probabilities(history)[0][5]) == pytest.approx(math.log(expected[5]), abs=1e-4)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    choices: list[dict[str, Any]] = [{}, {"prune": (0, 1, 2, 3)}, {"max_bytes": 13_000}]
    return {str(o): train(folder / f"{i}.safetensors", **o) for i, o in enumerate(choices)}


def test_a_sentence_starts_anew_after_a_line_end(models: dict[str, Path]) -> None:
    model = NgramModel.open(models["{}"])
    expected, matched = model.probabilities([1])
    assert matched == 1
    for context in ([2], [9, 8, 2], [9, 1], [5, 2, 1]):
        np.testing.assert_array_equal(model.probabilities(context)[0], expected)


def test_the_start_of_a_sentence_is_never_predicted(models: dict[str, Path]) -> None:
    model = NgramModel.open(models["{}"])
    assert model.probabilities([5])[0][1] == 0
    assert model.probabilities([5])[0][1] == 0.0


@pytest.mark.parametrize("order", [1, 2, 5])
def test_every_order_opens_and_sums_to_one(tmp_path: Path, order: int) -> None:
    model = NgramModel.open(train(tmp_path / "n.safetensors", order))
    assert (model.order, model.vocab_size) == (order, VOCAB)
    for context in ([], [1], make_stream(1)[50:60].tolist()):
        probabilities, matched = model.probabilities(context)
        assert matched <= order - 1
        assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_vocabulary_beyond_16_bits_works(tmp_path: Path) -> None:
    stream = make_stream(2, tokens=300).astype(np.uint32)
    stream[stream > 30] += 70_000
    train_ngram(stream, 80_000, NgramConfig(order=3), tmp_path / "n.safetensors")
    model = NgramModel.open(tmp_path / "n.safetensors")
    context = stream[10:12].tolist()
    assert model.probabilities(context)[0].argmax() in stream
    assert model.probabilities([79_999, 70_040])[0].sum() == pytest.approx(1, abs=1e-4)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = train(tmp_path / "ngram.safetensors")
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(TableError, match=r"ngram\.safetensors"):
            NgramModel.open(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("words.2", lambda a: a[:-1]),
        ("words.2", lambda a: a.astype(np.uint32)),
        ("words.3", lambda a: np.full_like(a, 65535)),
        ("words.3", lambda a: a[::-1]),
        ("probs.1", lambda a: a[:-1]),
        ("probs.4", lambda a: a.reshape(1, -1)),
        ("ends.2", lambda a: np.zeros_like(a)),
        ("ends.3", lambda a: np.full_like(a, 255)),
        ("contexts.3", lambda a: np.zeros_like(a)),
        ("backoffs.4", lambda a: a[1:]),
        ("codebook.2", lambda a: a * np.nan),
        ("codebook.1", lambda a: a * 0),
        ("backoff_codebook.3", lambda a: a + 1),
        ("backoff_codebook.3", None),
        ("words.4", None),
        ("probs.1", None),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tmp_path: Path, name: str, change: object) -> None:
    path = train(tmp_path / "ngram.safetensors")
    tensors = load_file(path)
    original = tensors.pop(name)
    if callable(change):
        tensors[name] = np.ascontiguousarray(change(original))
    save_file(tensors, path, {"format": FORMAT})
    with pytest.raises(TableError, match=r"ngram\.safetensors"):
        NgramModel.open(path)


@pytest.mark.parametrize("metadata", [None, {"format": "other"}, {"format": "foretype-ngram 2"}])
def test_a_file_of_another_format_is_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = train(tmp_path / "ngram.safetensors")
    save_file(load_file(path), path, metadata)
    with pytest.raises(TableError, match=r"ngram\.safetensors"):
        NgramModel.open(path)


def test_a_tensor_that_does_not_belong_is_refused(tmp_path: Path) -> None:
    path = train(tmp_path / "ngram.safetensors")
    save_file({**load_file(path), "words.6": np.zeros(3, np.uint16)}, path, {"format": FORMAT})
    with pytest.raises(TableError, match=r"words\.6"):
        NgramModel.open(path)


def test_altered_bytes_never_crash(tmp_path: Path) -> None:
    path = train(tmp_path / "ngram.safetensors")
    whole = path.read_bytes()
    rng = random.Random(3)
    for _ in range(200):
        raw = bytearray(whole)
        for _ in range(rng.choice([1, 3, 20])):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        path.write_bytes(raw)
        try:
            model = NgramModel.open(path)
        except TableError:
            continue
        for context in ([], [1], [1, 5, 9], [30, 20, 10]):
            model.probabilities(context)
