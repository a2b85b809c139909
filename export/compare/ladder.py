"""The ladder: the language models to compare, roughly in the order of their publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from foretype.runtime.errors import ConfigError
from foretype.train.ngrams.estimate import NgramConfig


@dataclass(frozen=True)
class Rung:
    """One model of the comparison.

    name: in the table.
    family: "n-gram", "neural", "characters", or "blend".
    ngram: of an n-gram model, how it is estimated.
    model, training: of a neural model, the settings of `ModelConfig` and `TrainConfig` that differ from the budget's.
    parts: of a blend, the names of its neural and its n-gram rung, or of all models that `every` blends. A neural rung
        with parts is stored differently.
    bits: of a weight of the step graph, 8 or 4.
    passes: over the text, as a multiple of the budget's.
    cache: whether the blend includes the cache of recent words.
    every: whether the blend interpolates all models that are compared with it.
    """

    name: str
    family: str
    ngram: NgramConfig | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] | None = None
    passes: int = 1
    cache: bool = False
    bits: int = 8
    every: bool = False

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


def _counted(name: str, **settings: Any) -> Rung:
    return Rung(name, "n-gram", ngram=NgramConfig(**settings))


def _neural(name: str, *, training: Mapping[str, Any] | None = None, passes: int = 1, **model: Any) -> Rung:
    return Rung(name, "neural", model=model, training=training or {}, passes=passes)


def _blend(name: str, neural: str, ngram: str, cache: bool = False) -> Rung:
    return Rung(name, "blend", parts=(neural, ngram), cache=cache)


_SMOOTHINGS = {
    "add-delta": "add-delta",
    "stupid backoff": "stupid-backoff",
    "Katz": "katz",
    "absolute discounting": "absolute",
    "Kneser-Ney": "kneser-ney",
    "modified Kneser-Ney": "modified-kneser-ney",
}
_PRUNED = 1_000_000
_LARGE: dict[str, Any] = {"embedding_size": 192, "hidden_size": 512}
_SLOW = {"learning_rate": 4e-3}
"""The usual learning rate is too high for a simple RNN (validation perplexity 118 instead of 85) and for hashed n-grams
(test perplexity 109 instead of 91)."""
_BY_LETTER = {"steps": 100, "samples": 0, "learning_rate": 4e-3}
_MAXENT: dict[str, Any] = {"maxent_bits": 22, "maxent_skip": True, "head": "classes"}
_SGD = {
    "samples": 0,
    "optimizer": "sgd",
    "learning_rate": 20.0,
    "batch": 16,
    "steps": 16,
    "warmup": 10,
    "weight_decay": 0.0,
    "clip": 10.0,
}
"""For max-ent models alone. After 80,000 tokens, the validation perplexity of 4-grams is 123 at a rate of 20, 127 at
10, 143 at 60, and 139 with AdamW at 0.004."""
_AWD = {
    "embedding_dropout": 0.05,
    "input_dropout": 0.1,
    "output_dropout": 0.2,
    "weight_drop": 0.2,
    "activation_penalty": 0.5,
    "temporal_penalty": 0.3,
}

# One-layer models of about 400,000 weights beside the word table, whatever the architecture.
LADDER: tuple[Rung, ...] = (
    *(_counted(f"3-gram, {name}", order=3, smoothing=value) for name, value in _SMOOTHINGS.items()),
    *(_counted(f"{n}-gram, modified Kneser-Ney", order=n) for n in (1, 2, 4, 5)),
    _counted("5-gram, modified Kneser-Ney, 1 MB by entropy", order=5, max_bytes=_PRUNED),
    _counted("5-gram, modified Kneser-Ney, 1 MB by count", order=5, max_bytes=_PRUNED, prune_by="count"),
    _counted("5-gram, Katz, 1 MB by entropy", order=5, max_bytes=_PRUNED, smoothing="katz"),
    _neural("fixed window of 5", architecture="window", hidden_size=512),
    _neural("simple RNN", architecture="rnn", hidden_size=512, training=_SLOW),
    _neural("GRU", architecture="gru", hidden_size=304),
    _neural("LSTM"),
    _neural("CIFG", architecture="cifg", hidden_size=304),
    _neural("peephole LSTM", architecture="peephole"),
    # Narrower, so that they have as many bytes as the LSTM.
    _neural("Mogrifier LSTM", architecture="mogrifier", hidden_size=224),
    _neural("minGRU, 3 layers, residual", architecture="mingru", hidden_size=264, layers=3, connections="residual"),
    _neural("phone-keyboard CIFG", architecture="cifg", embedding_size=96, hidden_size=96, cell_size=670),
    _neural("LSTM with projection", hidden_size=128, cell_size=384),
    _neural("LSTM, 2 layers", layers=2),
    _neural("LSTM, 2 layers, residual", layers=2, connections="residual"),
    _neural("LSTM, 2 layers, dense", layers=2, connections="dense"),
    _neural("LSTM, 2 layers, highway", layers=2, connections="highway"),
    _neural("LSTM, 4 layers", layers=4),
    _neural("LSTM, 4 layers, residual", layers=4, connections="residual"),
    _neural("LSTM, untied", tied=False),
    _neural("LSTM, full softmax", training={"samples": 0}),
    _neural("LSTM, adaptive softmax", head="adaptive", training={"samples": 0}),
    _neural("LSTM, word2vec CBOW", training={"word2vec": "cbow"}),
    _neural("LSTM, word2vec skip-gram", training={"word2vec": "skipgram"}),
    _neural("LSTM, AWD regularisation", training=_AWD),
    _neural("simple RNN with max-ent n-grams", architecture="rnn", hidden_size=512, maxent_bits=20, training=_SLOW),
    _neural("LSTM with max-ent n-grams", maxent_bits=20, training=_SLOW),
    _neural("LSTM, class softmax", head="classes", training={"samples": 0}),
    _neural("LSTM, noise-contrastive estimation", training={"loss": "nce"}),
    _neural("max-ent 4-grams with skip-1", architecture="maxent", maxent_order=4, training=_SGD, **_MAXENT),
    _neural("max-ent 9-grams with skip-1", architecture="maxent", maxent_order=9, training=_SGD, **_MAXENT),
    _neural(
        "simple RNN, max-ent 9-grams",
        architecture="rnn",
        hidden_size=512,
        maxent_order=9,
        training=_SLOW | {"samples": 0},
        **_MAXENT,
    ),
    _neural("LSTM, larger", **_LARGE),
    _neural("LSTM, larger, three times as long", passes=3, **_LARGE),
    Rung("LSTM, 4-bit weights", "neural", parts=("LSTM", "1-gram, modified Kneser-Ney"), bits=4),
    Rung("LSTM over characters", "characters", model={"embedding_size": 96, "hidden_size": 512}, training=_BY_LETTER),
    _blend("blend: LSTM + 5-gram 1 MB", "LSTM", "5-gram, modified Kneser-Ney, 1 MB by entropy"),
    _blend("blend: LSTM + 5-gram", "LSTM", "5-gram, modified Kneser-Ney"),
    _blend("blend: larger LSTM + 5-gram", "LSTM, larger, three times as long", "5-gram, modified Kneser-Ney"),
    _blend(
        "blend: larger LSTM + 5-gram + cache", "LSTM, larger, three times as long", "5-gram, modified Kneser-Ney", True
    ),
    Rung("blend: every model", "blend", parts=(), every=True),
)


def choose(names: list[str]) -> list[Rung]:
    """Choose the rungs whose names contain one of `names`, and the parts of blends among them; all without `names`.

    The blend of every model has the chosen single models as its parts, or all of them if none is chosen.

    Raises ConfigError for a name that matches no rung.
    """
    for name in names:
        if not any(name.lower() in rung.name.lower() for rung in LADDER):
            raise ConfigError(f"no model is called {name!r}; choose from {'; '.join(rung.name for rung in LADDER)}")
    chosen = {rung.name for rung in LADDER if not names or any(name.lower() in rung.name.lower() for name in names)}
    chosen |= {part for rung in LADDER if rung.name in chosen and rung.parts for part in rung.parts}
    singles = [rung.name for rung in LADDER if rung.parts is None and rung.family in ("n-gram", "neural")]
    blended = tuple(name for name in singles if name in chosen) or tuple(singles)
    if any(rung.every and rung.name in chosen for rung in LADDER):
        chosen.update(blended)
    return [replace(rung, parts=blended) if rung.every else rung for rung in LADDER if rung.name in chosen]
