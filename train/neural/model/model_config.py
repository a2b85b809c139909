"""The shape of a neural language model: architecture, sizes, connections between layers, head."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from foretype.runtime.errors import ConfigError

ARCHITECTURES = ("window", "rnn", "gru", "lstm", "cifg", "peephole", "mogrifier", "mingru", "maxent")
"""Fixed window (Bengio et al. 2003), simple RNN with tanh (Elman 1990), GRU (Cho et al. 2014), LSTM (Hochreiter and
Schmidhuber 1997), LSTM with input gate 1 - forget gate (Greff et al. 2017), LSTM whose gates see the cell (Gers and
Schmidhuber 2000), LSTM whose input and hidden state gate each other first (Melis et al. 2020), linear recurrence with a
gate of the input (minGRU, Feng et al. 2024), and hashed n-gram features alone, without a network (Chelba et al. 2013).
"""
CONNECTIONS = ("none", "residual", "dense", "highway")
HEADS = ("softmax", "adaptive", "classes")
_WITH_CELL = ("lstm", "cifg", "peephole", "mogrifier")


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a language model; stored with every checkpoint.

    vocab_size: number of ids, including special tokens.
    architecture: one of `ARCHITECTURES`.
    embedding_size: width of a row of the word table.
    hidden_size: width of the hidden state of each layer, which is also its output.
    cell_size: width of the cell state of LSTMs; 0 means hidden_size. If it differs from hidden_size, the cell's output
        is projected to hidden_size before it is fed back (Sak et al. 2014).
    layers: number of stacked recurrent layers.
    connections: how layers above the first are connected: "none"; "residual", a layer's input is added to its output
        (He et al. 2016); "dense", a layer reads the embedding and the outputs of all layers below, and the head reads
        the outputs of all layers (Huang et al. 2017); "highway", a gate mixes a layer's input and output (Srivastava et
        al. 2015).
    tied: use the word table as the output table (Press and Wolf 2017). Otherwise the head has its own table, as an
        adaptive head always has.
    window: number of words that a fixed-window model sees, including the latest.
    mogrifier_rounds: how often input and hidden state of a Mogrifier LSTM gate each other, in turn; the first round
        changes the input.
    mogrifier_rank: rank of the matrix of each round.
    head: "softmax"; "adaptive" for the hierarchical softmax by frequency classes of Grave et al. 2017; "classes" for a
        tree of two levels, word classes and their words (Goodman 2001).
    classes: number of word classes of the head "classes"; 0 for the square root of vocab_size.
    maxent_bits: hashed maximum-entropy n-gram features beside the network (RNNME, Mikolov et al. 2011), in a table of
        2^bits weights; 0 for none. The architecture "maxent" has only them.
    maxent_order: length of the longest n-gram feature (the feature of n = 1 is the output bias).
    maxent_skip: also use features of the words before the latest (skip-1).
    """

    vocab_size: int
    embedding_size: int = 256
    hidden_size: int = 640
    layers: int = 1
    architecture: str = "lstm"
    cell_size: int = 0
    connections: str = "none"
    tied: bool = True
    window: int = 5
    mogrifier_rounds: int = 5
    mogrifier_rank: int = 32
    head: str = "softmax"
    classes: int = 0
    maxent_bits: int = 0
    maxent_order: int = 3
    maxent_skip: bool = False

    def __post_init__(self) -> None:
        if self.architecture in ("bidirectional", "bilstm", "birnn", "bigru"):
            raise ConfigError(
                f"architecture is {self.architecture!r}: a bidirectional model also reads the words after the cursor, "
                f"which are not typed yet; choose from {', '.join(ARCHITECTURES)}"
            )
        for name, legal in (("architecture", ARCHITECTURES), ("connections", CONNECTIONS), ("head", HEADS)):
            if getattr(self, name) not in legal:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose from {', '.join(legal)}")
        for name in ("vocab_size", "embedding_size", "hidden_size", "layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; must be at least 1")
        if not 2 <= self.window <= 64:
            raise ConfigError(f"window is {self.window}; must be 2 to 64")
        if not 1 <= self.mogrifier_rounds <= 16:
            raise ConfigError(f"mogrifier_rounds is {self.mogrifier_rounds}; must be 1 to 16")
        if self.mogrifier_rank < 1:
            raise ConfigError(f"mogrifier_rank is {self.mogrifier_rank}; must be at least 1")
        if self.cell_size < 0 or (self.cell_size and not self.has_cell):
            raise ConfigError(
                f"cell_size is {self.cell_size} with architecture {self.architecture!r}; only {', '.join(_WITH_CELL)} "
                "have a cell state, of at least 1 (0 means hidden_size)"
            )
        if self.architecture == "window" and (self.layers > 1 or self.connections != "none"):
            raise ConfigError("architecture 'window' has one layer and no connections between layers")
        if not (self.maxent_bits == 0 or 10 <= self.maxent_bits <= 28):
            raise ConfigError(f"maxent_bits is {self.maxent_bits}; must be 0, or 10 to 28")
        if self.maxent_bits and 2**self.maxent_bits < 2 * self.vocab_size:
            raise ConfigError(
                f"maxent_bits is {self.maxent_bits}; 2^bits must be at least twice the vocabulary of {self.vocab_size}"
            )
        low = 3 if self.maxent_skip else 2
        if not low <= self.maxent_order <= 9:
            raise ConfigError(f"maxent_order is {self.maxent_order}; must be {low} to 9")
        if self.maxent_bits and self.head == "adaptive":
            raise ConfigError("maxent_bits needs the head 'softmax' or 'classes'")
        if self.architecture == "maxent" and not (self.maxent_bits and self.layers == 1 and self.connections == "none"):
            raise ConfigError("architecture 'maxent' needs maxent_bits of 10 to 28, one layer, and connections 'none'")
        if not 0 <= self.classes <= self.vocab_size:
            raise ConfigError(f"classes is {self.classes}; must be 0 to the vocabulary's {self.vocab_size}")
        if self.head == "adaptive" and self.vocab_size < 10:
            raise ConfigError(f"vocab_size is {self.vocab_size}; the head 'adaptive' needs at least 10")

    @property
    def has_cell(self) -> bool:
        """Whether the state has a cell part."""
        return self.architecture in _WITH_CELL

    @property
    def state_sizes(self) -> dict[str, int]:
        """The parts of the state and their widths: each is float32 [layers, batch, width].

        A fixed-window model stores the embeddings of the words before the latest in `hidden`. With hashed n-grams,
        `history` stores the last words, the same for every layer; without a network, `hidden` does.
        """
        if self.architecture == "maxent":
            return {"hidden": self.maxent_order - 1}
        window = self.architecture == "window"
        sizes = {"hidden": (self.window - 1) * self.embedding_size if window else self.hidden_size}
        if self.has_cell:
            sizes["cell"] = self.cell_size or self.hidden_size
        if self.maxent_bits:
            sizes["history"] = self.maxent_order - 1
        return sizes

    def input_size(self, layer: int) -> int:
        """Width of what `layer` reads."""
        if layer == 0:
            return self.embedding_size * (self.window if self.architecture == "window" else 1)
        if self.connections == "dense":
            return self.embedding_size + layer * self.hidden_size
        return self.hidden_size

    @property
    def feature_size(self) -> int:
        """Width of what the network hands to the head; 0 without a network."""
        return 0 if self.architecture == "maxent" else self.embedding_size

    @property
    def output_size(self) -> int:
        """Width of what the layers hand to the projection or the head."""
        if self.architecture == "maxent":
            return 0
        return self.hidden_size * (self.layers if self.connections == "dense" else 1)

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self)
