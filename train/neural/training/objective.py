"""The training objective: cross-entropy of the next word over all words, a sample or classes; or noise contrast."""

from __future__ import annotations

import torch
from torch import Tensor

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.softmax import (
    draw_sample,
    full_cross_entropy,
    inclusion_probabilities,
    noise_contrastive_loss,
    sampled_cross_entropy,
)


class Objective:
    """The training loss of a model.

    counts: float [vocab], how often each word occurs in the training text. samples: average number of words in the
    sample; 0 for the whole vocabulary. loss: "softmax", or "nce" for noise-contrastive estimation.

    Raises ConfigError for samples with a hierarchical head, which has its own loss, and for "nce" without samples or
    with hashed n-grams.
    """

    def __init__(self, model: LanguageModel, counts: Tensor, samples: int, loss: str = "softmax") -> None:
        head = model.config.head
        if head != "softmax" and samples:
            raise ConfigError(f"samples is {samples}; must be 0 with the head {head!r}")
        if loss == "nce" and (not samples or model.maxent is not None):
            raise ConfigError("loss is 'nce', which needs samples above 0 and maxent_bits 0; choose from softmax")
        self._model, self._sampled, self._contrasts = model, bool(samples), loss == "nce"
        self._inclusion = inclusion_probabilities(counts, samples or len(counts))

    def __call__(self, features: Tensor, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Return the mean loss in nats.

        features: [steps, batch, width], after the first `steps` of `tokens` [steps + 1, batch]. generator: draws the
        sample.
        """
        model, flat, targets = self._model, features.flatten(0, 1), tokens[1:].flatten()
        if model.adaptive is not None:
            return model.adaptive.loss(flat, model.output_bias, targets)
        ngrams = None
        if model.maxent is not None:
            flat, words = model.split(flat)
            ngrams = (model.maxent.weights, model.maxent.contexts(words))
        if model.classes is not None:
            return model.classes.loss(flat, model.table, model.output_bias, targets, ngrams)
        if not self._sampled:
            return full_cross_entropy(flat, model.table, model.output_bias, targets, ngrams)
        sample = draw_sample(self._inclusion, generator)
        if self._contrasts:
            return noise_contrastive_loss(flat, model.table, model.output_bias, targets, self._inclusion, sample)
        return sampled_cross_entropy(flat, model.table, model.output_bias, targets, self._inclusion, sample, ngrams)
