"""Random models and direct calls of their step graphs, for the tests of the export."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import torch

from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig


def language_model(config: ModelConfig) -> LanguageModel:
    """A random model whose every tensor matters and whose scores are as spread as a trained model's, about 10."""
    torch.manual_seed(1)
    model = LanguageModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in ("embedding.weight", "output_table", "adaptive.head"):
                parameter.mul_(2)
            elif "bias" in name or name.endswith("peephole") or name == "maxent.weights":
                parameter.add_(torch.randn_like(parameter) * 0.3)
        model.output_bias.mul_(5)
        for head in (model.adaptive, model.classes):
            if head is not None:
                head.sort(torch.rand(config.vocab_size))
        if model.classes is not None:
            torch.nn.init.normal_(model.classes.table, std=0.2)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()


class StepGraph:
    """A step graph in ONNX Runtime, called without the engine between."""

    def __init__(self, graph: onnx.ModelProto) -> None:
        self.session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        self._parts = [value.name for value in self.session.get_inputs()][1:]

    def feed(self, ids: np.ndarray, state: tuple[np.ndarray, ...]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """One call: `ids` [batch, steps] -> logits [batch, vocab] and the state after."""
        outputs = ["logits", *(f"{part}_out" for part in self._parts)]
        inputs = {"input_ids": ids, **dict(zip(self._parts, state, strict=True))}
        logits, *after = self.session.run(outputs, inputs)
        return logits, tuple(after)

    def feed_one_by_one(
        self, ids: np.ndarray, state: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The same, one step a call."""
        for step in range(ids.shape[1]):
            logits, state = self.feed(ids[:, step : step + 1], state)
        return logits, state


def random_state(config: ModelConfig, batch: int) -> tuple[torch.Tensor, ...]:
    """A state as text might leave it: parts in -0.5 .. 0.5, and words in the history, the same for all layers."""
    state = []
    for part, size in config.state_sizes.items():
        if part == "history" or config.architecture == "maxent":
            state.append(torch.randint(config.vocab_size + 1, (1, batch, size)).float().repeat(config.layers, 1, 1))
        else:
            state.append(torch.rand(config.layers, batch, size) - 0.5)
    return tuple(state)
