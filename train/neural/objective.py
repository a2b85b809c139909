"""What training minimises: the cross-entropy of the next word, over the whole vocabulary or a sample of it."""

from __future__ import annotations

import torch
from torch import Tensor

from foretype.train.neural.model import LanguageModel
from foretype.train.neural.softmax import (
    draw_sample,
    full_cross_entropy,
    inclusion_probabilities,
    sampled_cross_entropy,
)


class Objective:
    """The training loss of a model.

    counts: float [vocab], how often each word occurs in the training text. samples: words in the softmax sample, on
    average; 0 for the whole vocabulary.
    """

    def __init__(self, model: LanguageModel, counts: Tensor, samples: int) -> None:
        self._model, self._sampled = model, bool(samples)
        self._inclusion = inclusion_probabilities(counts, samples or len(counts))

    def __call__(self, features: Tensor, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Mean loss in nats: `features` [steps, batch, embedding_size] after the first `steps` of `tokens`
        [steps + 1, batch]. The sample comes from `generator`."""
        flat, targets = features.flatten(0, 1), tokens[1:].flatten()
        table, bias = self._model.table, self._model.output_bias
        if not self._sampled:
            return full_cross_entropy(flat, table, bias, targets)
        sample = draw_sample(self._inclusion, generator)
        return sampled_cross_entropy(flat, table, bias, targets, self._inclusion, sample)
