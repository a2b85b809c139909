"""Compares the speed of training with that of plain tutorial-style loops, on this machine."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.neural.training.windows import Windows


class _Plain(nn.Module):
    """Embedding, LSTM, linear layer to the vocabulary.

    narrow: project the LSTM's output to the width of the embeddings and tie the tables, like `LanguageModel`.
    """

    def __init__(self, shape: ModelConfig, narrow: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab_size, shape.embedding_size)
        self.lstm = nn.LSTM(shape.embedding_size, shape.hidden_size, shape.layers)
        self.projection = nn.Linear(shape.hidden_size, shape.embedding_size) if narrow else nn.Identity()
        self.output = nn.Linear(shape.embedding_size if narrow else shape.hidden_size, shape.vocab_size)
        if narrow:
            self.output.weight = self.embedding.weight

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Scores [steps, batch, vocab] after each of `ids` [steps, batch], and the state."""
        values, state = self.lstm(self.embedding(ids), state)
        return self.output(self.projection(values)), state


def _plain_step(shape: ModelConfig, config: TrainConfig, windows: Windows, narrow: bool) -> Callable[[], object]:
    """Return a function that trains the plain model by one step: float32, whole softmax, Adam, clipped gradients."""
    model = _Plain(shape, narrow)
    optimizer = torch.optim.Adam(model.parameters(), config.learning_rate)
    state: tuple[Tensor, Tensor] | None = None
    number = 0

    def step() -> None:
        nonlocal state, number
        tokens = torch.from_numpy(windows[number])
        scores, state = model(tokens[:-1], state)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), tokens[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        state, number = (state[0].detach(), state[1].detach()), number + 1

    return step


def _zipf(vocab_size: int, tokens: int) -> NDArray[np.uint32]:
    """Draw words with the frequencies of natural language: the probability of the r-th is about 1 / r."""
    chances = 1 / np.arange(1, vocab_size + 1)
    drawn = np.random.default_rng(0).choice(vocab_size, tokens, p=chances / chances.sum())
    return drawn.astype(np.uint32)


def measure(
    *,
    model: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    trials: int = 5,
    progress: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Measure tokens/s on the CPU, of `Trainer` and of plain loops of the same sizes, on words of natural frequencies.

    model, training: settings of `ModelConfig` and `TrainConfig`. The defaults are an LSTM with 30,000 words, embeddings
        of 256 and hidden states of 640, and the defaults of training (batches of 128 x 32).
    trials: number of measurements of each, by turns, so that other work on the machine affects all alike.

    Returns {"model", "training", "threads", "trials": the settings; "tokens_per_second": {"foretype", "plain",
    "plain_narrow": one value for each trial}; "ratio": {"plain", "plain_narrow": {"median", "lowest", "highest"} of
    foretype's tokens/s divided by theirs in the same trial}}. "plain" is embedding, LSTM, linear layer, cross-entropy
    and Adam in float32; "plain_narrow" also has our model's projection and tied table, so that only the training
    differs.

    Raises ConfigError for an invalid setting.
    """
    shape = ModelConfig(**{"vocab_size": 30_000, **(model or {})})
    config = TrainConfig(**{"checkpoint_seconds": 1e9, **(training or {}), "device": "cpu", "tokens": 10**12})
    size = config.batch * config.steps
    stream = _zipf(shape.vocab_size, 20 * size)
    windows = Windows(stream, config.batch, config.steps, config.seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(Path(folder) / "run", shape, config, stream)
        steps: dict[str, tuple[Callable[[], object], int]] = {
            "foretype": (trainer.train_step, 4),
            "plain": (_plain_step(shape, config, windows, narrow=False), 1),
            "plain_narrow": (_plain_step(shape, config, windows, narrow=True), 1),
        }
        speeds: dict[str, list[float]] = {name: [] for name in steps}
        for trial in range(-1, trials):  # The first round warms up.
            for name, (step, repeat) in steps.items():
                begin = time.perf_counter()
                for _ in range(repeat):
                    step()
                speed = repeat * size / (time.perf_counter() - begin)
                progress(f"{name}: {speed:,.0f} tokens/s" + (" (warming up)" if trial < 0 else ""))
                if trial >= 0:
                    speeds[name].append(speed)
    return {
        "model": shape.to_json(),
        "training": {name: getattr(config, name) for name in ("batch", "steps", "samples", "precision")},
        "threads": torch.get_num_threads(),
        "trials": trials,
        "tokens_per_second": speeds,
        "ratio": {name: _spread(speeds["foretype"], speeds[name]) for name in ("plain", "plain_narrow")},
    }


def _spread(ours: list[float], theirs: list[float]) -> dict[str, float]:
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
