"""How a neural model is trained: the settings, and the learning rate that follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from foretype.runtime.errors import ConfigError

_LEGAL = {
    "tokens": (1, math.inf),
    "batch": (1, math.inf),
    "steps": (1, math.inf),
    "samples": (0, math.inf),
    "warmup": (0, math.inf),
    "weight_decay": (0, 1),
    "forget": (0, 1),
    "seed": (0, 2**32 - 1),
    "threads": (0, 1024),
    "checkpoint_seconds": (0, math.inf),
    "validate_tokens": (1, math.inf),
}


@dataclass(frozen=True)
class TrainConfig:
    """How a neural model is trained.

    tokens: positions to train on in all; more than the text holds means several passes.
    batch: streams read side by side. steps: length of a back-propagation window, in tokens.
    samples: words in the softmax sample, on average; 0 for the whole vocabulary.
    learning_rate: peak of the schedule (linear warm-up, then a cosine down to a twentieth of it).
    warmup: optimiser steps of the warm-up. weight_decay: AdamW's. clip: largest norm of the gradient.
    forget: chance that a stream starts a window from the zero state, so that the model can start cold anywhere.
    seed: fixes initialisation, data order and samples.
    device: "auto", "cpu" or "cuda". precision: "bf16" (autocast) or "fp32". threads: CPU threads, 0 for all.
    checkpoint_seconds: time between checkpoints. validate_tokens: tokens of validation text per measurement.
    """

    tokens: int = 20_000_000
    batch: int = 128
    steps: int = 32
    samples: int = 4096
    learning_rate: float = 2e-3
    warmup: int = 500
    weight_decay: float = 0.01
    clip: float = 1.0
    forget: float = 0.02
    seed: int = 1
    device: str = "auto"
    precision: str = "bf16"
    threads: int = 0
    checkpoint_seconds: float = 120.0
    validate_tokens: int = 40_000

    def __post_init__(self) -> None:
        if self.device not in ("auto", "cpu", "cuda"):
            raise ConfigError(f"device is {self.device!r}; legal: auto, cpu, cuda")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("device is 'cuda', but PyTorch sees no CUDA device; legal here: auto, cpu")
        if self.precision not in ("bf16", "fp32"):
            raise ConfigError(f"precision is {self.precision!r}; legal: bf16, fp32")
        for name, (low, high) in _LEGAL.items():
            value = getattr(self, name)
            if not low <= value <= high:
                legal = f"{low} or more" if high == math.inf else f"{low} to {high}"
                raise ConfigError(f"{name} is {value}; legal: {legal}")
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f"learning_rate is {self.learning_rate}; legal: above 0, below 1")
        if not self.clip > 0:
            raise ConfigError(f"clip is {self.clip}; legal: above 0")

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return max(1, self.tokens // (self.batch * self.steps))

    def rate(self, step: int) -> float:
        """The learning rate of optimiser step `step`, counted from 0 (Loshchilov and Hutter 2017, eq. 5)."""
        warmup = min(self.warmup, self.total_steps // 10)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.total_steps - warmup)
        return self.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
