"""The class-factored softmax: a tree of two levels, word classes and the words of each class."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from foretype.train.neural.model.softmax import Ngrams, full_cross_entropy


def class_count(vocab_size: int, classes: int) -> int:
    """Return the number of classes that hold `vocab_size` words, for about `classes`; 0 for the square root."""
    size = math.ceil(vocab_size / (classes or math.ceil(math.sqrt(vocab_size))))
    return math.ceil(vocab_size / size)


class ClassSoftmax(nn.Module):
    """The hierarchical softmax with word classes (Goodman 2001, "Classes for fast maximum entropy training"; Mikolov et
    al. 2011, "Extensions of recurrent neural network language model").

    p(word) = p(class | history) p(word | class, history). With about sqrt(V) classes of equal size, a training step
    scores 2 sqrt(V) entries instead of V. Words are assigned to classes by falling frequency. The rows and biases of
    words are the model's own, so that they may be those of the word table; only those of the classes are here.

    rank: int64 [vocab], the rank of each word by frequency; saved with the weights. Class c has the ranks from
    c * `size` on. `sort` sets it.
    """

    rank: Tensor

    def __init__(self, vocab_size: int, width: int, classes: int = 0) -> None:
        super().__init__()
        self.count = class_count(vocab_size, classes)
        self.size = math.ceil(vocab_size / self.count)
        self.register_buffer("rank", torch.arange(vocab_size))
        self.table = nn.Parameter(torch.zeros(self.count, width))
        self.bias = nn.Parameter(torch.zeros(self.count))

    @torch.no_grad()
    def sort(self, frequency: Tensor) -> None:
        """Sort the words by `frequency`, float [vocab], above 0, and start each class's bias at its frequency."""
        order = torch.argsort(frequency, descending=True, stable=True)
        self.rank.copy_(torch.argsort(order))
        self.bias.copy_(torch.stack([part.sum() for part in frequency[order].split(self.size)]).log())

    def _members(self) -> tuple[Tensor, Tensor]:
        """Return the ids of the words of each class, and which entries are words: the last class may have fewer.

        Both are [count, size].
        """
        words, places = torch.argsort(self.rank), self.count * self.size
        padded = nn.functional.pad(words, (0, places - len(words)))
        real = torch.arange(places, device=words.device) < len(words)
        return padded.view(self.count, self.size), real.view(self.count, self.size)

    def loss(self, features: Tensor, table: Tensor, bias: Tensor, targets: Tensor, ngrams: Ngrams | None) -> Tensor:
        """Mean of -log p: `features` [positions, width], `table` [vocab, width], `bias` [vocab], `targets` [positions].

        ngrams: weights and the first slots of each position's contexts, as for `full_cross_entropy`. The slots of the
            classes follow those of the words.
        """
        ranks = self.rank[targets]
        classes = ranks // self.size
        shifted = None if ngrams is None else (ngrams[0], ngrams[1] + len(table))
        loss = full_cross_entropy(features, self.table, self.bias, classes, shifted)
        # Positions whose words are in the same class are multiplied with its rows together.
        order = torch.argsort(classes, stable=True)
        members, real = self._members()
        parts = features[order].split(torch.bincount(classes, minlength=self.count).tolist())
        products = [part @ rows.t() for part, rows in zip(parts, table[members].unbind(0), strict=True) if len(part)]
        classes = classes[order]
        scores = torch.cat(products).float() + bias[members][classes]
        if ngrams is not None:
            scores = scores + ngrams[0].take(ngrams[1][order][..., None] + members[classes][:, None]).sum(1)
        scores = scores.masked_fill(~real[classes], -torch.inf)
        return loss + nn.functional.cross_entropy(scores, ranks[order] % self.size)

    def log_probabilities(self, words: Tensor, classes: Tensor) -> Tensor:
        """Return log p of every word by id, [..., vocab], from scores `words` [..., vocab], `classes` [..., count]."""
        members, real = self._members()
        inside = words.float()[..., members].masked_fill(~real, -torch.inf).log_softmax(-1)
        return (inside + classes.float().log_softmax(-1)[..., None]).flatten(-2)[..., self.rank]
