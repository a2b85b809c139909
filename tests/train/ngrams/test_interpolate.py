"""Two n-gram models become one, whose distributions are the mixtures and sum to one."""

from __future__ import annotations

import numpy as np
import pytest

from foretype.runtime.engines.ngram import NgramModel
from foretype.train.ngrams.backoff_model import BackoffModel
from foretype.train.ngrams.estimate import NgramConfig, estimate_ngram
from foretype.train.ngrams.interpolate import extend_vocabulary, interpolate
from foretype.train.ngrams.tables import write_tables

SIZE = 30


def model(seed: int, order: int = 3) -> tuple[BackoffModel, np.ndarray]:
    draw = np.random.default_rng(seed)
    lines = [[*(5 + draw.geometric(0.2, size=8) % (SIZE - 5)), 2] for _ in range(60)]
    stream = np.array([1, *np.concatenate(lines)], np.uint16)
    return estimate_ngram(stream, SIZE, NgramConfig(order=order)), stream


@pytest.fixture
def opened(tmp_path):  # type: ignore[no-untyped-def]
    def open_(name: str, made: BackoffModel) -> NgramModel:
        write_tables(tmp_path / name, made)
        return NgramModel.open(tmp_path / name)

    return open_


def test_the_mixture_predicts_between_the_two_at_known_and_unknown_contexts(opened) -> None:  # type: ignore[no-untyped-def]
    (first, stream), (second, _) = model(1), model(2)
    mixed = opened("mixed", interpolate(first, second, 0.3))
    a, b = opened("a", first), opened("b", second)
    for place in range(1, 200, 7):
        context = stream[:place].tolist()
        wanted = 0.7 * a.probabilities(context)[0] + 0.3 * b.probabilities(context)[0]
        found = mixed.probabilities(context)[0]
        listed = wanted > 2 / SIZE  # rare words may come from a lower order of the mixture
        assert found[listed] == pytest.approx(wanted[listed], rel=0.12)
        assert np.abs(found - wanted).sum() < 0.1


@pytest.mark.parametrize(("share", "which"), [(0.0, 0), (1.0, 1)])
def test_a_share_of_nothing_or_all_gives_one_of_the_two(share: float, which: int, opened) -> None:  # type: ignore[no-untyped-def]
    made = model(1)[0], model(2)[0]
    stream = model(which + 1)[1]
    mixed, alone = opened("mixed", interpolate(*made, share)), opened("alone", made[which])
    for place in range(1, 100, 9):
        context = stream[:place].tolist()
        found, wanted = mixed.probabilities(context)[0], alone.probabilities(context)[0]
        assert np.abs(found - wanted).sum() < 0.06


def test_renumbered_words_keep_their_probabilities_and_new_ones_get_none(opened) -> None:  # type: ignore[no-untyped-def]
    old, stream = model(1)
    ids = np.array([*range(9), *range(10, SIZE + 1)])  # word 9 is new
    before, after = opened("old", old), opened("new", extend_vocabulary(old, ids, SIZE + 1))
    for place in (1, 5, 40):
        context = stream[:place].tolist()
        found = after.probabilities([int(ids[id_]) for id_ in context])[0]
        assert found[9] <= found[ids[3:]].min() * 1.01  # tables cannot hold zero
        assert found[ids] == pytest.approx(before.probabilities(context)[0], rel=0.02)
