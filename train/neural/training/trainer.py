"""Trains the neural model with truncated back-propagation through time; training can be stopped and resumed."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foretype.runtime.errors import CheckpointError, ConfigError
from foretype.runtime.text.vocabulary import UNKNOWN_ID
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.layers import State
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.model.regularisation import Noise
from foretype.train.neural.training.checkpoint import (
    TRAINING,
    Progress,
    checkpoints,
    find_checkpoint,
    load_model,
    load_training,
    load_weights,
    save_best,
    save_checkpoint,
)
from foretype.train.neural.training.objective import Objective
from foretype.train.neural.training.optimisation import Optimiser
from foretype.train.neural.training.processes import Processes, free_cores, join
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.windows import Windows, words_seen_once
from foretype.train.neural.training.word2vec import word2vec_vectors

_FIRST_SECONDS = 20.0
_SHOWN_SECONDS = 2.0


@dataclass(frozen=True)
class Report:
    """One measurement.

    step: optimiser steps done. tokens: tokens trained on. seconds: of training.
    loss, gradient_norm: means since the last report; the norm is taken before clipping.
    tokens_per_second: of all processes. perplexity: exp(loss).
    validation_perplexity: None if it was not measured.
    """

    step: int
    tokens: int
    seconds: float
    loss: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float
    perplexity: float
    validation_perplexity: float | None = None


@torch.no_grad()
def perplexity(model: LanguageModel, stream: NDArray[np.unsignedinteger], rows: int = 16) -> float:
    """Return the perplexity per token of `stream` under the whole softmax, read as `rows` parallel streams.

    It is infinite if it is too large for a float, or if the model's scores are not finite.
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
    return _exp(total / count)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


class _Step(nn.Module):
    """The forward pass of a step, as a module that DistributedDataParallel can wrap.

    It includes the loss, because that uses parameters that the model's own forward pass does not use.
    """

    def __init__(self, model: LanguageModel, objective: Objective) -> None:
        super().__init__()
        self.model, self._objective = model, objective

    def forward(
        self, tokens: Tensor, state: State, noise: Noise, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, State]:
        """Return the loss with penalties, the loss alone, and the state after `tokens` [steps + 1, streams]."""
        features, after = self.model(tokens[:-1], state, noise)
        loss = self._objective(features, tokens, generator)
        whole = loss if noise.penalty is None else loss + noise.penalty
        return whole, loss.detach(), tuple(part.detach() for part in after)


