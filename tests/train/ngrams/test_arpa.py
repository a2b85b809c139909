"""ARPA files of any tool read, give that tool's probabilities through the runtime, and survive a round trip."""

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import DATA, SHARED

from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.errors import ConfigError, CorpusError, TableError
from foretype.train.ngrams.arpa import read_arpa, write_arpa
from foretype.train.ngrams.estimate import SMOOTHINGS, NgramConfig, estimate_ngram
from foretype.train.ngrams.perplexity import ngram_perplexity
from foretype.train.ngrams.tables import write_tables

KENLM = DATA / "kenlm"
BENCHMARK = SHARED / "benchmarks" / "kenlm"
TOKENS = ["<unk>", "<s>", "</s>", "the", "cat", "é—", "\u2028", "Don't"]
STREAMS = st.lists(st.integers(0, len(TOKENS) - 1), min_size=1, max_size=80).map(lambda ids: np.array(ids, np.uint16))

FOREIGN = """\
made by another tool
\\data\\
ngram 1=5
ngram  2 = 3

\\1-grams:
-0.6\t</s>
-99 <s> -0.2
-0.5\tcat\t0.1
-0.7\tthe\t-0.3010300
-1.2\t<UNK>

\\2-grams:
-0.2 <s>\tthe
-0.3\tthe cat
-99\tcat </s>

\\end\\
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "model.arpa"
    path.write_text(text, encoding="utf-8")
    return path


@settings(deadline=None, max_examples=40)
@given(stream=STREAMS, order=st.integers(1, 5), smoothing=st.sampled_from(list(SMOOTHINGS)), pruned=st.booleans())
def test_a_round_trip_is_exact_to_the_printed_digits(
    tmp_path_factory: pytest.TempPathFactory, stream: np.ndarray, order: int, smoothing: str, pruned: bool
) -> None:
    folder = tmp_path_factory.mktemp("arpa")
    config = NgramConfig(order, smoothing, max_bytes=12_500 if pruned else None)
    model = estimate_ngram(stream, len(TOKENS), config)
    write_arpa(folder / "a.arpa", model, TOKENS)
    again, tokens = read_arpa(folder / "a.arpa")
    write_arpa(folder / "b.arpa", again, tokens)
    assert tokens == TOKENS
    assert (folder / "a.arpa").read_bytes() == (folder / "b.arpa").read_bytes()
    for ours, theirs in zip(model.orders, again.orders, strict=True):
        np.testing.assert_array_equal(ours.contexts, theirs.contexts)
        np.testing.assert_array_equal(ours.words, theirs.words)
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, rtol=2e-7)
        np.testing.assert_allclose(ours.backoffs, theirs.backoffs, rtol=2e-7)
        assert (ours.words.dtype, ours.contexts.dtype) == (theirs.words.dtype, theirs.contexts.dtype)


@pytest.mark.parametrize("ending", [".gz", ".xz"])
def test_compressed_files_are_written_and_read(tmp_path: Path, ending: str) -> None:
    model = estimate_ngram(np.array([3, 4, 2], np.uint16), len(TOKENS), NgramConfig(2))
    plain, packed = tmp_path / "a.arpa", tmp_path / f"a.arpa{ending}"
    write_arpa(plain, model, TOKENS)
    write_arpa(packed, model, TOKENS)
    unpack = gzip.decompress if ending == ".gz" else lzma.decompress
    assert unpack(packed.read_bytes()) == plain.read_bytes()
    assert read_arpa(packed)[1] == TOKENS


def plain_numbers(path: Path) -> dict[tuple[str, ...], tuple[float, float]]:
    """n-gram -> log10 of its probability and backoff, by plain reading."""
    lines = lzma.decompress(path.read_bytes()).decode().splitlines()
    rows = [line.split("\t") for line in lines if "\t" in line]
    return {tuple(row[1].split(" ")): (float(row[0]), float(row[2]) if len(row) > 2 else 0.0) for row in rows}


@pytest.mark.parametrize("name", ["order3-3000", "order5-3000", "order3-30000", "order3-30000-prune-0-1-2"])
def test_kenlms_probabilities_come_out_of_the_runtime(tmp_path: Path, name: str) -> None:
    path = next((f / f"{name}.arpa.xz" for f in (KENLM, BENCHMARK) if (f / f"{name}.arpa.xz").exists()), None)
    if path is None:
        pytest.skip("../shared/benchmarks is absent")
    model, tokens = read_arpa(path)
    write_tables(tmp_path / "tables", model)
    runtime, numbers = NgramModel.open(tmp_path / "tables"), plain_numbers(path)
    ids = {token: index for index, token in enumerate(tokens)}

    def log10(history: tuple[str, ...], word: str) -> float:
        if (*history, word) in numbers:
            return numbers[(*history, word)][0]
        return numbers.get(history, (0, 0.0))[1] + log10(history[1:], word)

    rng = np.random.default_rng(1)
    ngrams = list(numbers)
    differences = []
    for index in rng.integers(len(ngrams), size=150):
        history = ngrams[index][: runtime.order - 1]
        if history[-1] == "</s>":
            continue
        distribution, _ = runtime.probabilities([ids[word] for word in history])
        for word in [ngrams[index][-1], *(tokens[i] for i in rng.integers(len(tokens), size=3))]:
            if word != "<s>":
                differences.append(np.log10(distribution[ids[word]]) - log10(history, word))
    assert len(differences) > 300
    assert np.abs(differences).max() < 0.03, "a code is half a step of 5 % off at most, each backoff as well"


def test_other_tools_conventions_are_understood(tmp_path: Path) -> None:
    model, tokens = read_arpa(write(tmp_path, FOREIGN))
    assert tokens == ["<unk>", "<s>", "</s>", "cat", "the"]
    first, second = model.orders
    np.testing.assert_allclose(np.log10(first.probabilities[[0, 2, 3, 4]]), [-1.2, -0.6, -0.5, -0.7], atol=1e-6)
    assert first.probabilities[1] == 0
    np.testing.assert_allclose(np.log10(first.backoffs), [0, -0.2, 0, 0.1, -0.30103], atol=1e-6)
    assert second.contexts.tolist() == [1, 3, 4]
    assert second.words.tolist() == [4, 2, 3]
    np.testing.assert_allclose(second.probabilities, [10**-0.2, 0, 10**-0.3], rtol=1e-6)
    write_tables(tmp_path / "tables", model)
    assert NgramModel.open(tmp_path / "tables").probabilities([1])[0].argmax() == 4


def test_n_grams_that_nothing_can_ask_for_are_left_out(tmp_path: Path) -> None:
    more = "-0.3\tthe cat\n-1 <s> <s>\n-1 </s> the"
    text = FOREIGN.replace("ngram  2 = 3", "ngram 2=5").replace("-0.3\tthe cat", more)
    model, _ = read_arpa(write(tmp_path, text))
    assert len(model.orders[1]) == 3


def test_a_given_vocabulary_decides_the_ids_and_what_is_read(tmp_path: Path) -> None:
    model, tokens = read_arpa(write(tmp_path, FOREIGN), ["<unk>", "<s>", "</s>", "dog", "the"])
    assert tokens[3:] == ["dog", "the"]
    np.testing.assert_allclose(np.log10(model.orders[0].probabilities[3:]), [-1.2, -0.7], atol=1e-6)
    assert model.orders[1].words.tolist() == [4]
    assert ngram_perplexity(model, np.array([4, 3, 2], np.uint16)) < 100
    with pytest.raises(ConfigError, match="must begin with <unk>, <s>, </s>"):
        read_arpa(write(tmp_path, FOREIGN), ["the", "cat"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", r"not an ARPA file, or incomplete: no \\end\\ after line 18"),
        ("\\end\\", "", r"not an ARPA file, or incomplete"),
        ("\\end\\", "\\3-grams:", r"line 18: '.*3-grams:' where .*end"),
        ("ngram 1=5", "ngram 1=4", r"line 13: 5 1-grams end here; \\data\\ says 4"),
        ("ngram 1=5", "ngram 2=5", "line 3: order 2 where 1 was expected"),
        ("ngram  2 = 3", "".join(f"ngram {n}=1\n" for n in range(2, 8)), "lists 7 orders; must be 1 to 5"),
        ("\\2-grams:", "\\3-grams:", "line 13: .* where .*2-grams:"),
        ("-0.3\tthe cat", "-0.3\tthe big cat house", "line 15: 5 fields; a 2-gram has 3, or 4"),
        ("-0.3\tthe cat", "the cat", "line 15: 2 fields"),
        ("-0.3\tthe cat", "x\tthe cat", "line 15: 'x' is not the logarithm"),
        ("-0.3\tthe cat", "nan\tthe cat", "line 15: 'nan' is not the logarithm"),
        ("-0.3\tthe cat", "0.3\tthe cat", "line 15: the log10 of a probability is 0.3; it cannot be above 0"),
        ("-0.3\tthe cat", "-0.3\tthe dog", "line 15: 'dog' is not among the 1-grams"),
        ("-0.3\tthe cat", "-0.3\t<s> the", "line 15: this 2-gram is repeated"),
        ("-0.7\tthe", "-0.7\tcat", "line 10: 'cat' is repeated"),
        ("-0.3\tthe cat", "-0.3\tthe cat\tinf", "line 15: 'inf' is not the logarithm"),
    ],
)
def test_malformed_files_are_refused_with_the_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in FOREIGN
    with pytest.raises(TableError, match=r"model\.arpa.*" + message):
        read_arpa(write(tmp_path, FOREIGN.replace(old, new, 1)))


def test_an_n_gram_without_its_context_is_refused(tmp_path: Path) -> None:
    text = FOREIGN.replace("\n\n\\1", "\nngram 3=1\n\n\\1").replace("\n\\end", "\n\\3-grams:\n-1 cat the cat\n\n\\end")
    with pytest.raises(TableError, match="line 20: the words before the last are not among the 2-grams"):
        read_arpa(write(tmp_path, text))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.arpa").write_bytes(b"\\data\\\nngram 1=\xff\n")
    with pytest.raises(CorpusError, match=r"a\.arpa, line 2"):
        read_arpa(tmp_path / "a.arpa")
    with pytest.raises(CorpusError, match=r"none\.arpa"):
        read_arpa(tmp_path / "none.arpa")


@pytest.mark.parametrize(
    ("tokens", "message"),
    [(TOKENS[:-1], "7 different tokens"), ([*TOKENS[:-1], "the"], "7 different"), ([*TOKENS[:-1], "a b"], "'a b'")],
)
def test_tokens_that_would_not_come_back_are_refused(tmp_path: Path, tokens: list[str], message: str) -> None:
    model = estimate_ngram(np.array([3, 4, 2], np.uint16), len(TOKENS), NgramConfig(2))
    with pytest.raises(ConfigError, match=message):
        write_arpa(tmp_path / "a.arpa", model, tokens)
    assert list(tmp_path.iterdir()) == []
