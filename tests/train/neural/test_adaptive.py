"""The adaptive softmax: probabilities that sum to one, the loss that goes with them, and ids in any order."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.adaptive_softmax import AdaptiveSoftmax
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import load_model
from foretype.train.neural.training.objective import Objective
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer, perplexity

VOCAB, WIDTH = 60, 16
CONFIG = ModelConfig(vocab_size=VOCAB, embedding_size=WIDTH, hidden_size=20, head="adaptive")
Example = tuple[AdaptiveSoftmax, Tensor, Tensor, Tensor]


@pytest.fixture
def example() -> Example:
    """A head over words whose frequency has nothing to do with their ids; features, biases, and targets of all
    classes."""
    torch.manual_seed(0)
    head = AdaptiveSoftmax(VOCAB, WIDTH)
    head.sort(torch.rand(VOCAB) + 0.01)
    features = torch.randn(600, WIDTH, requires_grad=True)
    return head, features, torch.randn(VOCAB, requires_grad=True), torch.randint(VOCAB, (600,))


def brute_force(head: AdaptiveSoftmax, features: Tensor, bias: Tensor) -> Tensor:
    """log p of each word by id, word by word from the definition."""
    by_rank = sorted(range(VOCAB), key=lambda word: int(head.rank[word]))
    first = [features @ head.head[entry] for entry in range(len(head.head))]
    words = by_rank[: head.shortlist]
    biases = [bias[word] for word in words] + list(head.cluster_bias)
    entries = torch.stack([score + b for score, b in zip(first, biases, strict=True)], 1).exp()
    entries = entries / entries.sum(1, keepdim=True)
    result = dict(zip(words, entries.log().unbind(1), strict=False))
    for number, (low, high) in enumerate(pairwise(head.bounds)):
        narrow = features @ head.narrow.get_parameter(f"{number}.weight").t()
        scores = torch.stack([narrow @ head.tables[number][r - low] + bias[by_rank[r]] for r in range(low, high)], 1)
        inside = scores.exp() / scores.exp().sum(1, keepdim=True)
        cluster = entries[:, head.shortlist + number]
        result |= {by_rank[low + i]: (cluster * column).log() for i, column in enumerate(inside.unbind(1))}
    return torch.stack([result[word] for word in range(VOCAB)], 1)


def test_log_probabilities_are_those_of_the_definition_and_sum_to_one(example: Example) -> None:
    head, features, bias, _ = example
    scores = head.log_probabilities(features.view(20, 30, WIDTH), bias)
    assert scores.shape == (20, 30, VOCAB)
    torch.testing.assert_close(scores.exp().sum(-1), torch.ones(20, 30))
    torch.testing.assert_close(scores.view(600, VOCAB), brute_force(head, features, bias))


def test_the_loss_is_minus_the_log_probability_with_its_gradients(example: Example) -> None:
    head, features, bias, targets = example
    loss = head.loss(features, bias, targets)
    expected = -brute_force(head, features, bias).gather(1, targets[:, None]).mean()
    torch.testing.assert_close(loss, expected)
    wanted = (features, bias, *head.parameters())
    for mine, other in zip(torch.autograd.grad(loss, wanted), torch.autograd.grad(expected, wanted), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)


def test_every_weight_has_a_gradient_where_a_class_has_no_target(example: Example) -> None:
    """A step whose targets are all frequent words must not leave weights out: the optimiser would have no moments for
    them, and several processes would wait for each other."""
    head, features, bias, _ = example
    frequent = torch.argsort(head.rank)[: head.shortlist]
    head.loss(features[: len(frequent)], bias, frequent).backward()
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


def test_in_bfloat16_the_loss_stays_close(example: Example) -> None:
    head, features, bias, targets = example
    with torch.autocast("cpu", torch.bfloat16):
        loss = head.loss(features.bfloat16(), bias, targets)
    torch.testing.assert_close(loss, head.loss(features, bias, targets), rtol=5e-3, atol=0)


def test_before_training_words_have_their_frequencies() -> None:
    """Punctuation and special tokens have low ids and high counts; classes follow the counts, not the ids."""
    torch.manual_seed(0)
    model = LanguageModel(CONFIG)
    counts = torch.arange(VOCAB).float().pow(2)
    model.set_frequencies(counts)
    assert model.adaptive is not None
    assert model.adaptive.rank.tolist() == list(range(VOCAB - 1, -1, -1))
    scores = model.logits(torch.zeros(1, WIDTH))[0].exp()
    torch.testing.assert_close(scores, (counts + 1) / (counts + 1).sum())


def test_a_model_with_an_adaptive_head_trains_and_comes_back_from_its_checkpoint(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    stream = np.cumsum(draw.integers(1, 4, 20_000)).astype(np.int64) % VOCAB
    config = TrainConfig(tokens=30_000, batch=16, steps=16, samples=0, learning_rate=0.02, warmup=5, threads=1)
    trainer = Trainer(tmp_path / "run", CONFIG, config, stream.astype(np.uint16), stream[:4000].astype(np.uint16))
    reports = list(trainer.fit())
    assert 3 < (reports[-1].validation_perplexity or 0) < 10, "the text's own is 3, a guess's 60"
    loaded = load_model(tmp_path / "run").eval()
    assert loaded.adaptive is not None
    assert trainer.model.adaptive is not None
    assert loaded.adaptive.rank.equal(trainer.model.adaptive.rank)
    expected = perplexity(trainer.model.eval(), stream[:4000].astype(np.uint16))
    assert perplexity(loaded, stream[:4000].astype(np.uint16)) == pytest.approx(expected)


def test_samples_do_not_go_with_an_adaptive_head() -> None:
    with pytest.raises(ConfigError, match="samples is 100; must be 0 with the head 'adaptive'"):
        Objective(LanguageModel(CONFIG), torch.ones(VOCAB), 100)