class Trainer:
    """A training run in a folder; under `torchrun`, this process's part of it.

    run: the folder for checkpoints. stream: training tokens. validation: tokens to measure perplexity on, or None.

    Several processes divide the streams of a batch, and together compute what one would. They need the same files; the
    first one writes.

    Raises CheckpointError if the folder holds a run and `resume` is not set, or a run with other settings; ConfigError
    if the settings do not fit the model, the text or the number of processes.
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
        processes: Processes | None = None,
    ) -> None:
        self.run, self.config, self.validation = run, config, validation
        self.processes = processes or join()
        if config.threads or self.processes.count == 1:
            torch.set_num_threads(config.threads or free_cores())
        self.device = self.processes.device(config.device)
        self._bf16 = config.precision == "bf16" or (config.precision == "auto" and _computes_bf16(self.device))
        if self._bf16 and self.device.type == "cpu" and not can_use_bf16():
            raise ConfigError("precision is 'bf16'; PyTorch needs AVX-512 for it, which this CPU lacks: choose fp32")
        self.windows = Windows(stream, config.batch, config.steps, config.seed, config.jitter, config.unknown)
        self._columns = self.processes.columns(config.batch)
        if config.weight_drop and model_config.architecture in ("window", "mingru"):
            without = f"{model_config.architecture!r} has no recurrent weights"
            raise ConfigError(f"weight_drop is {config.weight_drop}; must be 0: {without}")
        if config.optimizer == "asgd" and (validation is None or not len(validation)):
            raise ConfigError("optimizer is 'asgd', which needs validation text; choose from adamw, sgd")
        self.settings = {
            "model": asdict(model_config),
            "training": self._identity(config),
            "text": len(stream),
        }
        torch.manual_seed(config.seed)
        counts = torch.from_numpy(np.bincount(stream, minlength=model_config.vocab_size)).float()
        if config.unknown:
            once = words_seen_once(stream)
            counts[: len(once)][once] = 1 - config.unknown
            counts[UNKNOWN_ID] += config.unknown * int(once.sum())

        self.stopping = False
        self.step, self.seconds, self.history = 0, 0.0, list[Mapping[str, Any]]()
        found = bool(checkpoints(run))
        if found != bool(self.processes.agree(found)):
            raise CheckpointError(f"{run}: only some processes find checkpoints here; give all the same folder")
        if found and not resume:
            raise CheckpointError(f"{run}: already holds a run; add --resume, or name another folder")
        self.model = load_model(run) if found else LanguageModel(model_config)
        if not found:
            self.model.set_frequencies(counts)
            if config.start_from:
                load_weights(self.model, Path(config.start_from))
            elif config.word2vec:
                size, width = model_config.vocab_size, model_config.embedding_size
                vectors = word2vec_vectors(stream, size, width, config.word2vec, config.seed)
                self.model.embedding.weight.data.copy_(torch.from_numpy(vectors))
        self.model.to(self.device)
        self.objective = Objective(self.model, counts.to(self.device), config.samples, config.loss)
        self.optimiser = Optimiser(self.model, config)
        self._compute = self.processes.parallel(_Step(self.model, self.objective))
        self.state = self.model.zero_state(self._columns.stop - self._columns.start)
        if found:
            self._restore()

    @staticmethod
    def _identity(config: TrainConfig) -> dict[str, Any]:
        """The settings that must stay the same in a resumed run; length, device and intervals may change."""
        free = {"tokens", "device", "threads", "checkpoint_seconds", "validate_tokens", "validate_steps", "patience"}
        return {name: value for name, value in asdict(config).items() if name not in free}

    def _restore(self) -> None:
        tensors, progress = load_training(self.run)
        before = dict(progress.settings)
        # A setting that is newer than the run has its default.
        before["model"] = asdict(self.model.config)
        before["training"] = {**self._identity(TrainConfig(device="cpu")), **before["training"]}
        if before != self.settings:
            old, new = _flat(before), _flat(self.settings)
            name = next(key for key in {**new, **old} if old.get(key) != new.get(key))
            raise CheckpointError(f"{self.run}: was started with {name} {old.get(name)}, not {new.get(name)}")
        try:
            self.optimiser.restore(tensors, progress.step)
            sizes = self.model.config.state_sizes
            self.state = tuple(tensors[name][:, self._columns].to(self.device) for name in sizes)
        except KeyError as error:
            raise CheckpointError(f"{find_checkpoint(self.run) / TRAINING}: tensor {error} is missing") from error
        self.step, self.seconds, self.history = progress.step, progress.seconds, list(progress.history)

    def save(self) -> None:
        """Write a checkpoint of the current step."""
        state = [self.processes.gather(part) for part in self.state]
        if self.processes.leads:
            tensors = dict(zip(self.model.config.state_sizes, state, strict=True)) | self.optimiser.tensors()
            progress = Progress(self.step, self.seconds, self.settings, tuple(self.history))
            with self.optimiser.averaged():
                save_checkpoint(self.run, self.model, tensors, progress)
        self.processes.wait()

    def _forget(self, state: State, generator: torch.Generator) -> State:
        draws = torch.rand(self.config.batch, generator=generator, device=self.device)
        keep = (draws >= self.config.forget)[self._columns]
        return tuple(part * keep[None, :, None] for part in state)

    def train_step(self) -> Tensor:
        """Do one optimiser step; return the loss and the gradient norm before clipping, [2], without waiting for them.

        The loss is the mean over this process's streams.
        """
        config, columns = self.config, self._columns
        generator = torch.Generator(self.device).manual_seed(config.seed * 1_000_003 + self.step)
        tokens = torch.from_numpy(self.windows[self.step][:, columns]).to(self.device, non_blocking=True)
        state = self._forget(self.state, generator)
        noise = Noise(config, generator, config.batch, columns)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            whole, loss, self.state = self._compute(tokens, state, noise, generator)
        whole.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        # Scale by the window's length, so that every token has the same weight (Merity et al. 2017, section 4.1).
        self.optimiser.step(config.rate(self.step) * (len(tokens) - 1) / config.steps)
        self.step += 1
        if self.optimiser.waits and self.step % (config.trigger_steps or self.windows.per_pass) == 0:
            self.optimiser.watch(self.validate() or 0.0)
        return torch.stack((loss, norm))

    def validate(self) -> float | None:
        """Measure perplexity on an even sample of the validation text, with averaged weights if there are any.

        Returns None without validation text.
        """
        if self.validation is None or not len(self.validation):
            return None
        wanted = min(self.config.validate_tokens, len(self.validation))
        pieces = max(1, min(16, wanted // 512))
        size = wanted // pieces
        starts = np.linspace(0, len(self.validation) - size, pieces).astype(int)
        sample = np.concatenate([self.validation[start : start + size] for start in starts])
        value = 0.0
        if self.processes.leads:
            self.model.eval()
            with self.optimiser.averaged():
                value = perplexity(self.model, sample, rows=pieces)
            self.model.train()
        return self.processes.agree(value)

    def _refuse(self, values: Tensor, validation: float | None) -> None:
        """Raise CheckpointError if training has diverged.

        That is if the loss is not finite, twice the loss of a uniform guess, or above that of a uniform guess and three
        times the best so far. values: [steps, 2], from `train_step`.
        """
        loss, validation_loss = float(values[:, 0].mean()), math.log(validation or 1.0)
        guess = math.log(self.model.config.vocab_size)
        best = min((entry["loss"] for entry in self.history), default=math.inf)
        worst = max(loss, validation_loss)
        if not (values.isfinite().all() and math.isfinite(validation_loss)):
            what = "loss or its gradient was not finite"
        elif worst > 2 * guess or loss > max(guess, 3 * best):
            what = f"loss had risen to {worst:.2f} (a uniform guess has {guess:.2f})"
        else:
            return
        raise CheckpointError(
            f"{self.run}: the {what} at step {self.step}. The last checkpoint is kept; "
            "start again with a lower learning rate"
        )

    def best(self) -> Mapping[str, Any] | None:
        """The report with the lowest validation perplexity so far, or None if it was never measured."""
        measured = [entry for entry in self.history if entry["validation_perplexity"] is not None]
        return min(measured, key=lambda entry: entry["validation_perplexity"], default=None)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or `patience` measurements brought no new best."""
        if self.step >= self.config.total_steps:
            return True
        best, patience = self.best(), self.config.patience
        after = [entry for entry in self.history if best is not None and entry["step"] > best["step"]]
        return bool(patience) and len(after) >= patience

    def _measure(self, report: Report) -> None:
        """Add `report` to the history, and keep the weights if they are the best so far."""
        before = self.best()
        self.history.append(asdict(report))
        value = report.validation_perplexity
        better = value is not None and (before is None or value < before["validation_perplexity"])
        if better and self.processes.leads:
            with self.optimiser.averaged():
                save_best(self.run, self.model, self.step)

    def _measure_start(self) -> None:
        """Measure the weights that training starts from, so that it never ends with worse ones."""
        if self.step == 0 and self.config.start_from and self.config.validate_steps and not self.history:
            validation = self.validate()
            if validation is not None:
                self._measure(Report(0, 0, 0.0, math.log(validation), 0.0, 0.0, 0.0, validation, validation))

    def fit(self, every: int = 50) -> Iterator[Report]:
        """Train to the end; yield a report every `every` steps or 2 seconds, and with each measurement.

        Set `stopping`, also from a signal handler, to end training after the next step, with a checkpoint.

        Raises CheckpointError if training diverges; the last checkpoint stays as it is.
        """
        self._measure_start()
        mark, saved = time.monotonic(), time.monotonic()
        measured: list[Tensor] = []
        first = self.step == 0
        between = self.config.validate_steps
        while not self.finished:
            measured.append(self.train_step())
            now = time.monotonic()
            last = self.step == self.config.total_steps
            wait = min(self.config.checkpoint_seconds, _FIRST_SECONDS if first else math.inf)
            due, shown, stopping = self._decide(now - saved >= wait, now - mark >= _SHOWN_SECONDS, self.stopping)
            measures = last or (self.step % between == 0 if between else due)
            due |= last or stopping
            if not (due or measures or shown or len(measured) >= every):
                continue
            values = self.processes.mean(torch.stack(measured)).cpu()
            loss, norm = values.mean(0).tolist()
            now = time.monotonic()
            self.seconds += now - mark
            validation = self.validate() if measures else None
            self._refuse(values, validation)
            size = self.config.batch * self.config.steps
            speed = len(measured) * size / (now - mark)
            rate = self.config.rate(self.step - 1)
            tokens = self.step * size
            report = Report(self.step, tokens, self.seconds, loss, norm, rate, speed, _exp(loss), validation)
            if measures:
                self._measure(report)
            if due or self.finished:
                self.save()
                saved, first = time.monotonic(), False
            measured.clear()
            mark = time.monotonic()
            yield report
            if stopping:
                return

    def _decide(self, *choices: bool) -> tuple[bool, ...]:
        """The leader's `choices`, which depend on the clock or on a signal."""
        value = int(self.processes.agree(sum(choice << place for place, choice in enumerate(choices))))
        return tuple(bool(value >> place & 1) for place in range(len(choices)))


def can_use_bf16() -> bool:
    """Whether PyTorch can run a layer in bfloat16 on this CPU, quickly or not."""
    return platform.machine() not in ("x86_64", "AMD64") or torch.cpu._is_avx512_supported()


def _computes_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; without them it is slower than float32."""
    cpu = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else cpu


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {k: v for name, inner in value.items() for k, v in _flat(inner, f"{prefix} {name}".strip()).items()}
