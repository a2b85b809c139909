"""The neural language model: word table, recurrent layers with connections between them, projection, head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretype.train.neural.layers import State, make_layer
from foretype.train.neural.model_config import ModelConfig


class LanguageModel(nn.Module):
    """Scores the next word after each word of a sequence.

    The word table `embedding` [vocab, embedding_size] serves the input and, where `tied`, the output. Where the layers
    hand on another width than the head takes, a projection stands between.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size)
        self.layers = nn.ModuleList(make_layer(config, layer) for layer in range(config.layers))
        gated = config.connections == "highway"
        self.gates = nn.ModuleList(_carry_gate(config.hidden_size) for _ in range(config.layers - 1 if gated else 0))
        narrow = config.output_size != config.embedding_size
        self.projection = nn.Linear(config.output_size, config.embedding_size) if narrow else None
        table = torch.empty(config.vocab_size, config.embedding_size)
        self.output_table = None if config.tied else nn.Parameter(table)
        self.output_bias = nn.Parameter(torch.zeros(config.vocab_size))
        for weight in (self.embedding.weight, self.output_table):
            if weight is not None:
                nn.init.normal_(weight, std=config.embedding_size**-0.5)
        if self.projection is not None:
            nn.init.xavier_uniform_(self.projection.weight)
            nn.init.zeros_(self.projection.bias)

    @property
    def table(self) -> Tensor:
        """The head's rows, [vocab, embedding_size]."""
        return self.embedding.weight if self.output_table is None else self.output_table

    def zero_state(self, batch: int) -> State:
        """The state before any text: zeros, each [layers, batch, width]."""
        device = self.embedding.weight.device
        sizes = self.config.state_sizes.values()
        return tuple(torch.zeros((self.config.layers, batch, size), device=device) for size in sizes)

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Run over `ids` [steps, batch]; return features [steps, batch, embedding_size] and the state after them."""
        values = self.embedding(ids)
        seen, after = [values], []
        for number, layer in enumerate(self.layers):
            inputs = torch.cat(seen, -1) if self.config.connections == "dense" else values
            output, new = _run(layer, inputs, tuple(part[number : number + 1].to(values.dtype) for part in state))
            after.append(new)
            if number and self.config.connections == "residual":
                output = output + values
            elif number and self.config.connections == "highway":
                carry = torch.sigmoid(self.gates[number - 1](values))
                output = carry * values + (1 - carry) * output
            values = output
            seen.append(values)
        if self.config.connections == "dense":
            values = torch.cat(seen[1:], -1)
        features = values if self.projection is None else self.projection(values)
        return features, tuple(torch.cat(parts).float() for parts in zip(*after, strict=True))

    def logits(self, features: Tensor) -> Tensor:
        """Scores over the vocabulary: `features` [..., embedding_size] -> [..., vocab]."""
        return features @ self.table.t() + self.output_bias


def _run(layer: nn.Module, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Call a layer with its state; PyTorch's own take and return a bare tensor where there is no cell."""
    bare = isinstance(layer, nn.RNN | nn.GRU)
    output, after = layer(inputs, state[0] if bare else state)
    return output, (after,) if bare else tuple(after)


def _carry_gate(size: int) -> nn.Linear:
    """A highway's gate, which starts by carrying most of its input (bias 1; Srivastava et al. 2015 use the like)."""
    gate = nn.Linear(size, size)
    nn.init.xavier_uniform_(gate.weight)
    nn.init.ones_(gate.bias)
    return gate
