"""The class-factored softmax: probabilities of its definition, its loss and gradients, and what it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import load_model
from foretype.train.neural.training.objective import Objective
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer, perplexity

VOCAB = 58
"""With eight classes of eight, the last class has two words."""
SHAPE: dict[str, Any] = {"vocab_size": VOCAB, "embedding_size": 16, "hidden_size": 20, "head": "classes"}
NETWORK = ModelConfig(**SHAPE)
HYBRID = ModelConfig(**SHAPE, maxent_bits=12, maxent_order=9, maxent_skip=True)
ALONE = ModelConfig(**SHAPE, maxent_bits=12, maxent_order=4, maxent_skip=True, architecture="maxent")


def random_model(config: ModelConfig) -> LanguageModel:
    torch.manual_seed(0)
    model = LanguageModel(config)
    model.set_frequencies(100 * torch.rand(VOCAB))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def from_definition(model: LanguageModel, features: Tensor) -> Tensor:
    """log p of each word by id, class by class: p(class) p(word | class) over the words of the class only."""
    head = model.classes
    assert head is not None
    values, words = model.split(features)
    scores, classes = values @ model.table.t() + model.output_bias, values @ head.table.t() + head.bias
    if model.maxent is not None:
        added = model.maxent.scores(words)
        scores, classes = scores + added[:, :VOCAB], classes + added[:, VOCAB:]
    by_rank, result = torch.argsort(head.rank), torch.empty_like(scores)
    for number, members in enumerate(by_rank.split(head.size)):
        inside = scores[:, members].log_softmax(1)
        result[:, members] = inside + classes.log_softmax(1)[:, number, None]
    return result


@pytest.mark.parametrize("config", [NETWORK, HYBRID, ALONE], ids=["network", "hybrid", "alone"])
def test_probabilities_and_loss_are_those_of_the_definition(config: ModelConfig) -> None:
    """They sum to one, and the loss, which scores one class for each position, has the same gradients."""
    model = random_model(config)
    tokens = torch.randint(VOCAB, (90, 4), generator=torch.Generator().manual_seed(2))
    features, _ = model(tokens[:-1], model.zero_state(4))
    expected = from_definition(model, features.flatten(0, 1))
    torch.testing.assert_close(expected.exp().sum(1), torch.ones(len(expected)))
    torch.testing.assert_close(model.logits(features).flatten(0, 1), expected)

    loss = Objective(model, torch.ones(VOCAB), 0)(features, tokens, torch.Generator())
    wanted = -expected.gather(1, tokens[1:].reshape(-1, 1)).mean()
    torch.testing.assert_close(loss, wanted)
    weights = [weight for weight in model.parameters() if weight.numel()]
    ours = torch.autograd.grad(loss, weights, retain_graph=True)
    for mine, other in zip(ours, torch.autograd.grad(wanted, weights), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("config", [NETWORK, ALONE], ids=["network", "alone"])
def test_before_training_words_have_their_frequencies(config: ModelConfig) -> None:
    """Classes follow the counts, not the ids, and class times word is the word's frequency."""
    model = LanguageModel(config)
    counts = torch.arange(VOCAB).float().pow(2)
    model.set_frequencies(counts)
    features = torch.zeros(1, config.feature_size + (config.maxent_order - 1 if config.maxent_bits else 0))
    torch.testing.assert_close(model.logits(features)[0].exp(), (counts + 1) / (counts + 1).sum())


@pytest.mark.parametrize("config", [NETWORK, ALONE], ids=["network", "alone"])
def test_it_trains_and_comes_back_from_its_checkpoint(config: ModelConfig, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    stream = (np.cumsum(draw.integers(1, 4, 20_000)) % VOCAB).astype(np.uint16)
    settings = TrainConfig(tokens=24_000, batch=16, steps=16, samples=0, learning_rate=0.03, warmup=5, threads=1)
    trainer = Trainer(tmp_path / "run", config, settings, stream, stream[:2000])
    *_, last = trainer.fit()
    assert 3 < (last.validation_perplexity or 0) < 6, "the text's own is 3, a guess's 58"
    loaded = perplexity(load_model(tmp_path / "run").eval(), stream[:2000])
    assert loaded == pytest.approx(perplexity(trainer.model.eval(), stream[:2000]))


def test_samples_do_not_go_with_classes() -> None:
    with pytest.raises(ConfigError, match="samples is 100; must be 0 with the head 'classes'"):
        Objective(LanguageModel(NETWORK), torch.ones(VOCAB), 100)
