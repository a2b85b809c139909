"""The training objective: cross-entropy of the next word, over all words, a sample of them, or word classes."""

from __future__ import annotations

import torch
from torch import Tensor

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.softmax import (
    draw_sample,
    full_cross_entropy,
    inclusion_probabilities,
    sampled_cross_entropy,
)


class Objective:
    """The training loss of a model.

    counts: float [vocab], how often each word occurs in the training text. samples: average number of words in the
    softmax sample; 0 for the whole vocabulary.

    Raises ConfigError for samples with an adaptive head, which has its own loss.
    """

    def __init__(self, model: LanguageModel, counts: Tensor, samples: int) -> None:
        if model.adaptive is not None and samples:
            raise ConfigError(f"samples is {samples}; must be 0 with the head 'adaptive'")
        self._model, self._sampled = model, bool(samples)
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
            flat, words = flat.tensor_split((model.config.embedding_size,), -1)
            ngrams = (model.maxent.weights, model.maxent.contexts(words))
        if not self._sampled:
            return full_cross_entropy(flat, model.table, model.output_bias, targets, ngrams)
        sample = draw_sample(self._inclusion, generator)
        return sampled_cross_entropy(flat, model.table, model.output_bias, targets, self._inclusion, sample, ngrams)
