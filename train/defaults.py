"""Chooses the settings of a run from measured facts of its text, from 50 kB to gigabytes.

`docs/training.md` shows the texts that the rule was fitted to and checked on, and the command that measures them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foretype.runtime.engines.ngram import MAX_ORDER
from foretype.runtime.text.vocabulary import fold

_SAMPLE = (500, 4096)
"""Bounds of the softmax sample on a CPU, an eighth of the vocabulary: as good as the whole softmax, in half the time
even with 2,000 words (docs/training.md)."""
_MEASUREMENTS_PER_PASS = 4


@dataclass(frozen=True)
class TextFacts:
    """What the settings follow from.

    tokens: running words, marks and line ends of the training text. kinds: different words and marks, without regard to
    case. repeated: those that occur more than once.
    """

    tokens: int
    kinds: int
    repeated: int

    @classmethod
    def of(cls, counts: Mapping[str, float]) -> TextFacts:
        """The facts of a text in which each piece occurs so often."""
        kinds: dict[str, float] = {}
        for piece, count in counts.items():
            key = fold(piece)
            kinds[key] = kinds.get(key, 0.0) + count
        return cls(int(sum(kinds.values())), len(kinds), sum(count > 1 for count in kinds.values()))


def _between(facts: TextFacts, *points: tuple[float, float]) -> float:
    """Interpolate between `points` (tokens, value) by the logarithm of the number of tokens."""
    (left, value), *rest = points
    for right, following in rest:
        if facts.tokens <= right:
            share = max(0.0, math.log(max(1, facts.tokens) / left) / math.log(right / left))
            return value + share * (following - value)
        left, value = right, following
    return value


def _rounded(value: float, multiple: int) -> int:
    return max(multiple, round(value / multiple) * multiple)


def default_settings(facts: TextFacts, *, cuda: bool = False, known: int = 0) -> dict[str, Any]:
    """Return the tables of a recipe for a text with these facts.

    cuda: whether a GPU trains the neural model. known: words of the bundle whose vocabulary is extended.
    """
    small = facts.tokens < 1_000_000
    # A word that occurs once is worth suggesting where there is little else to suggest.
    minimum_count = 1 if small else 2 if facts.tokens < 100_000_000 else 3
    limit = int(_between(facts, (1e6, 30_000), (5e7, 44_000), (1e9, 60_000)))
    words = min(limit, max(50, facts.kinds if minimum_count == 1 else facts.repeated) + 100) + known
    batch = _power_of_two(_between(facts, (5e4, 16), (5e5, 32), (5e6, 128), (1e9, 256)))
    steps = 32
    passes = _between(facts, (2e4, 5), (6e4, 8), (5e5, 7), (5e6, 4), (5e7, 2), (1e9, 1))
    per_pass = max(1, facts.tokens // (batch * steps))
    return {
        "vocabulary": {"size": limit, "minimum_count": float(minimum_count)},
        "ngram": {"order": 3 if facts.tokens < 30_000 else 4 if facts.tokens < 300_000_000 else MAX_ORDER}
        | ({} if small else {"max_bytes": int(_between(facts, (1e6, 4e6), (5e7, 7e6), (1e9, 2e7)))}),
        "model": {
            "embedding_size": _rounded(_between(facts, (2e4, 128), (2e5, 128), (1e6, 192), (1e7, 256)), 32),
            "hidden_size": _rounded(_between(facts, (2e4, 256), (2e5, 256), (1e6, 384), (1e7, 640), (1e9, 1024)), 64),
        },
        # Half of the documents become single lines, so that the network also learns how a text begins.
        "text": {"single_lines": 0.5},
        "training": {
            "tokens": max(1, int(passes * facts.tokens)),
            "batch": batch,
            "steps": steps,
            "samples": 0 if cuda else max(_SAMPLE[0], min(_SAMPLE[1], words // 8)),
            "learning_rate": round(
                _between(facts, (2e4, 0.004), (6e4, 0.007), (5e5, 0.008), (5e6, 0.005), (1e9, 0.002)), 4
            ),
            # A vocabulary that leaves nothing out would teach the network that there are no other words.
            "unknown": 0.5 if minimum_count == 1 else 0.0,
            "warmup": int(_between(facts, (1e5, 50), (1e7, 500))),
            "embedding_dropout": round(_between(facts, (1e6, 0.1), (1e7, 0.0)), 2),
            "input_dropout": round(_between(facts, (2e5, 0.3), (1e7, 0.0)), 2),
            "output_dropout": round(_between(facts, (2e5, 0.4), (1e7, 0.0)), 2),
            "validate_tokens": 20_000 if small else 40_000,
            "validate_steps": max(10, min(2000, per_pass // _MEASUREMENTS_PER_PASS)),
            "patience": 2 * _MEASUREMENTS_PER_PASS,
        },
    }


def tuning_settings(facts: TextFacts) -> dict[str, Any]:
    """Return the training settings that fine-tune a bundle on a text with these facts."""
    passes = _between(facts, (2e4, 4), (1e6, 3), (1e7, 1.5))
    batch = _power_of_two(_between(facts, (5e4, 16), (5e5, 32), (5e6, 128)))
    per_pass = max(1, facts.tokens // (batch * 32))
    return {
        "tokens": max(1, int(passes * facts.tokens)),
        "batch": batch,
        "samples": 4096,
        "learning_rate": round(_between(facts, (2e4, 0.0005), (1e6, 0.001), (1e7, 0.002)), 4),
        "warmup": 20,
        "input_dropout": 0.1,
        "output_dropout": 0.3,
        "validate_steps": max(5, min(2000, per_pass // _MEASUREMENTS_PER_PASS)),
        "patience": 2 * _MEASUREMENTS_PER_PASS,
    }


def _power_of_two(value: float) -> int:
    return int(2 ** round(math.log2(value)))
