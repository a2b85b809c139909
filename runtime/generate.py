"""Samples text from a model, and writes its tokens with normal spacing and capitals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import softmax
from foretype.runtime.errors import ConfigError
from foretype.runtime.model import Model
from foretype.runtime.suggesting.casing import written
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, LINK_ID, NUMBER_ID, UNKNOWN_ID

_CONTEXT_TOKENS = 256
_NO_SPACE_AFTER = frozenset("([{#$@/-'\u2018\u201c")
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%/-'\u2019\u201d…")


@dataclass(frozen=True)
class SamplingConfig:
    """Settings for sampling text.

    tokens: maximum number of tokens. temperature: below 1 is less random, above 1 more random; 0 always takes the best
    token. top_k: sample only from the k best tokens, 0 for all. top_p: sample only from the best tokens that together
    reach this probability (nucleus sampling, Holtzman et al. 2020). seed: makes the text reproducible; None gives a
    different text each time.
    """

    tokens: int = 100
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 0.95
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise ConfigError(f"tokens is {self.tokens}; it must be at least 1")
        if not 0.0 <= self.temperature <= 10.0:
            raise ConfigError(f"temperature is {self.temperature}; expected 0 to 10")
        if self.top_k < 0:
            raise ConfigError(f"top_k is {self.top_k}; expected 0 (all) or more")
        if self.seed is not None and self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; expected 0 or more")
        if not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top_p is {self.top_p}; expected above 0, at most 1")


def sample_token(probabilities: NDArray[np.float32], config: SamplingConfig, draw: np.random.Generator) -> int:
    """Sample one token id, applying temperature, top-k and top-p in this order."""
    if config.temperature == 0.0:
        return int(probabilities.argmax())
    scores = np.log(np.maximum(probabilities.astype(np.float64), 1e-300)) / config.temperature
    order = np.argsort(-scores, kind="stable")
    if config.top_k:
        order = order[: config.top_k]
    shares = np.exp(scores[order] - scores[order[0]])
    shares /= shares.sum()
    kept = int(np.searchsorted(np.cumsum(shares), config.top_p)) + 1
    shares = shares[:kept] / shares[:kept].sum()
    return int(draw.choice(order[:kept], p=shares))


def generate(model: Model, prompt: str = "", config: SamplingConfig | None = None) -> Iterator[str]:
    """Yield pieces of text that continue `prompt`, until the model ends the document or `config.tokens` is reached.

    Never samples numbers, links and unknown words, because the model knows them only as classes. Only the neural model
    can end a document; the n-gram model alone never does, because it knows only single lines.
    """
    config = config or SamplingConfig()
    draw = np.random.default_rng(config.seed)
    predictor, rule = model.predictor(), model.form.rule
    context = ContextReader(model.form).read(prompt if not prompt or prompt[-1].isspace() else prompt + " ")
    path, starts = context.ids, context.starts_sentence
    space = bool(prompt) and not prompt[-1].isspace()
    quoted = False
    for _ in range(config.tokens):
        parts = predictor.parts(path)
        if path[-1] == LINE_END_ID and parts[0] is not None and draw.random() < softmax(parts[0])[DOCUMENT_START_ID]:
            return
        probabilities = predictor.mix(parts, 0)
        probabilities[[UNKNOWN_ID, NUMBER_ID, LINK_ID, DOCUMENT_START_ID]] = 0.0
        if path[-1] in (LINE_END_ID, DOCUMENT_START_ID):
            probabilities[LINE_END_ID] = 0.0
        token = sample_token(probabilities, config, draw)
        path = (*path, token) if len(path) < 2 * _CONTEXT_TOKENS else (*path[-_CONTEXT_TOKENS:], token)
        if token == LINE_END_ID:
            starts, space, quoted = True, False, False
            yield "\n"
            continue
        piece = model.vocabulary.tokens[token]
        word = token >= model.vocabulary.first_word
        closes = piece in _NO_SPACE_BEFORE or (piece == '"' and quoted)
        yield (" " if space and not closes else "") + (written(piece, "", starts) if word else piece)
        space = piece not in _NO_SPACE_AFTER and not (piece == '"' and not quoted)
        quoted ^= piece == '"'
        starts = rule.starts_after(piece, starts)
