"""Training the neural model: teacher forcing, truncated back-propagation through time, resumable at any moment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foretype.runtime.errors import CheckpointError, ConfigError
from foretype.train.checkpoint import Progress, checkpoints, load_model, load_training, save_checkpoint
from foretype.train.model import LanguageModel, ModelConfig, State
from foretype.train.softmax import (
    draw_sample,
    full_cross_entropy,
    inclusion_probabilities,
    sampled_cross_entropy,
)


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

    tokens: int
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
        for name in ("tokens", "batch", "steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f"learning_rate is {self.learning_rate}; legal: above 0, below 1")

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return max(1, self.tokens // (self.batch * self.steps))

    def rate(self, step: int) -> float:
        """The learning rate of optimiser step `step`, counted from 0."""
        warmup = min(self.warmup, self.total_steps // 10)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.total_steps - warmup)
        return self.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Windows:
    """Which tokens each optimiser step sees: a pure function of the step, so that a resumed run reads on exactly.

    The stream is cut into `batch` equal rows, read side by side; each pass cuts it at another point.
    """

    def __init__(self, stream: NDArray[np.unsignedinteger], batch: int, steps: int, seed: int) -> None:
        self.stream, self.batch, self.steps, self.seed = stream, batch, steps, seed
        self.row = (len(stream) - 1) // batch
        self.per_pass = self.row // steps
        if self.per_pass < 1:
            raise ConfigError(
                f"the text has {len(stream)} tokens, too few for {batch} streams of {steps}; lower batch or steps"
            )

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        """Tokens [steps + 1, batch] of one optimiser step: inputs are all rows but the last, targets all but the first."""
        number, column = divmod(step, self.per_pass)
        offset = int(np.random.default_rng([self.seed, number]).integers(len(self.stream))) if number else 0
        starts = offset + np.arange(self.batch) * self.row + column * self.steps
        index = starts[None, :] + np.arange(self.steps + 1)[:, None]
        window: NDArray[np.int64] = self.stream[index % len(self.stream)].astype(np.int64)
        return window


@dataclass(frozen=True)
class Report:
    """One measurement: optimiser step, tokens seen, seconds of training, loss and gradient norm (means since the
    last report), learning rate, tokens/s, and validation perplexity where it was measured."""

    step: int
    tokens: int
    seconds: float
    loss: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float
    validation_perplexity: float | None = None


@torch.no_grad()
def perplexity(model: LanguageModel, stream: NDArray[np.unsignedinteger], rows: int = 16) -> float:
    """Perplexity per token of `stream` under the whole softmax, read as `rows` streams side by side."""
    rows = max(1, min(rows, len(stream) // 64))
    length = (len(stream) - 1) // rows
    device = model.output_bias.device
    starts = np.arange(rows) * length
    total, count = 0.0, 0
    state = model.zero_state(rows)
    for begin in range(0, length, 64):
        size = min(64, length - begin)
        window = stream[starts[None, :] + begin + np.arange(size + 1)[:, None]].astype(np.int64)
        tokens = torch.from_numpy(window).to(device)
        features, state = model(tokens[:-1], state)
        scores = model.logits(features).float()
        losses = torch.nn.functional.cross_entropy(scores.flatten(0, 1), tokens[1:].flatten(), reduction="sum")
        total, count = total + float(losses), count + size * rows
    return math.exp(total / count)


class Trainer:
    """A training run that lives in a folder.

    run: the folder for checkpoints. stream: training tokens. validation: tokens to measure perplexity on, or None.

    Raises CheckpointError when the folder already holds a run and `resume` is not set, or holds one with other
    settings.
    """

    def __init__(
        self,
        run: Path,
        model_config: ModelConfig,
        config: TrainConfig,
        stream: NDArray[np.unsignedinteger],
        validation: NDArray[np.unsignedinteger] | None = None,
        *,
        resume: bool = False,
    ) -> None:
        self.run, self.config, self.validation = run, config, validation
        if config.threads:
            torch.set_num_threads(config.threads)
        device = "cuda" if config.device == "auto" and torch.cuda.is_available() else config.device
        self.device = torch.device("cpu" if device == "auto" else device)
        self.windows = Windows(stream, config.batch, config.steps, config.seed)
        self.settings = {
            "model": asdict(model_config),
            "training": self._identity(config),
            "text": len(stream),
        }
        torch.manual_seed(config.seed)
        counts = torch.from_numpy(np.bincount(stream, minlength=model_config.vocab_size)).float()
        self.inclusion = inclusion_probabilities(counts, config.samples or len(counts)).to(self.device)

        self.step, self.seconds, self.history = 0, 0.0, list[dict[str, Any]]()
        found = bool(checkpoints(run))
        if found and not resume:
            raise CheckpointError(f"{run}: already holds a run; go on with --resume, or name another folder")
        self.model = load_model(run) if found else LanguageModel(model_config)
        if not found:
            frequency = (counts + 1.0) / (counts + 1.0).sum()
            self.model.output_bias.data.copy_(frequency.log())
        self.model.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.state = self.model.zero_state(config.batch)
        if found:
            self._restore()

    @staticmethod
    def _identity(config: TrainConfig) -> dict[str, Any]:
        """The settings that a resumed run must share; how long, where and how often saved may change."""
        free = {"tokens", "device", "threads", "checkpoint_seconds", "validate_tokens"}
        return {name: value for name, value in asdict(config).items() if name not in free}

    def _restore(self) -> None:
        tensors, progress = load_training(self.run)
        if dict(progress.settings) != self.settings:
            old, new = _flat(progress.settings), _flat(self.settings)
            name = next(key for key in new if old.get(key) != new[key])
            raise CheckpointError(f"{self.run}: was started with {name} {old.get(name)}, not {new[name]}")
        for name, parameter in self.model.named_parameters():
            self.optimizer.state[parameter] = {
                "step": torch.tensor(float(progress.step), device=self.device),
                "exp_avg": tensors[f"exp_avg.{name}"].to(self.device),
                "exp_avg_sq": tensors[f"exp_avg_sq.{name}"].to(self.device),
            }
        self.state = tensors["hidden"].to(self.device), tensors["cell"].to(self.device)
        self.step, self.seconds, self.history = (
            progress.step,
            progress.seconds,
            [dict(h) for h in progress.history],
        )

    def save(self) -> Path:
        """Write a checkpoint of where the run stands."""
        tensors: dict[str, Tensor] = {"hidden": self.state[0], "cell": self.state[1]}
        for name, parameter in self.model.named_parameters():
            moments = self.optimizer.state[parameter]
            tensors[f"exp_avg.{name}"] = moments["exp_avg"]
            tensors[f"exp_avg_sq.{name}"] = moments["exp_avg_sq"]
        progress = Progress(self.step, self.seconds, self.settings, tuple(self.history))
        return save_checkpoint(self.run, self.model, tensors, progress)

    def _forget(self, state: State, generator: torch.Generator) -> State:
        keep = torch.rand(self.config.batch, generator=generator, device=self.device) >= self.config.forget
        return state[0] * keep[None, :, None], state[1] * keep[None, :, None]

    def train_step(self) -> tuple[float, float]:
        """One optimiser step; returns the loss and the gradient norm before clipping."""
        config, model = self.config, self.model
        generator = torch.Generator(self.device).manual_seed(config.seed * 1_000_003 + self.step)
        tokens = torch.from_numpy(self.windows[self.step]).to(self.device, non_blocking=True)
        for group in self.optimizer.param_groups:
            group["lr"] = config.rate(self.step)
        state = self._forget(self.state, generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            features, (hidden, cell) = model(tokens[:-1], state)
            flat, targets = features.flatten(0, 1), tokens[1:].flatten()
            table, bias = model.embedding.weight, model.output_bias
            if config.samples:
                sample = draw_sample(self.inclusion, generator)
                loss = sampled_cross_entropy(flat, table, bias, targets, self.inclusion, sample)
            else:
                loss = full_cross_entropy(flat, table, bias, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.state = hidden.detach(), cell.detach()
        self.step += 1
        return loss.item(), float(norm)

    def validate(self) -> float | None:
        """Perplexity on an even sample of the validation text, or None where there is none."""
        if self.validation is None or not len(self.validation):
            return None
        wanted = min(self.config.validate_tokens, len(self.validation))
        pieces = max(1, min(16, wanted // 512))
        size = wanted // pieces
        starts = np.linspace(0, len(self.validation) - size, pieces).astype(int)
        sample = np.concatenate([self.validation[start : start + size] for start in starts])
        self.model.eval()
        value = perplexity(self.model, sample, rows=pieces)
        self.model.train()
        return value

    def fit(self, every: int = 50) -> Iterator[Report]:
        """Train to the end, yielding a report every `every` steps and with each checkpoint.

        Raises CheckpointError when the loss is no longer a number; the last checkpoint stays as it is.
        """
        mark, saved = time.monotonic(), time.monotonic()
        losses: list[float] = []
        norms: list[float] = []
        while self.step < self.config.total_steps:
            loss, norm = self.train_step()
            if not math.isfinite(loss):
                raise CheckpointError(
                    f"{self.run}: the loss became {loss} at step {self.step}; the last checkpoint is kept. "
                    "Start again from it with a lower learning rate"
                )
            losses.append(loss)
            norms.append(norm)
            last = self.step == self.config.total_steps
            due = last or time.monotonic() - saved >= self.config.checkpoint_seconds
            if not (due or len(losses) >= every):
                continue
            now = time.monotonic()
            self.seconds += now - mark
            size = self.config.batch * self.config.steps
            report = Report(
                self.step,
                self.step * size,
                self.seconds,
                sum(losses) / len(losses),
                sum(norms) / len(norms),
                self.config.rate(self.step - 1),
                len(losses) * size / (now - mark),
                self.validate() if due else None,
            )
            if due:
                self.history.append(asdict(report))
                self.save()
                saved = time.monotonic()
            losses.clear()
            norms.clear()
            mark = time.monotonic()
            yield report


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {k: v for name, inner in value.items() for k, v in _flat(inner, f"{prefix} {name}".strip()).items()}
