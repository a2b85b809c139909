"""Every smoothing is the one its paper defines, and gives proper distributions, however it is pruned."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paths import SHARED

from foretype.runtime.engines.ngram import NgramModel
from foretype.train.ngrams.backoff_model import BackoffModel
from foretype.train.ngrams.estimate import SMOOTHINGS, NgramConfig, estimate_ngram
from foretype.train.ngrams.perplexity import log_probabilities, ngram_perplexity
from foretype.train.ngrams.smoothing.katz import good_turing_discounts
from foretype.train.ngrams.smoothing.kneser_ney import FALLBACK_DISCOUNTS, estimate_discounts
from foretype.train.ngrams.tables import load_tables, write_tables
from foretype.train.studies.standard_text import read_standard_text

VOCAB = 12
Ngram = tuple[int, ...]
STREAMS = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=150).map(lambda ids: np.array(ids, np.uint16))
PROPER = [name for name in SMOOTHINGS if name != "stupid-backoff"]
PRUNED = st.fixed_dictionaries(
    {
        "order": st.integers(1, 5),
        "steps": st.lists(st.integers(0, 1), min_size=4, max_size=4),
        "max_bytes": st.one_of(st.none(), st.integers(12_300, 13_000)),
        "prune_by": st.sampled_from(["entropy", "count"]),
        "hand_down": st.booleans(),
    }
)
PENN_TREEBANK = SHARED / "benchmarks" / "penn-treebank"


def make_config(smoothing: str, options: dict[str, object]) -> NgramConfig:
    rest = dict(options)
    steps, order = rest.pop("steps"), rest["order"]
    prune = tuple(np.cumsum([0, *steps[: order - 1]]).tolist())  # type: ignore[index,operator]
    return NgramConfig(smoothing=smoothing, prune=prune, **rest)  # type: ignore[arg-type]


class Reference:
    """p(w | h) by the definition of a backoff model, word by word, from dictionaries."""

    def __init__(self, model: BackoffModel) -> None:
        self.probabilities: dict[Ngram, float] = {}
        self.backoffs: dict[Ngram, float] = {}
        names: list[Ngram] = [()]
        for rows in model.orders:
            names = [(*names[c], w) for c, w in zip(rows.contexts.tolist(), rows.words.tolist(), strict=True)]
            assert names == sorted(set(names))
            self.probabilities |= dict(zip(names, rows.probabilities.tolist(), strict=True))
            self.backoffs |= dict(zip(names, rows.backoffs.tolist(), strict=True))

    def p(self, history: Ngram, word: int) -> float:
        if (*history, word) in self.probabilities:
            return self.probabilities[*history, word]
        return self.backoffs.get(history, 1.0) * self.p(history[1:], word)

    def all(self, history: Ngram) -> np.ndarray:
        return np.array([self.p(history, word) for word in range(VOCAB)])


@pytest.mark.parametrize("smoothing", PROPER)
@settings(deadline=None)
@given(stream=STREAMS, options=PRUNED)
def test_every_distribution_sums_to_one(smoothing: str, stream: np.ndarray, options: dict[str, object]) -> None:
    reference = Reference(estimate_ngram(stream, VOCAB, make_config(smoothing, options)))
    for history in [(), *reference.backoffs]:
        distribution = reference.all(history)
        assert distribution.sum() == pytest.approx(1, abs=1e-6)
        assert (distribution >= 0).all()
        assert distribution[1] == 0


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@settings(deadline=None, max_examples=40)
@given(stream=STREAMS, held_out=STREAMS, options=PRUNED)
def test_perplexity_is_that_of_the_definition_and_of_the_runtime(
    tmp_path_factory: pytest.TempPathFactory,
    smoothing: str,
    stream: np.ndarray,
    held_out: np.ndarray,
    options: dict[str, object],
) -> None:
    model = estimate_ngram(stream, VOCAB, make_config(smoothing, options))
    path = tmp_path_factory.mktemp("ngram") / "ngram.safetensors"
    write_tables(path, model)
    runtime, tables, reference = NgramModel.open(path), load_tables(path), Reference(model)
    exact: list[float] = []
    by_runtime: list[float] = []
    for i, word in enumerate(held_out.tolist()):
        if word == 1:
            continue
        before = [1, *held_out[:i].tolist()]
        start = max(i for i, token in enumerate(before) if token in (1, 2))
        history = (1, *before[start + 1 :])
        distribution = reference.all(history[max(0, len(history) - runtime.order + 1) :])
        probability = distribution[word] / distribution.sum()
        exact.append(math.log(probability) if probability else -math.inf)
        by_runtime.append(math.log(runtime.probabilities(before)[0][word]))
    of_codes = log_probabilities(tables, held_out)
    np.testing.assert_allclose(log_probabilities(model, held_out), exact, atol=1e-4)
    np.testing.assert_allclose(of_codes, by_runtime, atol=1e-4)
    if exact:
        assert ngram_perplexity(tables, held_out) == pytest.approx(math.exp(-np.mean(by_runtime)), rel=1e-4)


def counted(stream: np.ndarray, order: int) -> dict[Ngram, int]:
    """Occurrences of the n-grams of one order, `<s>` (1) before every sentence."""
    counts: dict[Ngram, int] = defaultdict(int)
    sentence: list[int] = [1]
    for token in stream.tolist():
        sentence = [1] if token == 1 else [*sentence, token]
        if token != 1 and len(sentence) >= order:
            counts[tuple(sentence[-order:])] += 1
        if token == 2:
            sentence = [1]
    return counts


SENTENCES = np.array([1, 3, 4, 5, 2, 3, 4, 6, 2, 3, 4, 5, 2, 7, 4, 5, 2, 7, 8, 2], np.uint16)


@pytest.mark.parametrize("order", [1, 2, 3])
@given(stream=STREAMS, delta=st.floats(1e-3, 10))
def test_add_delta_is_relative_frequency_with_delta_added(stream: np.ndarray, delta: float, order: int) -> None:
    config = NgramConfig(order, "add-delta", delta=delta)
    reference = Reference(estimate_ngram(stream, VOCAB, config))
    for n in range(1, order + 1):
        counts = counted(stream, n)
        for history in {ngram[:-1] for ngram in counts if n == order or ngram[0] == 1}:
            total = sum(count for ngram, count in counts.items() if ngram[:-1] == history)
            for word in (0, *range(2, VOCAB)):
                expected = (counts.get((*history, word), 0) + delta) / (total + delta * (VOCAB - 1))
                assert reference.p(history, word) == pytest.approx(expected, rel=1e-5)
    unseen = {(word,) * (order - 1) for word in range(3, VOCAB)} - {ngram[:-1] for ngram in counts}
    for history in unseen:
        np.testing.assert_allclose(np.delete(reference.all(history), 1), 1 / (VOCAB - 1), rtol=1e-5)


def test_stupid_backoff_is_relative_frequency_or_a_constant_times_the_shorter_context() -> None:
    reference = Reference(estimate_ngram(SENTENCES, VOCAB, NgramConfig(3, "stupid-backoff", backoff_factor=0.4)))
    assert reference.p((3, 4), 5) == pytest.approx(2 / 3)
    assert reference.p((7, 4), 6) == pytest.approx(0.4 * 1 / 4)
    assert reference.p((7, 4), 8) == pytest.approx(0.4 * 0.4 * 1 / 19)
    assert reference.p((), 9) == 0


def test_absolute_discounting_takes_the_same_off_every_count() -> None:
    reference = Reference(estimate_ngram(SENTENCES, VOCAB, NgramConfig(2, "absolute")))
    ones, twos = (list(counted(SENTENCES, 1).values()).count(c) for c in (1, 2))
    d1 = ones / (ones + 2 * twos)
    ones, twos = (list(counted(SENTENCES, 2).values()).count(c) for c in (1, 2))
    d2 = ones / (ones + 2 * twos)
    p5 = (3 - d1) / 19 + 6 * d1 / 19 / 11 + d1 / 19 / 11  # seven words seen
    assert reference.p((), 5) == pytest.approx(p5)
    assert reference.p((4,), 5) == pytest.approx((3 - d2) / 4 + 2 * d2 / 4 * p5)


def test_kneser_ney_counts_contexts_below_the_highest_order() -> None:
    model = estimate_ngram(SENTENCES, VOCAB, NgramConfig(2, "kneser-ney"))
    lefts = [sum(1 for ngram in counted(SENTENCES, 2) if ngram[1] == word) for word in range(VOCAB)]
    ones, twos = lefts.count(1), lefts.count(2)
    d = ones / (ones + 2 * twos)
    expected = [(max(left - d, 0) + sum(min(n, d) for n in lefts) / 11) / sum(lefts) for left in lefts]
    np.testing.assert_allclose(model.orders[0].probabilities[3:], expected[3:], rtol=1e-6)


def test_katz_leaves_large_counts_alone_and_gives_good_turings_mass_to_the_unseen() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [1000, 300, 150, 100, 50])
    shares = good_turing_discounts(counts, 3)
    assert shares[[0, -1]].tolist() == [0, 1]
    assert np.all(np.diff(shares) > 0)
    freed = sum(r * n * (1 - share) for r, n, share in zip((1, 2, 3), (1000, 300, 150), shares[1:], strict=False))
    assert freed == pytest.approx(1000), "all that was seen once: Good and Turing's estimate for the unseen"


def test_katz_asks_the_order_below_only_for_what_was_not_seen() -> None:
    rng = np.random.default_rng(3)
    stream = np.array([1, *np.minimum(rng.geometric(0.25, 3000) + 1, VOCAB - 2)], np.uint16)
    reference = Reference(estimate_ngram(stream, VOCAB, NgramConfig(2, "katz", katz_cutoff=1)))
    counts = counted(stream, 2)
    often = {ngram: count for ngram, count in counts.items() if count > 1 and ngram[0] == 3}
    total = sum(count for ngram, count in counts.items() if ngram[0] == 3)
    for ngram, count in often.items():
        assert reference.p((3,), ngram[1]) == pytest.approx(count / total, rel=0.01)
    ratio = reference.p((3,), VOCAB - 1) / reference.p((), VOCAB - 1)
    assert ratio == pytest.approx(reference.p((3,), 0) / reference.p((), 0))


@example(counts=[1, 1, 2])
@example(counts=[9])
@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_katz_discounts_are_shares_whatever_the_counts(counts: list[int]) -> None:
    shares = good_turing_discounts(np.array(counts), 5)
    assert shares.shape == (7,)
    assert np.all((shares[1:-1] > 0) & (shares[1:-1] < 1))


def test_modified_kneser_ney_falls_back_where_counts_allow_no_estimate() -> None:
    assert estimate_discounts(np.array([1, 1, 2])).tolist() == [0, *FALLBACK_DISCOUNTS]
    counts = np.repeat([1, 2, 3, 4], [40, 20, 10, 5])
    assert estimate_discounts(counts).tolist() == pytest.approx([0, 0.5, 1.25, 2.0])


def test_count_pruning_keeps_the_most_frequent() -> None:
    rng = np.random.default_rng(5)
    stream = np.array([1, *np.minimum(rng.geometric(0.1, 4000) + 1, 60)], np.uint16)
    whole = Reference(estimate_ngram(stream, 61, NgramConfig(3, "absolute")))
    kept = Reference(estimate_ngram(stream, 61, NgramConfig(3, "absolute", max_bytes=9000, prune_by="count")))
    counts = {**counted(stream, 2), **counted(stream, 3)}
    gone = [counts[ngram] for ngram in whole.probabilities if len(ngram) > 1 and ngram not in kept.probabilities]
    stayed = [counts[ngram] for ngram in kept.probabilities if len(ngram) > 1]
    assert min(len(gone), len(stayed)) > 100
    assert max(gone) <= min(stayed)


@pytest.mark.parametrize(
    ("config", "published"),
    [
        (NgramConfig(3, "modified-kneser-ney"), 148.3),
        (NgramConfig(3, "katz", prune=(0, 0, 1)), 165.2),  # SRILM's defaults leave out trigrams seen once
    ],
)
def test_perplexities_on_penn_treebank_are_the_published_ones(config: NgramConfig, published: float) -> None:
    """Those of Mikolov's thesis (2012), table 4.1."""
    if not PENN_TREEBANK.exists():
        pytest.skip("../shared/benchmarks is absent")
    text = read_standard_text(PENN_TREEBANK)
    model = estimate_ngram(text.train, len(text.tokens), config)
    assert ngram_perplexity(model, text.test) == pytest.approx(published, abs=0.5)
