"""The LSTM language model: a shared word table, stacked LSTM layers, and a projection back to the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foretype.runtime.errors import ConfigError


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a language model; stored with every checkpoint.

    vocab_size: ids the model knows, special tokens included.
    embedding_size: width of one row of the word table, which is input table and output head in one (tied).
    hidden_size: width of the hidden and of the cell state of each layer.
    layers: stacked LSTM layers.
    architecture: only "lstm" so far.
    """

    vocab_size: int
    embedding_size: int = 256
    hidden_size: int = 640
    layers: int = 1
    architecture: str = "lstm"

    def __post_init__(self) -> None:
        if self.architecture != "lstm":
            raise ConfigError(f"architecture is {self.architecture!r}; legal: 'lstm'")
        for name in ("vocab_size", "embedding_size", "hidden_size", "layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self)


State = tuple[Tensor, Tensor]
"""Hidden and cell state, each float32 [layers, batch, hidden_size]."""


class LanguageModel(nn.Module):
    """Scores the next word after each word of a sequence.

    The word table `embedding` [vocab, embedding_size] serves the input and the output (Press and Wolf 2017); the
    LSTM's hidden state is projected to its width first (Sak et al. 2014).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size)
        self.lstm = nn.LSTM(config.embedding_size, config.hidden_size, config.layers)
        self.projection = nn.Linear(config.hidden_size, config.embedding_size)
        self.output_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self._initialise()

    def _initialise(self) -> None:
        """Orthogonal recurrent weights (Saxe et al. 2014) and a forget-gate bias of 1 (Jozefowicz et al. 2015)."""
        hidden = self.config.hidden_size
        nn.init.normal_(self.embedding.weight, std=self.config.embedding_size**-0.5)
        nn.init.xavier_uniform_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)
        for name, weight in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weight)
            elif name.startswith("weight_hh"):
                for gate in range(4):
                    nn.init.orthogonal_(weight.data[gate * hidden : (gate + 1) * hidden])
            else:
                nn.init.zeros_(weight)
                if name.startswith("bias_ih"):
                    weight.data[hidden : 2 * hidden] = 1.0

    def zero_state(self, batch: int) -> State:
        """The state before any text: zeros, each [layers, batch, hidden_size]."""
        shape = (self.config.layers, batch, self.config.hidden_size)
        device = self.embedding.weight.device
        return torch.zeros(shape, device=device), torch.zeros(shape, device=device)

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Run over `ids` [steps, batch]; return features [steps, batch, embedding_size] and the state after them."""
        dtype = self.embedding.weight.dtype
        output, (hidden, cell) = self.lstm(self.embedding(ids), (state[0].to(dtype), state[1].to(dtype)))
        return self.projection(output), (hidden.float(), cell.float())

    def logits(self, features: Tensor) -> Tensor:
        """Scores over the vocabulary: `features` [..., embedding_size] -> [..., vocab]."""
        return features @ self.embedding.weight.t() + self.output_bias
