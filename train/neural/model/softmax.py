"""The training loss: cross-entropy over the whole vocabulary or, for speed, over a sample of it; or noise contrast.

Both cross-entropies process the positions in blocks and compute their gradients in the forward pass, so that the scores
of a block (positions x words) stay in the cache and are never stored for the backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_BLOCK, _CUDA_BLOCK = 512, 16_384
"""Positions in a block, on a CPU and a GPU: its scores should fit the cache of the one; the other wants few calls."""

Ngrams = tuple[Tensor, Tensor]
"""Weights of n-gram features, float [slots], and the first slot of each context, int64 [positions, n]."""


def inclusion_probabilities(counts: Tensor, samples: int, power: float = 0.75) -> Tensor:
    """Return the probability of each word to be in a sample of about `samples` words: min(1, c * count^power).

    counts: float [vocab], how often each word occurs; words that never occur are counted once.
    The most frequent words get 1 and are always in the sample, which keeps the variance of the loss low.
    """
    if samples >= len(counts):
        return torch.ones_like(counts)
    weights = counts.clamp(min=1.0).pow(power)
    low, high = 0.0, float(1.0 / weights.min())
    for _ in range(60):
        middle = (low + high) / 2
        if (weights * middle).clamp(max=1.0).sum() < samples:
            low = middle
        else:
            high = middle
    return (weights * high).clamp(max=1.0)


def draw_sample(inclusion: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a Poisson sample of ids: each word is in it, independently, with its inclusion probability."""
    draws = torch.rand(inclusion.shape, generator=generator, device=inclusion.device)
    return torch.nonzero(draws < inclusion).squeeze(1)


