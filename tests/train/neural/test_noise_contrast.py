"""Noise-contrastive estimation: its formula, and that its minimum is the normalised probability."""

from __future__ import annotations

import pytest
import torch

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.model.softmax import draw_sample, inclusion_probabilities, noise_contrastive_loss
from foretype.train.neural.training.objective import Objective

VOCAB = 40


def test_the_loss_is_that_of_a_classifier_of_data_and_noise() -> None:
    """p(data | word) = exp(s) / (exp(s) + k q); k q is the expected number of times that the word is noise."""
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(VOCAB, 8, 12))
    tokens = torch.randint(VOCAB, (20, 3))
    features, _ = model(tokens[:-1], model.zero_state(3))
    counts = torch.arange(1.0, VOCAB + 1)
    loss = Objective(model, counts, 15, "nce")(features, tokens, torch.Generator().manual_seed(3))

    noise = inclusion_probabilities(counts, 15)
    sample = draw_sample(noise, torch.Generator().manual_seed(3))
    scores = model.logits(features).flatten(0, 1).exp()
    data = scores / (scores + noise)
    wanted = -data.gather(1, tokens[1:].reshape(-1, 1)).log().sum() - (1 - data[:, sample]).log().sum()
    torch.testing.assert_close(loss, wanted / 57)


def test_its_minimum_is_the_probability_without_a_normaliser() -> None:
    """Without the correction by log k q, scores would be ratios to the noise instead of probabilities."""
    torch.manual_seed(0)
    targets = torch.multinomial(torch.rand(VOCAB) + 0.1, 2000, replacement=True)
    bias = (torch.bincount(targets, minlength=VOCAB) / len(targets)).log().requires_grad_()
    inclusion, empty = torch.linspace(0.1, 1, VOCAB), torch.zeros(len(targets), 0)

    def loss(*sample: int) -> torch.Tensor:
        words = torch.tensor(sample, dtype=torch.long)
        return noise_contrastive_loss(empty, empty.new_zeros(VOCAB, 0), bias, targets, inclusion, words)

    # The loss is a sum over the sample, so that its expectation needs each word only once.
    expected = loss() + sum(inclusion[word] * (loss(word) - loss()) for word in range(VOCAB))
    (gradient,) = torch.autograd.grad(expected, bias)
    torch.testing.assert_close(gradient, torch.zeros(VOCAB), atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", [{"samples": 0}, {"samples": 10, "maxent_bits": 12}])
def test_settings_that_cannot_be(settings: dict[str, int]) -> None:
    model = LanguageModel(ModelConfig(VOCAB, 8, 12, maxent_bits=settings.get("maxent_bits", 0)))
    with pytest.raises(ConfigError, match="loss is 'nce', which needs samples above 0 and maxent_bits 0"):
        Objective(model, torch.ones(VOCAB), settings["samples"], "nce")
