"""Hashed maximum-entropy n-gram features beside the network, trained with it (RNNME) or without one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SKIPPED = 0x5851F42D4C957F2D
"""Where the hash of contexts without the latest word starts, so that they differ from those with it."""
_PRIMES = (-7046029254386353131, -4417276706812531889)  # 0x9E3779B97F4A7C15 and 0xC2B2AE3D27D4EB4F as int64


class HashedNgrams(nn.Module):
    """Direct connections from the last words to the next one (Mikolov et al. 2011, "Strategies for training large scale
    neural network language models").

    Each n-gram that ends in a word, n = 2 .. `order`, adds a weight to the word's score; the output bias is the feature
    of n = 1. Context h has the weights hash(h) .. hash(h) + outputs - 1, one for each next word and, with a
    class-factored softmax, one for each class after them, in one table of 2^bits weights. Contexts overlap in the
    table, as in Mikolov's program.

    skip: also use skip-1 features (Chelba et al. 2013; Goodman 2001): the contexts without the latest word, of 1 ..
    `order` - 2 words.
    """

    def __init__(self, outputs: int, bits: int, order: int, skip: bool = False) -> None:
        super().__init__()
        self.outputs, self.order, self.skip = outputs, order, skip
        self.weights = nn.Parameter(torch.zeros(1 << bits))

    def histories(self, ids: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last words at each position, float32 [steps, batch, order - 1], and those at the end.

        ids: [steps, batch]. before, and the second result: float32 [batch, order - 1]. Latest first. A word is stored
        as its id plus 1, and 0 means no word, so that the zero state is the start of a text. (float32 holds ids up to
        2^24.)
        """
        words = torch.cat((before.t().flip(0), ids + 1.0))
        steps = len(ids)
        seen = torch.stack([words[self.order - 1 - n : self.order - 1 - n + steps] for n in range(self.order - 1)], -1)
        return seen, seen[-1]

    def contexts(self, histories: Tensor) -> Tensor:
        """Hash contexts to their first slots: `histories` [..., order - 1] -> int64 [..., contexts].

        By rising order, those with the latest word first.
        """
        words = histories.long().unbind(-1)
        slots = self._slots(words, 0)
        if self.skip:
            slots += self._slots(words[1:], SKIPPED)
        return torch.stack(slots, -1)

    def _slots(self, words: Sequence[Tensor], start: int) -> list[Tensor]:
        slots, mixed = [], torch.full_like(words[0], start)
        for word in words:
            mixed = (mixed ^ word) * _PRIMES[0] + _PRIMES[1]
            mixed = mixed ^ (mixed >> 29)
            slots.append(mixed.remainder(len(self.weights) - self.outputs + 1))
        return slots

    def scores(self, histories: Tensor) -> Tensor:
        """Sum the features: `histories` [..., order - 1] -> [..., outputs], to add to the outputs' scores."""
        owned = self.weights.unfold(0, self.outputs, 1)
        contexts = self.contexts(histories)
        total = torch.zeros((contexts[..., 0].numel(), self.outputs), device=contexts.device)
        for slot in contexts.flatten(0, -2).unbind(-1):
            total = total + owned.index_select(0, slot)
        return total.view(*contexts.shape[:-1], self.outputs)
