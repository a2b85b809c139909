"""A step graph under construction, and everything that its parts share."""

from __future__ import annotations

from foretype.export.graph.builder import Arithmetic, Builder
from foretype.export.graph.weights import Weights
from foretype.train.neural.model.language_model import LanguageModel


class Assembly:
    """The nodes added so far, the weights that remain, and the arithmetic that stores them."""

    def __init__(self, model: LanguageModel, arithmetic: Arithmetic) -> None:
        self.model, self.config = model, model.config
        self.weights = Weights(model)
        self.arithmetic = arithmetic
        self.builder = Builder()

    @property
    def recurrent_sizes(self) -> dict[str, int]:
        """The parts of the state that belong to the layers, and their widths."""
        return {part: size for part, size in self.config.state_sizes.items() if part != self.words_part}

    @property
    def words_part(self) -> str:
        """The part of the state that stores the last words for hashed n-grams; empty if there are none."""
        if not self.config.maxent_bits:
            return ""
        return "hidden" if self.config.architecture == "maxent" else "history"

    def linear(self, name: str, tensor: str, rows: int, width: int, values: str) -> str:
        """Add the `torch.nn.Linear` whose tensors are `tensor`.weight and .bias: [..., width] -> [..., rows]."""
        matrix = self.arithmetic.store(self.builder, name, self.weights.take(f"{tensor}.weight", rows, width))
        bias = self.builder.constant(f"{name}_bias", self.weights.take(f"{tensor}.bias", rows))
        return self.arithmetic.multiply(self.builder, matrix, values, bias)
