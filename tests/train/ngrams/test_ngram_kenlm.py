"""On real text: the estimate is KenLM's (every number of its ARPA files), and entropy pruning is worth it."""

import lzma
from pathlib import Path

import numpy as np
import pytest
from paths import DATA, SHARED

from foretype.runtime.engines.ngram import NgramModel
from foretype.train.ngrams.counting.counts import count_ngrams
from foretype.train.ngrams.estimate import NgramConfig, train_ngram
from foretype.train.ngrams.prune import keep_counts_above
from foretype.train.ngrams.smoothing.kneser_ney import kneser_ney

SMALL = DATA / "kenlm"
BENCHMARK = SHARED / "benchmarks" / "kenlm"


def read_lines(path: Path) -> list[str]:
    return lzma.decompress(path.read_bytes()).decode().splitlines()


def read_numbers(path: Path) -> list[dict[tuple[str, ...], tuple[float, float]]]:
    """Of an ARPA file, per order: n-gram -> log10 of its probability and of its backoff; by plain reading."""
    orders: list[dict[tuple[str, ...], tuple[float, float]]] = []
    for line in read_lines(path):
        if line.endswith("-grams:"):
            orders.append({})
        elif "\t" in line:
            probability, ngram, *backoff = line.split("\t")
            orders[-1][tuple(ngram.split(" "))] = (float(probability), float(backoff[0]) if backoff else 0.0)
    return orders


def read_stream(path: Path) -> tuple[np.ndarray, list[str]]:
    """The text as one document of the token stream, and the words by id."""
    lines = [line.split() for line in read_lines(path)]
    words = ["<unk>", "<s>", "</s>", *sorted({word for line in lines for word in line})]
    ids = {word: id for id, word in enumerate(words)}
    return np.array([1, *(ids[word] for line in lines for word in [*line, "</s>"])], np.uint16), words


@pytest.mark.parametrize(
    ("text", "arpa", "prune"),
    [
        ("text-3000.txt.xz", "order3-3000.arpa.xz", (0, 0, 0)),
        ("text-3000.txt.xz", "order5-3000.arpa.xz", (0, 0, 0, 0, 0)),
        ("text-30000.txt.xz", "order3-30000.arpa.xz", (0, 0, 0)),
        ("text-30000.txt.xz", "order3-30000-prune-0-1-2.arpa.xz", (0, 1, 2)),
    ],
)
def test_agrees_with_lmplz(text: str, arpa: str, prune: tuple[int, ...]) -> None:
    folder = SMALL if (SMALL / arpa).exists() else BENCHMARK
    if not folder.exists():
        pytest.skip("../shared/benchmarks is absent")
    stream, words = read_stream(folder / text)
    expected = read_numbers(folder / arpa)

    orders = count_ngrams(stream, len(words), len(prune))
    keep = keep_counts_above(orders, prune)
    models = kneser_ney(orders, keep)

    names: list[tuple[str, ...]] = [()]
    for n, (rows, kept, model) in enumerate(zip(orders, keep, models, strict=True), start=1):
        names = [(*names[c], words[w]) for c, w in zip(rows.contexts, rows.words, strict=True)]
        backoffs = models[n].backoffs if n < len(orders) else np.ones(len(rows))
        found = {
            name: (probability, backoff)
            for name, probability, backoff, k in zip(names, model.probabilities, backoffs, kept, strict=True)
            if k and name != ("<s>",)
        }
        begins = expected[n - 1].pop(("<s>",), None)
        assert found.keys() == expected[n - 1].keys()
        assert len(found) > 1000
        theirs = np.array([expected[n - 1][name] for name in found])
        np.testing.assert_allclose(np.log10(list(found.values())), theirs, rtol=0, atol=5e-5)
        if begins:
            assert np.log10(backoffs[1]) == pytest.approx(begins[1], abs=5e-5)
            assert model.probabilities[1] == 0


def test_entropy_pruning_predicts_better_than_count_pruning_of_the_same_size(tmp_path: Path) -> None:
    stream, words = read_stream(SMALL / "text-3000.txt.xz")
    training, held_out = stream[:-2000], stream[-2000:].tolist()
    train_ngram(training, len(words), NgramConfig(order=3, prune=(0, 4, 4)), tmp_path / "count")
    size = (tmp_path / "count").stat().st_size
    train_ngram(training, len(words), NgramConfig(order=3, max_bytes=size), tmp_path / "entropy")
    scores = {}
    for name in ("count", "entropy"):
        model = NgramModel.open(tmp_path / name)
        found = [model.probabilities(held_out[i - 2 : i])[0][held_out[i]] for i in range(2, 2000) if held_out[i] != 1]
        scores[name] = np.log(found).sum()
    assert scores["entropy"] > scores["count"]
