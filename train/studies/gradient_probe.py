"""Measures how far back a recurrent model's gradient reaches: its norm by distance (the vanishing gradient)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foretype.runtime.errors import ConfigError, CorpusError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

FADED = 0.01
"""A gradient has faded if its norm is below this share of the norm at distance 1."""
_GROUP = 64


def probe(
    model: LanguageModel, stream: NDArray[np.unsignedinteger], distance: int = 200, samples: int = 256
) -> NDArray[np.float32]:
    """Return the norm of dL_t / dh_{t-d} for d = 1 ... `distance`, the mean over positions t, float32 [distance].

    L_t is the cross-entropy, in nats over the whole vocabulary, of the word that follows step t; h_{t-d} the hidden
    state of all layers d steps before, [layers, hidden_size] (for LSTMs the output h, not the cell). This is the
    quantity of Bengio et al. 1994 and Pascanu et al. 2013, section 2, exact by autograd, in float32, not clipped.

    stream: text from which `samples` positions are taken evenly. Each is read from a zero state, distance + 1 tokens
    before. Raises ConfigError for a distance or samples below 1, CorpusError for a text that is too short.
    """
    for name, value in (("distance", distance), ("samples", samples)):
        if value < 1:
            raise ConfigError(f"{name} is {value}; must be at least 1")
    if len(stream) < distance + 2:
        raise CorpusError(f"the text has {len(stream)} tokens; a gradient over {distance} steps needs {distance + 2}")
    starts = np.linspace(0, len(stream) - distance - 2, samples).astype(int)
    model.eval()
    device = model.output_bias.device
    total = torch.zeros(distance, device=device)
    for group in np.array_split(starts, -(-samples // _GROUP)):
        index = group[None, :] + np.arange(distance + 2)[:, None]
        total += _norms(model, torch.from_numpy(stream[index].astype(np.int64)).to(device)).sum(1)
    norms: NDArray[np.float32] = (total / samples).cpu().numpy()
    return norms


def _norms(model: LanguageModel, tokens: Tensor) -> Tensor:
    """Compute norms [distance, batch], nearest first, for `tokens` [distance + 2, batch].

    The text is read one step at a time, so that the hidden state after each is a tensor with its own gradient.
    """
    state, hidden = model.zero_state(tokens.shape[1]), list[Tensor]()
    for ids in tokens[:-1]:
        features, state = model(ids[None], state)
        hidden.append(state[0])
    loss = torch.nn.functional.cross_entropy(model.logits(features[0]), tokens[-1], reduction="sum")
    gradients = torch.autograd.grad(loss, hidden[:-1])
    return torch.stack([gradient.square().sum((0, 2)).sqrt() for gradient in reversed(gradients)])


def faded_at(norms: NDArray[np.float32]) -> int | None:
    """Return the first distance whose norm is below `FADED` times that of distance 1, or None if there is none."""
    below = np.flatnonzero(norms < FADED * norms[0])
    return int(below[0]) + 1 if len(below) else None


def fresh_model(config: ModelConfig, stream: NDArray[np.unsignedinteger], seed: int) -> LanguageModel:
    """Make a model as it is before training on `stream`."""
    torch.manual_seed(seed)
    model = LanguageModel(config)
    model.set_frequencies(torch.from_numpy(np.bincount(stream, minlength=config.vocab_size)).float())
    return model
