"""Verifies a step graph: it and its checkpoint read the same real text, and their scores are compared.

The graph runs as in the runtime, in ONNX Runtime, one token at a time. The checkpoint runs in PyTorch in float32.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from foretype.export.graph.builder import FloatArray
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import ExportError
from foretype.train.neural.model.language_model import LanguageModel

PIECE = 100
"""Tokens read at one place of the text: 100 rows of 30,000 float32 scores are 12 MB."""

STEPPED = 64
"""Tokens to feed both at once and one at a time."""


@dataclass(frozen=True)
class Limits:
    """What a graph must reach to be exported.

    top3_agreement: smallest share of positions at which both have the same set of three best tokens.
    perplexity_difference: largest relative change of the perplexity.
    stepping_difference: largest difference of a score between tokens fed at once and one at a time.
    """

    top3_agreement: float
    perplexity_difference: float
    stepping_difference: float


LIMITS = {
    "float32": Limits(top3_agreement=0.999, perplexity_difference=1e-4, stepping_difference=1e-4),
    "int8": Limits(top3_agreement=0.85, perplexity_difference=5e-3, stepping_difference=0.1),
    "int4": Limits(top3_agreement=0.3, perplexity_difference=0.15, stepping_difference=0.1),
}
"""The limits for each precision. The cost of int8 shows in the perplexity: where sets of three differ, two words are
about equally good (91.8 and 96.8 % of agreement save equally many keystrokes; see docs/performance.md).
4 bits are a choice of bytes over quality: their limits only catch a wrong graph."""


@dataclass(frozen=True)
class Verification:
    """The figures of a verification; `check` compares them with the limits.

    precision: the graph's, "float32", "int8" or "int4".
    positions: number of tokens after which scores were compared.
    top1_agreement: share of positions with the same best token.
    top3_agreement: share of positions with the same set of three best tokens.
    largest_logit_error: largest difference of a score, over all positions and tokens.
    checkpoint_perplexity: of the checkpoint, per token, special tokens included.
    graph_perplexity: of the graph, over the same tokens.
    stepping_difference: largest difference of a score between tokens fed at once and one at a time.
    """

    precision: str
    positions: int
    top1_agreement: float
    top3_agreement: float
    largest_logit_error: float
    checkpoint_perplexity: float
    graph_perplexity: float
    stepping_difference: float

    @property
    def perplexity_difference(self) -> float:
        """The change of perplexity relative to the checkpoint's: 0.004 is 0.4 % worse, below zero is better."""
        return self.graph_perplexity / self.checkpoint_perplexity - 1

    def to_json(self) -> dict[str, float | int | str]:
        """All figures as plain JSON values."""
        return {**asdict(self), "perplexity_difference": self.perplexity_difference}

    def check(self, limits: Limits | None = None) -> None:
        """Raise ExportError, naming figure and limit, unless all figures are within the limits of the precision."""
        limits = limits or LIMITS[self.precision]
        # Each condition states what must hold, so that NaN fails.
        if not self.top3_agreement >= limits.top3_agreement:
            raise ExportError(
                f"verification failed: top-3 agreement is {self.top3_agreement:.2%}; "
                f"must be at least {limits.top3_agreement:.2%}"
            )
        if not abs(self.perplexity_difference) <= limits.perplexity_difference:
            raise ExportError(
                f"verification failed: perplexity changes by {self.perplexity_difference:+.3%} "
                f"({self.checkpoint_perplexity:.2f} to {self.graph_perplexity:.2f}); "
                f"must be at most {limits.perplexity_difference:.3%}"
            )
        if not self.stepping_difference <= limits.stepping_difference:
            raise ExportError(
                f"verification failed: tokens fed at once and one at a time differ by "
                f"{self.stepping_difference:.2g}; must be at most {limits.stepping_difference:.2g}"
            )