class _CrossEntropy(torch.autograd.Function):
    """Mean of log(exp(s_target) + sum over sampled words of exp(s_word) / inclusion(word)) - s_target.

    weights, contexts: of the n-gram features, as in `sampled_cross_entropy`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        table: Tensor,
        bias: Tensor,
        targets: Tensor,
        words: Tensor,
        offset: Tensor,
        weights: Tensor,
        contexts: Tensor,
    ) -> Tensor:
        precision = torch.bfloat16 if torch.is_autocast_enabled(features.device.type) else features.dtype
        rows = table[words].to(precision)
        row_bias = bias[words] + offset
        slot = torch.full((len(table),), -1, dtype=torch.long, device=table.device)
        slot[words] = torch.arange(len(words), device=table.device)

        count, size = max(1, len(targets)), _CUDA_BLOCK if table.is_cuda else _BLOCK
        total = torch.zeros((), device=table.device)
        grad_features = torch.empty_like(features, dtype=torch.float32)
        grad_rows = torch.zeros(rows.shape, dtype=torch.float32, device=table.device)
        grad_bias_rows = torch.zeros(len(words), device=table.device)
        grad_table = torch.zeros_like(table)
        grad_bias = torch.zeros_like(bias)
        grad_weights = torch.zeros_like(weights)
        for start in range(0, len(targets), size):
            block = features[start : start + size]
            target = targets[start : start + size]
            narrow = block.to(precision)
            scores = torch.addmm(row_bias.to(precision), narrow, rows.t()).float()
            context = contexts[start : start + size]
            slots = [first[:, None] + words for first in context.unbind(1)]
            for places in slots:
                scores += weights.take(places)
            if len(words):
                place = slot[target][:, None]  # The target's column, or -1 if the sample lacks it.
                column = place.clamp(min=0)
                scores.scatter_(1, column, scores.gather(1, column).masked_fill_(place >= 0, -torch.inf))
            target_rows = table[target]
            target_slots = context + target[:, None]
            target_score = (block.float() * target_rows).sum(1) + bias[target] + weights.take(target_slots).sum(1)
            normaliser = torch.logaddexp(torch.logsumexp(scores, 1), target_score)
            total += (normaliser - target_score).sum()

            share = scores.sub_(normaliser[:, None]).exp_()
            miss = (target_score - normaliser).exp() - 1.0
            narrow_share = share.to(precision)
            grad_features[start : start + size] = (narrow_share @ rows).float() + miss[:, None] * target_rows
            grad_rows += (narrow_share.t() @ narrow).float()
            grad_bias_rows += share.sum(0)
            grad_table.index_add_(0, target, miss[:, None] * block.float())
            grad_bias.index_add_(0, target, miss)
            for places in slots:
                grad_weights.put_(places, share, accumulate=True)
            grad_weights.put_(target_slots, miss[:, None].expand_as(target_slots), accumulate=True)
        grad_table.index_add_(0, words, grad_rows)
        grad_bias.index_add_(0, words, grad_bias_rows)
        ctx.save_for_backward(grad_features, grad_table, grad_bias, grad_weights)
        ctx.count = count
        ctx.feature_type = features.dtype
        return total / count

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        # Scale in place, because the gradients of the tables are large. PyTorch raises if they are used again.
        scale = grads[0] / ctx.count
        features, table, bias, weights = (grad.mul_(scale) for grad in ctx.saved_tensors)
        return features.to(ctx.feature_type), table, bias, None, None, None, weights, None


def sampled_cross_entropy(
    features: Tensor,
    table: Tensor,
    bias: Tensor,
    targets: Tensor,
    inclusion: Tensor,
    sample: Tensor,
    ngrams: Ngrams | None = None,
) -> Tensor:
    """Cross-entropy whose normaliser is estimated from a sample of the vocabulary.

    features: [positions, embedding_size]. table: [vocab, embedding_size]. bias: [vocab]. targets: [positions].
    inclusion: [vocab], from `inclusion_probabilities`. sample: ids from `draw_sample`.
    ngrams: weights of n-gram features and the first slot of each position's contexts: every n adds
        `weights[contexts[position, n] + word]` to the score of a word.

    The normaliser is exp(s_target) + sum over the sample of exp(s_word) / inclusion(word), an unbiased
    (Horvitz-Thompson) estimate of the full one: the log-q correction of Bengio and Senécal (2008). Its logarithm is
    slightly low on average, so perplexity must not be computed from this loss.
    """
    return _cross_entropy(features, table, bias, targets, sample, -torch.log(inclusion[sample]), ngrams)


def noise_contrastive_loss(
    features: Tensor, table: Tensor, bias: Tensor, targets: Tensor, inclusion: Tensor, sample: Tensor
) -> Tensor:
    """Noise-contrastive estimation (Mnih and Teh 2012, equations 9 and 10): tell the next word from noise words.

    Arguments as for `sampled_cross_entropy`. With k noise words from a distribution q, the expected number of times
    that a word is noise is k q(word); in a sample by inclusion it is inclusion(word), which takes its place:

        -log sigmoid(s_target - log inclusion(target)) - sum over the sample of log sigmoid(log inclusion(w) - s_w)

    All positions share the sample. At the minimum, exp(s) is the word's probability without any normaliser (it is fixed
    at 1). The mean over positions is no cross-entropy: perplexity must not be computed from it.
    """
    rows = table[sample].to(features.dtype)
    noise = (features @ rows.t()).float() + bias[sample] - inclusion[sample].log()
    score = (features.float() * table[targets]).sum(1) + bias[targets] - inclusion[targets].log()
    softplus = torch.nn.functional.softplus
    return softplus(-score).mean() + softplus(noise).sum() / max(1, len(targets))


def full_cross_entropy(
    features: Tensor, table: Tensor, bias: Tensor, targets: Tensor, ngrams: Ngrams | None = None
) -> Tensor:
    """Cross-entropy over the whole vocabulary; arguments as for `sampled_cross_entropy`."""
    words = torch.arange(len(table), device=table.device)
    offset = torch.zeros(len(table), device=table.device)
    return _cross_entropy(features, table, bias, targets, words, offset, ngrams)


def _cross_entropy(
    features: Tensor, table: Tensor, bias: Tensor, targets: Tensor, words: Tensor, offset: Tensor, ngrams: Ngrams | None
) -> Tensor:
    # Without n-grams, positions have no contexts, and the single weight is never used.
    weights, contexts = ngrams or (bias.new_zeros(1), targets.new_zeros((len(targets), 0)))
    loss = _CrossEntropy.apply(features, table, bias, targets, words, offset, weights, contexts)  # type: ignore[no-untyped-call]
    assert isinstance(loss, Tensor)
    return loss
