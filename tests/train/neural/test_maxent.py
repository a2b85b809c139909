"""Hashed n-gram features: the scores and gradients of their definition, histories across windows, what they learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.maxent import HashedNgrams
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.model.softmax import draw_sample, inclusion_probabilities
from foretype.train.neural.training.objective import Objective
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer, can_use_bf16

VOCAB = 50
CONFIG = ModelConfig(VOCAB, embedding_size=8, hidden_size=12, layers=2, maxent_bits=12, maxent_order=4)


@pytest.fixture
def model() -> LanguageModel:
    torch.manual_seed(0)
    model = LanguageModel(CONFIG)
    assert model.maxent is not None
    torch.nn.init.normal_(model.maxent.weights)
    return model


def added_by_features(model: LanguageModel, last: list[int]) -> Tensor:
    """What the n-grams that follow the ids `last`, latest first, add to each word, from the definition."""
    assert model.maxent is not None
    words = torch.tensor([[word + 1.0 for word in last] + [0.0] * 3])[:, :3]
    starts = model.maxent.contexts(words)[0]
    return torch.stack([model.maxent.weights[starts + word].sum() for word in range(VOCAB)])


def test_scores_are_those_of_the_network_and_of_each_ngram(model: LanguageModel) -> None:
    ids = torch.tensor([7, 3, 49, 0, 3, 11])
    features, _ = model(ids[:, None], model.zero_state(1))
    scores = model.logits(features[:, 0])
    network = features[:, 0, : CONFIG.embedding_size] @ model.table.t() + model.output_bias
    for place in range(len(ids)):
        last = ids[: place + 1].flip(0)[:3].tolist()
        torch.testing.assert_close(scores[place], network[place] + added_by_features(model, last))


def test_histories_go_on_across_windows(model: LanguageModel) -> None:
    """The same text gives the same scores however it is cut, as truncated back-propagation and live typing cut it."""
    ids = torch.randint(VOCAB, (12, 3), generator=torch.Generator().manual_seed(1))
    whole, end = model(ids, model.zero_state(3))
    state, parts = model.zero_state(3), []
    for piece in ids.split([1, 1, 2, 5, 3]):
        features, state = model(piece, state)
        parts.append(features)
    torch.testing.assert_close(torch.cat(parts), whole)
    for mine, other in zip(state, end, strict=True):
        torch.testing.assert_close(mine, other)
    assert [part.shape[-1] for part in state] == list(CONFIG.state_sizes.values())
    assert state[-1][0].tolist() == (ids[-3:].flip(0).t() + 1.0).tolist()


@pytest.mark.skipif(not can_use_bf16(), reason="PyTorch cannot use bfloat16 on this CPU")
def test_large_ids_survive_reduced_precision() -> None:
    """bfloat16 holds whole numbers up to 256 only; the last words must not pass through it."""
    model = LanguageModel(ModelConfig(5000, 8, 12, maxent_bits=14))
    ids = torch.tensor([[4999], [1237]])
    with torch.autocast("cpu", torch.bfloat16):
        features, state = model(ids, model.zero_state(1))
    assert features[1, 0, 8:].tolist() == [1238.0, 5000.0]
    assert state[-1][0, 0].tolist() == [1238.0, 5000.0]


@pytest.mark.parametrize("samples", [0, 20])
def test_the_loss_has_the_gradients_of_its_formula(model: LanguageModel, samples: int) -> None:
    """Only the scores of sampled words and targets are computed, and only their features' weights move."""
    tokens = torch.randint(VOCAB, (200, 4), generator=torch.Generator().manual_seed(2))
    features, _ = model(tokens[:-1], model.zero_state(4))
    counts = torch.arange(1.0, VOCAB + 1)
    loss = Objective(model, counts, samples)(features, tokens, torch.Generator().manual_seed(3))

    inclusion = inclusion_probabilities(counts, samples or VOCAB)
    sample = draw_sample(inclusion, torch.Generator().manual_seed(3)) if samples else torch.arange(VOCAB)
    weights = torch.zeros(VOCAB).index_fill(0, sample, 1.0) / inclusion
    scores, targets = model.logits(features).flatten(0, 1), tokens[1:].flatten()
    target = torch.nn.functional.one_hot(targets, VOCAB).bool()
    expected = ((scores.exp() * torch.where(target, 1.0, weights)).sum(1).log() - scores[target]).mean()
    torch.testing.assert_close(loss, expected)
    wanted = list(model.parameters())
    ours = torch.autograd.grad(loss, wanted, retain_graph=True)
    for mine, other in zip(ours, torch.autograd.grad(expected, wanted), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)