def verify(
    model: LanguageModel,
    graph: str | os.PathLike[str],
    ids: NDArray[np.integer],
    *,
    positions: int = 10_000,
) -> Verification:
    """Compare a step graph with its checkpoint on real text.

    model: the model that the graph was built from, in float32 on the CPU.
    graph: path of `step.onnx`.
    ids: token ids of running text [n].
    positions: about how many of them to read, in pieces spread evenly over the text, each from the zero state.

    Raises EngineError if the graph cannot be loaded, ExportError if the text is too short or has ids outside the
    vocabulary.
    """
    vocab_size = model.config.vocab_size
    if len(ids) < 2:
        raise ExportError(f"verification needs at least 2 tokens of text, got {len(ids)}")
    if ids.min() < 0 or ids.max() >= vocab_size:
        raise ExportError(f"the text has token ids {ids.min()} to {ids.max()}; must be 0 to {vocab_size - 1}")
    neural = NeuralModel.open(graph)
    if neural.vocab_size != vocab_size:
        raise ExportError(f"{graph}: has {neural.vocab_size} words; the checkpoint has {vocab_size}")
    count = top1 = top3 = 0
    error = reference_loss = loss = 0.0
    for piece in _pieces(ids, positions):
        state = neural.initial_state()
        for token, target, reference in zip(piece, piece[1:], _reference_logits(model, piece), strict=False):
            logits, state = neural.run([token], state)
            best, reference_best = _three_best(logits), _three_best(reference)
            count += 1
            top1 += best[0] == reference_best[0]
            top3 += set(best) == set(reference_best)
            error = max(error, float(np.abs(logits - reference).max()))
            loss += _loss(logits, target)
            reference_loss += _loss(reference, target)
    return Verification(
        precision=neural.metadata.precision,
        positions=count,
        top1_agreement=top1 / count,
        top3_agreement=top3 / count,
        largest_logit_error=error,
        checkpoint_perplexity=_perplexity(reference_loss / count),
        graph_perplexity=_perplexity(loss / count),
        stepping_difference=stepping_difference(neural, piece[:STEPPED]),
    )


def stepping_difference(neural: NeuralModel, ids: list[int]) -> float:
    """Return the largest difference of a score between `ids` fed in one call and one at a time."""
    at_once, _ = neural.run(ids, neural.initial_state())
    state = neural.initial_state()
    for token in ids:
        stepped, state = neural.run([token], state)
    return float(np.abs(at_once - stepped).max())


def _pieces(ids: NDArray[np.integer], positions: int) -> list[list[int]]:
    """Choose pieces of text, spread evenly, with about `positions` tokens in all besides the last of each."""
    size = min(PIECE, positions, len(ids) - 1)
    count = max(1, min(positions, len(ids) - 1) // size)
    starts = np.linspace(0, len(ids) - 1 - size, count).astype(int)
    return [ids[start : start + size + 1].tolist() for start in starts]


def _reference_logits(model: LanguageModel, piece: list[int]) -> FloatArray:
    """Return the checkpoint's scores after each token of `piece` except the last, float32 [n - 1, vocab]."""
    with torch.no_grad():
        features, _ = model(torch.tensor(piece[:-1])[:, None], model.zero_state(batch=1))
        scores: FloatArray = model.logits(features[:, 0]).numpy()
    return scores


def _three_best(logits: FloatArray) -> list[int]:
    """Return the ids of the three highest scores, best first (fewer if the vocabulary is smaller)."""
    best = np.argpartition(logits, -3)[-3:] if len(logits) > 3 else np.arange(len(logits))
    return [int(index) for index in best[np.argsort(-logits[best], kind="stable")]]


def _loss(logits: FloatArray, target: int) -> float:
    """Return the negative natural logarithm of the probability of `target` under `logits`."""
    highest = logits.max()
    return float(highest - logits[target]) + math.log(np.exp(logits - highest).sum(dtype=np.float64))


def _perplexity(mean_loss: float) -> float:
    """Return the perplexity of a mean loss in nats; infinite if the loss is NaN or too large for a float."""
    return math.exp(mean_loss) if mean_loss < 700 else math.inf
