"""The training loss against PyTorch's own, and the statistics of the sampled one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from foretype.train.neural.model.softmax import (
    draw_sample,
    full_cross_entropy,
    inclusion_probabilities,
    sampled_cross_entropy,
)

VOCAB, WIDTH = 60, 8


def example(positions: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, table, bias (these with gradients) and targets."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((positions, WIDTH), (VOCAB, WIDTH), (VOCAB,))
    features, table, bias = (torch.randn(shape, generator=generator).requires_grad_() for shape in shapes)
    return features, table, bias, torch.randint(VOCAB, (positions,), generator=generator)


# Sizes about the block that positions are taken in.
@pytest.mark.parametrize("positions", [1, 7, 512, 513, 1100])
def test_the_full_loss_and_its_gradients_are_those_of_pytorch(positions: int) -> None:
    features, table, bias, targets = example(positions)
    loss = full_cross_entropy(features, table, bias, targets)
    expected = torch.nn.functional.cross_entropy(features @ table.t() + bias, targets)
    torch.testing.assert_close(loss, expected)
    ours = torch.autograd.grad(3 * loss, (features, table, bias))
    theirs = torch.autograd.grad(3 * expected, (features, table, bias))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)


def test_a_sample_of_everything_is_the_full_loss() -> None:
    features, table, bias, targets = example(20)
    inclusion = inclusion_probabilities(torch.arange(VOCAB).float(), VOCAB)
    sample = draw_sample(inclusion, torch.Generator().manual_seed(0))
    assert sample.tolist() == list(range(VOCAB))
    sampled = sampled_cross_entropy(features, table, bias, targets, inclusion, sample)
    torch.testing.assert_close(sampled, full_cross_entropy(features, table, bias, targets))


def test_the_sampled_loss_has_the_gradients_of_its_formula() -> None:
    features, table, bias, targets = example(30)
    inclusion = inclusion_probabilities(torch.arange(VOCAB).float(), 20)
    sample = draw_sample(inclusion, torch.Generator().manual_seed(1))
    loss = sampled_cross_entropy(features, table, bias, targets, inclusion, sample)
    scores = features @ table.t() + bias
    weights = torch.zeros(VOCAB).index_fill(0, sample, 1.0) / inclusion
    target_weights = torch.nn.functional.one_hot(targets, VOCAB).bool()
    normaliser = (scores.exp() * torch.where(target_weights, 1.0, weights)).sum(1)
    expected = (normaliser.log() - scores[target_weights]).mean()
    torch.testing.assert_close(loss, expected)
    ours = torch.autograd.grad(loss, (features, table, bias))
    theirs = torch.autograd.grad(expected, (features, table, bias))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)


def test_the_normaliser_estimated_from_samples_is_unbiased() -> None:
    features, table, bias, targets = (value.detach() for value in example(4, seed=2))
    scores = features @ table.t() + bias
    target_scores = scores.gather(1, targets[:, None]).squeeze(1)
    inclusion = inclusion_probabilities(100 / torch.arange(1, VOCAB + 1), 20)
    generator = torch.Generator().manual_seed(3)
    estimates = []
    for _ in range(2000):
        sample = draw_sample(inclusion, generator)
        losses = [
            sampled_cross_entropy(features[i : i + 1], table, bias, targets[i : i + 1], inclusion, sample)
            for i in range(len(targets))
        ]
        estimates.append((torch.stack(losses) + target_scores).exp())
    mean, spread = torch.stack(estimates).mean(0), torch.stack(estimates).std(0)
    exact = scores.exp().sum(1)
    assert ((mean - exact).abs() < 4 * spread / len(estimates) ** 0.5).all()
    assert ((mean / exact - 1).abs() < 0.03).all()
    # Without the correction the estimate would be far too low.
    assert (scores.exp() * inclusion).sum(1).lt(0.8 * exact).all()


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**6), min_size=2, max_size=300),
    share=st.floats(0.01, 1.0),
)
def test_inclusion_probabilities_add_up_to_the_size_asked_for(counts: list[int], share: float) -> None:
    samples = max(1, int(share * len(counts)))
    inclusion = inclusion_probabilities(torch.tensor(counts).float(), samples)
    assert inclusion.sum().item() == pytest.approx(samples, rel=1e-3)
    assert (inclusion > 0).all()
    assert (inclusion <= 1).all()
    order = torch.tensor(counts).argsort()
    assert (inclusion[order].diff() >= 0).all(), "words seen more often are drawn more often"


def test_samples_have_the_size_asked_for_and_the_generator_fixes_them() -> None:
    inclusion = inclusion_probabilities(1e6 / torch.arange(1, 5001), 500)
    sizes = [len(draw_sample(inclusion, torch.Generator().manual_seed(seed))) for seed in range(100)]
    assert sum(sizes) / 100 == pytest.approx(500, rel=0.02)
    first, second = (draw_sample(inclusion, torch.Generator().manual_seed(7)) for _ in range(2))
    assert first.equal(second)
    assert set(torch.nonzero(inclusion == 1).squeeze(1).tolist()) <= set(first.tolist())


def test_in_bfloat16_loss_and_gradients_stay_close() -> None:
    features, table, bias, targets = example(300)
    exact = full_cross_entropy(features, table, bias, targets)
    with torch.autocast("cpu", torch.bfloat16):
        loss = full_cross_entropy(features.bfloat16(), table, bias, targets)
    torch.testing.assert_close(loss, exact, rtol=5e-3, atol=0)
    ours, theirs = (torch.autograd.grad(value, (table, bias)) for value in (loss, exact))
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine - other).norm() < 0.02 * other.norm()