def test_contexts_are_told_apart_and_stay_inside_the_table() -> None:
    """Each order has slots of its own, the order of words matters, and the last slot leaves room for all words."""
    ngrams = HashedNgrams(1000, 12, 3)
    words = torch.cartesian_prod(torch.arange(0.0, 60.0), torch.arange(0.0, 60.0))
    slots = ngrams.contexts(words)
    assert slots.shape == (3600, 2)
    assert int(slots.min()) >= 0
    assert int(slots.max()) <= 2**12 - 1000
    wide = HashedNgrams(1000, 24, 3).contexts(words)
    assert len(wide[:, 0].unique()) == 60
    assert len(wide[:, 1].unique()) >= 3598
    assert not wide[1:, 0].eq(wide[1:, 1]).any()


def test_skip_contexts_leave_out_the_latest_word_alone() -> None:
    """They are the same whatever the latest word is, and differ from the contexts with it."""
    ngrams = HashedNgrams(1000, 20, 4, skip=True)
    slots = ngrams.contexts(torch.tensor([[5.0, 7.0, 9.0], [6.0, 7.0, 9.0], [7.0, 9.0, 11.0], [5.0, 7.0, 8.0]]))
    assert slots.shape == (4, 5)
    assert slots[0, 3:].tolist() == slots[1, 3:].tolist()
    assert slots[0, 3] == slots[3, 3]
    assert slots[0, 4] != slots[3, 4]
    assert not slots[0, 3:].eq(slots[2, :2]).any(), "the words 7, 9 directly before, and with a word between"


def test_features_alone_learn_the_bigrams_of_a_text(tmp_path: Path) -> None:
    """Without a network, perplexity falls from the unigram's to the bigram's."""
    draw = np.random.default_rng(0)
    follows = draw.dirichlet(np.full(30, 0.1), 30)
    stream = [0]
    for _ in range(30_000):
        stream.append(int(draw.choice(30, p=follows[stream[-1]])))
    text = np.array(stream, np.uint16)
    shape = ModelConfig(30, architecture="maxent", maxent_bits=14, maxent_order=2)
    config = TrainConfig(
        tokens=120_000, batch=16, steps=16, samples=0, learning_rate=0.05, warmup=5, weight_decay=0.0, threads=1
    )
    trainer = Trainer(tmp_path / "run", shape, config, text, text[:8000])
    *_, last = trainer.fit()
    counts = np.zeros((30, 30))
    np.add.at(counts, (text[:-1], text[1:]), 1)
    logs = np.log(counts / counts.sum(1, keepdims=True), where=counts > 0, out=np.zeros_like(counts))
    bigram = np.exp(-(counts * logs).sum() / counts.sum())
    share = np.bincount(text) / len(text)
    unigram = np.exp(-(share * np.log(share)).sum())
    assert bigram < 0.5 * unigram
    assert last.validation_perplexity == pytest.approx(bigram, rel=0.08)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"maxent_bits": 9}, "maxent_bits is 9; must be 0, or 10 to 28"),
        ({"maxent_bits": 10}, "maxent_bits is 10; 2\\^bits must be at least twice the vocabulary of 1000"),
        ({"maxent_bits": 14, "maxent_order": 1}, "maxent_order is 1; must be 2 to 9"),
        ({"maxent_bits": 14, "maxent_order": 2, "maxent_skip": True}, "maxent_order is 2; must be 3 to 9"),
        ({"architecture": "maxent"}, "architecture 'maxent' needs maxent_bits"),
        ({"maxent_bits": 14, "head": "adaptive"}, "maxent_bits needs the head 'softmax' or 'classes'"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        ModelConfig(1000, **settings)
