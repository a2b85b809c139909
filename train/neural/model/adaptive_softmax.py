"""The adaptive softmax: a short list of frequent words, and clusters of rare words behind one entry each.

PyTorch's `AdaptiveLogSoftmaxWithLoss` is not used: it fails under autocast, takes three times as long as the loss
below, needs ids in frequency order, and has no bias for the words of a cluster.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from foretype.train.neural.model.softmax import full_cross_entropy

_NARROWING = 4


class AdaptiveSoftmax(nn.Module):
    """The hierarchical softmax by frequency classes of Grave et al. 2017, "Efficient softmax approximation for GPUs".

    With words sorted by falling frequency, p(word) = p(word | head) for the most frequent tenth. The rest are in two
    clusters, the first up to half of the vocabulary: p(word) = p(cluster | head) p(word | cluster) (their section 4).
    Cluster i sees the features projected to size / 4^i.

    rank: int64 [vocab], the rank of each word by frequency; saved with the weights. `sort` sets it.
    """

    rank: Tensor

    def __init__(self, vocab_size: int, size: int) -> None:
        super().__init__()
        self.bounds = (max(1, vocab_size // 10), vocab_size // 2, vocab_size)
        self.shortlist, clusters = self.bounds[0], len(self.bounds) - 1
        self.register_buffer("rank", torch.arange(vocab_size))
        self.head = nn.Parameter(torch.empty(self.shortlist + clusters, size))
        self.cluster_bias = nn.Parameter(torch.zeros(clusters))
        widths = [max(1, size // _NARROWING**number) for number in range(1, clusters + 1)]
        self.narrow = nn.ModuleList(nn.Linear(size, width, bias=False) for width in widths)
        tables = [
            torch.empty(high - low, width) for (low, high), width in zip(pairwise(self.bounds), widths, strict=True)
        ]
        self.tables = nn.ParameterList(tables)
        for table in (self.head, *self.tables):
            nn.init.normal_(table, std=table.shape[1] ** -0.5)
        for weight in self.narrow.parameters():
            nn.init.orthogonal_(weight)

    @torch.no_grad()
    def sort(self, frequency: Tensor) -> None:
        """Sort the words by `frequency`, float [vocab], above 0, and start each cluster's bias at its frequency."""
        order = torch.argsort(frequency, descending=True, stable=True)
        self.rank.copy_(torch.argsort(order))
        shares = [part.sum() for part in frequency[order].tensor_split(self.bounds[:-1])]
        self.cluster_bias.copy_(torch.stack(shares[1:]).log())

    def _biases(self, bias: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the biases of the head's entries and of each cluster's words, from the biases of the words by id."""
        shortlist, *clusters = bias[torch.argsort(self.rank)].tensor_split(self.bounds[:-1])
        return torch.cat((shortlist, self.cluster_bias)), clusters

    def loss(self, features: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        """Mean of -log p: `features` [positions, size], `bias` [vocab] by id, `targets` [positions] ids."""
        head_bias, biases = self._biases(bias)
        ranks = self.rank[targets]
        cluster = torch.bucketize(ranks, torch.tensor(self.bounds[:-1], device=ranks.device), right=True)
        entry = torch.where(cluster == 0, ranks, self.shortlist + cluster - 1)
        loss = full_cross_entropy(features, self.head, head_bias, entry)
        for number, (narrow, table) in enumerate(zip(self.narrow, self.tables, strict=True), start=1):
            inside = torch.nonzero(cluster == number).squeeze(1)
            words = ranks[inside] - self.bounds[number - 1]
            mean = full_cross_entropy(narrow(features[inside]), table, biases[number - 1], words)
            loss = loss + mean * (len(inside) / len(targets))
        return loss

    def log_probabilities(self, features: Tensor, bias: Tensor) -> Tensor:
        """Return log p of every word: `features` [..., size], `bias` [vocab] by id -> [..., vocab] by id."""
        head_bias, biases = self._biases(bias)
        head = torch.log_softmax((features @ self.head.t() + head_bias).float(), -1)
        parts = [head[..., : self.shortlist]]
        for number, (narrow, table) in enumerate(zip(self.narrow, self.tables, strict=True)):
            inside = torch.log_softmax((narrow(features) @ table.t() + biases[number]).float(), -1)
            parts.append(head[..., self.shortlist + number, None] + inside)
        return torch.cat(parts, -1)[..., self.rank]
