"""The settings of neural training, and the learning rate schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.regularisation import Regularisation

_CHOICES = {
    "device": ("auto", "cpu", "cuda"),
    "precision": ("auto", "bf16", "fp32"),
    "loss": ("softmax", "nce"),
    "optimizer": ("adamw", "sgd", "asgd"),
    "schedule": ("cosine", "constant"),
    "word2vec": ("", "cbow", "skipgram"),
}
_LEGAL = {
    "embedding_dropout": (0, 0.95),
    "input_dropout": (0, 0.95),
    "layer_dropout": (0, 0.95),
    "output_dropout": (0, 0.95),
    "weight_drop": (0, 0.95),
    "activation_penalty": (0, math.inf),
    "temporal_penalty": (0, math.inf),
    "tokens": (1, math.inf),
    "batch": (1, math.inf),
    "steps": (1, math.inf),
    "jitter": (0, math.inf),
    "samples": (0, math.inf),
    "warmup": (0, math.inf),
    "weight_decay": (0, 1),
    "trigger_steps": (0, math.inf),
    "trigger_patience": (0, math.inf),
    "forget": (0, 1),
    "unknown": (0, 1),
    "seed": (0, 2**32 - 1),
    "threads": (0, 1024),
    "checkpoint_seconds": (0, math.inf),
    "validate_tokens": (1, math.inf),
    "validate_steps": (0, math.inf),
    "patience": (0, math.inf),
}


@dataclass(frozen=True)
class TrainConfig(Regularisation):
    """The settings of neural training, besides those of `Regularisation`.

    tokens: number of tokens to train on; more than the text has means several passes.
    batch: streams read in parallel, by all processes together.
    steps: length of a back-propagation window in tokens.
    jitter: standard deviation of the end of a window, in tokens; the learning rate is scaled by a window's length.
    samples: average number of words in the softmax sample; 0 for the whole vocabulary.
    loss: "softmax", or "nce" for noise-contrastive estimation with `samples` noise words.
    optimizer: "adamw", "sgd", or "asgd" (NT-ASGD, Merity et al. 2017): SGD that averages its iterates once validation
        perplexity stops improving. Published AWD-LSTMs use "asgd" with learning_rate 30 and clip 0.25.
    learning_rate: peak of the schedule.
    schedule: after a linear warm-up, "cosine" decays to a twentieth of the peak, and "constant" keeps the peak, as
        averaging needs.
    warmup: optimiser steps of the warm-up.
    weight_decay: of AdamW, or the L2 penalty of SGD.
    clip: largest norm of the gradient.
    trigger_steps: optimiser steps between the measurements that may start averaging; 0 for one pass over the text.
    trigger_patience: number of latest measurements that are ignored when looking for the best.
    forget: probability that a stream starts a window from the zero state, so that the model can start anywhere.
    unknown: share of the words that occur once in the text that each pass reads as `<unk>`, so that the network learns
        where new words come; for vocabularies that leave nothing out.
    start_from: folder of a checkpoint, a run or a bundle whose weights to start from; empty for new weights. A bundle
        may have a different vocabulary and a narrower hidden state.
    word2vec: initial word table: "cbow" or "skipgram" vectors of the training text; empty for random numbers.
    seed: fixes initialisation, data order, samples and dropout.
    device: "auto", "cpu" or "cuda".
    threads: CPU threads of each process; 0 for the free cores.
    precision: "bf16" (autocast), "fp32", or "auto": bf16 if the device has instructions for it.
    checkpoint_seconds: time between checkpoints; the first comes after at most 20 seconds.
    validate_tokens: tokens of validation text per measurement.
    validate_steps: optimiser steps between measurements; 0 for one with each checkpoint.
    patience: training ends early after so many measurements without a new best; 0 for never.
    """

    tokens: int = 20_000_000
    batch: int = 128
    steps: int = 32
    jitter: float = 0.0
    samples: int = 4096
    loss: str = "softmax"
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    warmup: int = 500
    weight_decay: float = 0.01
    clip: float = 1.0
    trigger_steps: int = 0
    trigger_patience: int = 5
    forget: float = 0.02
    unknown: float = 0.0
    start_from: str = ""
    word2vec: str = ""
    seed: int = 1
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    checkpoint_seconds: float = 120.0
    validate_tokens: int = 40_000
    validate_steps: int = 0
    patience: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose from {', '.join(choices)}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("device is 'cuda', but PyTorch finds no CUDA device; choose from auto, cpu")
        for name, (low, high) in _LEGAL.items():
            value = getattr(self, name)
            if not low <= value <= high:
                legal = f"{low} or more" if high == math.inf else f"{low} to {high}"
                raise ConfigError(f"{name} is {value}; must be {legal}")
        limit = 1 if self.optimizer == "adamw" else 100
        if not 0 < self.learning_rate < limit:
            raise ConfigError(f"learning_rate is {self.learning_rate}; must be above 0 and below {limit}")
        if not self.clip > 0:
            raise ConfigError(f"clip is {self.clip}; must be above 0")

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return max(1, self.tokens // (self.batch * self.steps))

    def rate(self, step: int) -> float:
        """The learning rate of optimiser step `step`, counted from 0 (cosine: Loshchilov and Hutter 2017, eq. 5)."""
        warmup = min(self.warmup, self.total_steps // 10)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - warmup) / max(1, self.total_steps - warmup)
        return self.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
