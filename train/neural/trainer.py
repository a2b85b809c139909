"""Training the neural model: teacher forcing, truncated back-propagation through time, resumable at any moment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foretype.runtime.errors import CheckpointError
from foretype.train.neural.checkpoint import (
    TRAINING,
    Progress,
    checkpoints,
    find_checkpoint,
    load_model,
    load_training,
    save_checkpoint,
)
from foretype.train.neural.layers import State
from foretype.train.neural.model import LanguageModel
from foretype.train.neural.model_config import ModelConfig
from foretype.train.neural.objective import Objective
from foretype.train.neural.train_config import TrainConfig
from foretype.train.neural.windows import Windows


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
    """Perplexity per token of `stream` under the whole softmax, read as `rows` streams side by side.

    Infinite where it is too large for a float, or the model computes no numbers any more.
    """
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
    mean = total / count
    return math.exp(mean) if mean < 700 else math.inf


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

        self.step, self.seconds, self.history = 0, 0.0, list[Mapping[str, Any]]()
        found = bool(checkpoints(run))
        if found and not resume:
            raise CheckpointError(f"{run}: already holds a run; go on with --resume, or name another folder")
        self.model = load_model(run) if found else LanguageModel(model_config)
        if not found:
            frequency = (counts + 1.0) / (counts + 1.0).sum()
            self.model.output_bias.data.copy_(frequency.log())
        self.model.to(self.device)
        self.objective = Objective(self.model, counts.to(self.device), config.samples)
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
            name = next(key for key in {**new, **old} if old.get(key) != new.get(key))
            raise CheckpointError(f"{self.run}: was started with {name} {old.get(name)}, not {new.get(name)}")
        try:
            for name, parameter in self.model.named_parameters():
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(progress.step), device=self.device),
                    "exp_avg": tensors[f"exp_avg.{name}"].to(self.device),
                    "exp_avg_sq": tensors[f"exp_avg_sq.{name}"].to(self.device),
                }
            self.state = tuple(tensors[name].to(self.device) for name in self.model.config.state_sizes)
        except KeyError as error:
            raise CheckpointError(f"{find_checkpoint(self.run) / TRAINING}: holds no tensor {error}") from error
        self.step, self.seconds, self.history = progress.step, progress.seconds, list(progress.history)

    def save(self) -> Path:
        """Write a checkpoint of where the run stands."""
        tensors: dict[str, Tensor] = dict(zip(self.model.config.state_sizes, self.state, strict=True))
        for name, parameter in self.model.named_parameters():
            moments = self.optimizer.state[parameter]
            tensors[f"exp_avg.{name}"] = moments["exp_avg"]
            tensors[f"exp_avg_sq.{name}"] = moments["exp_avg_sq"]
        progress = Progress(self.step, self.seconds, self.settings, tuple(self.history))
        return save_checkpoint(self.run, self.model, tensors, progress)

    def _forget(self, state: State, generator: torch.Generator) -> State:
        keep = torch.rand(self.config.batch, generator=generator, device=self.device) >= self.config.forget
        return tuple(part * keep[None, :, None] for part in state)

    def train_step(self) -> Tensor:
        """One optimiser step; returns the loss and the gradient norm before clipping, [2], without waiting for them."""
        config, model = self.config, self.model
        generator = torch.Generator(self.device).manual_seed(config.seed * 1_000_003 + self.step)
        tokens = torch.from_numpy(self.windows[self.step]).to(self.device, non_blocking=True)
        for group in self.optimizer.param_groups:
            group["lr"] = config.rate(self.step)
        state = self._forget(self.state, generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            features, after = model(tokens[:-1], state)
            loss = self.objective(features, tokens, generator)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.state = tuple(part.detach() for part in after)
        self.step += 1
        return torch.stack((loss.detach(), norm))

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
        measured: list[Tensor] = []
        while self.step < self.config.total_steps:
            measured.append(self.train_step())
            last = self.step == self.config.total_steps
            due = last or time.monotonic() - saved >= self.config.checkpoint_seconds
            if not (due or len(measured) >= every):
                continue
            values = torch.stack(measured).cpu()
            loss, norm = values.mean(0).tolist()
            now = time.monotonic()
            self.seconds += now - mark
            validation = self.validate() if due else None
            if not (values.isfinite().all() and math.isfinite(validation or 0.0)):
                raise CheckpointError(
                    f"{self.run}: the loss was no longer a number by step {self.step}; the last checkpoint is kept. "
                    "Start again with a lower learning rate"
                )
            size = self.config.batch * self.config.steps
            speed = len(measured) * size / (now - mark)
            rate = self.config.rate(self.step - 1)
            report = Report(self.step, self.step * size, self.seconds, loss, norm, rate, speed, validation)
            if due:
                self.history.append(asdict(report))
                self.save()
                saved = time.monotonic()
            measured.clear()
            mark = time.monotonic()
            yield report


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {k: v for name, inner in value.items() for k, v in _flat(inner, f"{prefix} {name}".strip()).items()}
