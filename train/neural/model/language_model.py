"""The neural language model: word table, recurrent layers and their connections, projection, head."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from foretype.train.neural.model.adaptive_softmax import AdaptiveSoftmax
from foretype.train.neural.model.class_softmax import ClassSoftmax
from foretype.train.neural.model.layers import State, make_layer
from foretype.train.neural.model.maxent import HashedNgrams
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.model.regularisation import Noise


class LanguageModel(nn.Module):
    """Scores the next word after each word of a sequence.

    The word table `embedding` [vocab, embedding_size] is the input and, if `tied`, the output table. If the output of
    the layers has a different width from the head's input, a projection connects them.

    Features are the head's input: feature_size columns and, if the model has hashed n-grams, maxent_order - 1 more with
    the last words, as `HashedNgrams.histories` returns them. A model without a network has only the latter, and tables
    without columns.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, network = config.feature_size, config.architecture != "maxent"
        self.embedding = nn.Embedding(config.vocab_size, width)
        self.layers = nn.ModuleList(make_layer(config, layer) for layer in range(config.layers if network else 0))
        gated = config.connections == "highway"
        self.gates = nn.ModuleList(_carry_gate(config.hidden_size) for _ in range(config.layers - 1 if gated else 0))
        narrow = config.output_size != width
        self.projection = nn.Linear(config.output_size, width) if narrow else None
        table = torch.empty(config.vocab_size, width)
        self.adaptive = AdaptiveSoftmax(config.vocab_size, width) if config.head == "adaptive" else None
        self.classes = ClassSoftmax(config.vocab_size, width, config.classes) if config.head == "classes" else None
        self.output_table = None if config.tied or self.adaptive else nn.Parameter(table)
        self.output_bias = nn.Parameter(torch.zeros(config.vocab_size))
        outputs = config.vocab_size + (self.classes.count if self.classes else 0)
        hashed = (outputs, config.maxent_bits, config.maxent_order, config.maxent_skip)
        self.maxent = HashedNgrams(*hashed) if config.maxent_bits else None
        for weight in (self.embedding.weight, self.output_table):
            if weight is not None and width:
                nn.init.normal_(weight, std=width**-0.5)
        if self.projection is not None:
            nn.init.xavier_uniform_(self.projection.weight)
            nn.init.zeros_(self.projection.bias)

    @property
    def table(self) -> Tensor:
        """The head's rows, [vocab, feature_size]."""
        return self.embedding.weight if self.output_table is None else self.output_table

    @torch.no_grad()
    def set_frequencies(self, counts: Tensor) -> None:
        """Initialise the biases to the frequencies of the words, before training: `counts` float [vocab]."""
        frequency = (counts + 1.0) / (counts + 1.0).sum()
        self.output_bias.copy_(frequency.log())
        for head in (self.adaptive, self.classes):
            if head is not None:
                head.sort(frequency)

    def zero_state(self, batch: int) -> State:
        """The state before any text: zeros, each [layers, batch, width]."""
        device = self.embedding.weight.device
        sizes = self.config.state_sizes.values()
        return tuple(torch.zeros((self.config.layers, batch, size), device=device) for size in sizes)

    def forward(self, ids: Tensor, state: State, noise: Noise | None = None) -> tuple[Tensor, State]:
        """Run over `ids` [steps, batch]; return features [steps, batch, width] and the state after them.

        noise: the dropout of a training step.
        """
        noise = noise or Noise()
        values = noise.embeddings(self.embedding(ids), ids, self.config.vocab_size)
        recurrent = state if self.maxent is None else state[:-1]
        seen, after = [values], []
        for number, layer in enumerate(self.layers):
            inputs = torch.cat(seen, -1) if self.config.connections == "dense" else values
            before = tuple(part[number : number + 1].to(values.dtype) for part in recurrent)
            output, new = _run(layer, noise.weights(layer), noise.inputs(inputs, number), before)
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
        values = noise.outputs(values)
        features = values if self.projection is None else self.projection(values)
        new_state = tuple(torch.cat(parts).float() for parts in zip(*after, strict=True))
        if self.maxent is None:
            return features, new_state
        words, last = self.maxent.histories(ids, state[-1][0])
        return torch.cat((features, words), -1), (*new_state, last.expand(self.config.layers, -1, -1))

    def split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Split `features` [..., width] from `forward` into the network's columns and the last words."""
        values, words = features.tensor_split((self.config.feature_size,), -1)
        return values, words

    def logits(self, features: Tensor) -> Tensor:
        """Score the vocabulary: `features` [..., width] from `forward` -> [..., vocab].

        The scores of a hierarchical head ("adaptive", "classes") are log-probabilities.
        """
        if self.adaptive is not None:
            return self.adaptive.log_probabilities(features, self.output_bias)
        values, words = self.split(features)
        scores = [values @ self.table.t() + self.output_bias]
        if self.classes is not None:
            scores.append(values @ self.classes.table.t() + self.classes.bias)
        if self.maxent is not None:
            added = self.maxent.scores(words).tensor_split((self.config.vocab_size,), -1)
            scores = [score + more for score, more in zip(scores, added, strict=False)]
        return scores[0] if self.classes is None else self.classes.log_probabilities(*scores)


def _run(layer: nn.Module, weights: dict[str, Tensor], inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Call a layer with its state, and with `weights` in place of the parameters of the same names.

    PyTorch's own layers without a cell take and return a tensor instead of a tuple.
    """
    bare = isinstance(layer, nn.RNN | nn.GRU)
    output, after = functional_call(layer, weights, (inputs, state[0] if bare else state))
    return output, (after,) if bare else tuple(after)


def _carry_gate(size: int) -> nn.Linear:
    """The gate of a highway. With bias 1 it starts by carrying most of its input (as in Srivastava et al. 2015)."""
    gate = nn.Linear(size, size)
    nn.init.xavier_uniform_(gate.weight)
    nn.init.ones_(gate.bias)
    return gate
