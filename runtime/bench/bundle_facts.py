"""What a measured bundle says of its model: the shape of the network, and the quality in its evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.files.decoding import decode

UNTRAINED = "untrained"
"""Key of a manifest whose network has random weights: it is there to be measured, and suggests nothing useful."""


@dataclass(frozen=True)
class Network:
    """The shape of a neural model.

    architecture: such as "lstm". layers: number of recurrent layers. hidden_size: width of the hidden state of each.
    vocab_size: number of tokens.
    """

    architecture: str
    layers: int
    hidden_size: int
    vocab_size: int

    @classmethod
    def of(cls, neural: NeuralModel) -> Network:
        """The shape of `neural`."""
        return cls(neural.metadata.architecture, neural.layers, neural.hidden_size, neural.vocab_size)


@dataclass(frozen=True)
class Quality:
    """The quality of one engine of a bundle, from the evaluation in its manifest (`foretype eval --record`).

    perplexity: per word. keystroke_savings: in percent, with three suggestions, on plain text.
    """

    perplexity: float
    keystroke_savings: float

    def __str__(self) -> str:
        return f"{self.keystroke_savings:.1f} % saved, perplexity {self.perplexity:,.0f}"


def recorded_quality(bundle: Bundle, engine: str) -> Quality | None:
    """The quality of `engine` that the manifest of `bundle` records; None if it records none."""
    try:
        mean = bundle.manifest["figures"]["evaluation"][engine]["mean"]
        figures = {"perplexity": mean["tokens"]["perplexity"], "keystroke_savings": mean["plain"]["k3"]}
        return decode(Quality, figures)
    except (KeyError, TypeError, ValueError):
        return None
