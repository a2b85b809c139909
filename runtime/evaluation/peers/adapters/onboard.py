"""Onboard's word prediction, pypredict, asked as the on-screen keyboard asks it (Debian: onboard, onboard-data).

Without training there is its language file alone, which completes words. What Onboard learns from its user comes on top
of it, and predicts the next word.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = "/usr/lib/python3/dist-packages"
LANGUAGE = "/usr/share/onboard/models/en_US.lm"


def _library() -> Any:
    if PACKAGES not in sys.path:
        sys.path.append(PACKAGES)
    from Onboard import pypredict

    return pypredict


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Load the language file, and above it the user's model that `train` wrote."""
    library = _library()
    models = [library.DynamicModel()]
    models[0].load(LANGUAGE)
    if model:
        models.append(library.CachedDynamicModel())
        models[1].load(model)
        # The values that Onboard sets before it asks (WPEngine.py).
        models[1].recency_ratio, models[1].recency_halflife = 0.811, 96
        models[1].recency_smoothing, models[1].recency_lambdas = "jelinek-mercer", [0.404, 0.831, 0.444]
    for one in models:
        one.smoothing = "abs-disc"
    joined = library.overlay(models)
    kinds = library.LanguageModel

    def suggest(text: str, k: int) -> list[str]:
        tokens, _ = library.tokenize_context("<bot:txt> " + text.rpartition("\n")[2])
        typed = tokens[-1]
        first = len(tokens) < 2 or tokens[-2] in ("<s>", "<bot:txt>")
        flags = kinds.ACCENT_INSENSITIVE_SMART
        if not typed[:1].isupper():
            flags |= kinds.CASE_INSENSITIVE_SMART
        else:
            flags |= kinds.CASE_INSENSITIVE if first else kinds.IGNORE_NON_CAPITALIZED
        words = [word for word, _ in joined.predictp(tokens, 8 * k, options=flags) if word[0] != "<"]
        if first and typed[:1].isupper():
            words = list(dict.fromkeys(word[:1].upper() + word[1:] for word in words))
        return words[:k]

    return suggest


def train(text: str, model: str) -> None:
    """Learn a text, as Onboard learns what its user types."""
    library = _library()
    learned = library.CachedDynamicModel()
    for line in Path(text).read_text(encoding="utf-8").splitlines():
        learned.learn_tokens(library.tokenize_text(line)[0])
    learned.save(model)
