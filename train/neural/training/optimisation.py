"""Optimisers: AdamW, SGD, and SGD that averages its iterates once progress stalls (NT-ASGD)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from foretype.train.neural.training.train_config import TrainConfig

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """The optimiser of a run, and its part of a checkpoint.

    "asgd" (NT-ASGD, Merity et al. 2017, algorithm 1) is SGD until `watch` gets a perplexity worse than the best of
    those more than `trigger_patience` measurements ago. From then on, `average` is the mean of the iterates.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._model, self._config = model, config
        self._parameters = dict(model.named_parameters())
        rate, decay = config.learning_rate, config.weight_decay
        self._rule: torch.optim.Optimizer
        if config.optimizer == "adamw":
            weights = self._parameters.values()
            self._rule = torch.optim.AdamW(weights, rate, betas=(0.9, 0.98), weight_decay=decay, fused=True)
        else:
            self._rule = torch.optim.SGD(self._parameters.values(), rate, weight_decay=decay, fused=True)
        self._measured: list[float] = []
        self._averaged = 0
        self.average: dict[str, Tensor] = {}

    @property
    def waits(self) -> bool:
        """Whether averaging is configured and has not begun."""
        return self._config.optimizer == "asgd" and not self.average

    def step(self, rate: float) -> None:
        """Update the weights with their gradients and the learning rate `rate`, then clear the gradients."""
        for group in self._rule.param_groups:
            group["lr"] = rate
        self._rule.step()
        self._rule.zero_grad(set_to_none=True)
        if self.average:
            self._averaged += 1
            self._include()

    def watch(self, perplexity: float) -> None:
        """Record a validation perplexity, and begin to average if progress has stalled."""
        earlier = self._measured[: -self._config.trigger_patience or None]
        if earlier and perplexity > min(earlier):
            self.average = {name: weight.detach().clone() for name, weight in self._parameters.items()}
            self._averaged = 1
        self._measured.append(perplexity)

    @torch.no_grad()
    def _include(self) -> None:
        for name, mean in self.average.items():
            mean.lerp_(self._parameters[name], 1 / self._averaged)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Use the averaged weights, if any, inside the block."""
        held = {name: self._parameters[name].data for name in self.average}
        try:
            for name, mean in self.average.items():
                self._parameters[name].data = mean
            yield
        finally:
            for name, weight in held.items():
                self._parameters[name].data = weight

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that a checkpoint needs besides the model, which it stores with averaged weights."""
        parameters, kept = self._parameters.items(), dict[str, Tensor]()
        if self._config.optimizer == "adamw":
            for moment in _MOMENTS:
                kept |= {f"{moment}.{name}": self._rule.state[weight][moment] for name, weight in parameters}
        if self._config.optimizer == "asgd":
            kept["measured"] = torch.tensor(self._measured, dtype=torch.float64)
        if self.average:
            kept["averaged"] = torch.tensor(self._averaged)
            kept |= {f"iterate.{name}": weight.data for name, weight in parameters}
        return kept

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Restore the state of a run after `step` steps from `tensors`; the model must hold the checkpoint's weights.

        Raises KeyError with the name of a missing tensor.
        """
        parameters = self._parameters.items()
        if self._config.optimizer == "adamw":
            for name, weight in parameters:
                moments = {moment: tensors[f"{moment}.{name}"].to(weight.device) for moment in _MOMENTS}
                self._rule.state[weight] = {"step": torch.tensor(float(step), device=weight.device), **moments}
        if self._config.optimizer == "asgd":
            self._measured = tensors["measured"].tolist()
        if "averaged" in tensors:
            self._averaged = int(tensors["averaged"])
            self.average = {name: weight.detach().clone() for name, weight in parameters}
            for name, weight in parameters:
                weight.data.copy_(tensors[f"iterate.{name}"])
