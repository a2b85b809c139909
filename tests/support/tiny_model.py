"""The recipe of the small model that tests train, and progress that nobody watches."""

from __future__ import annotations

from typing import Any

from foretype.train.ngrams.estimate import NgramConfig
from foretype.train.recipe import Recipe
from foretype.train.text.tokenizer import VocabularyConfig

TINY = Recipe(
    name="tiny",
    vocabulary=VocabularyConfig(size=200, minimum_count=1),
    ngram=NgramConfig(order=3),
    model={"embedding_size": 32, "hidden_size": 48},
    training={
        "tokens": 60_000,
        "batch": 16,
        "steps": 16,
        "samples": 0,
        "learning_rate": 0.01,
        "warmup": 20,
        "threads": 1,
    },
)


class Quiet:
    """Progress that nobody watches."""

    def step(self, message: str) -> None:
        """Ignore."""

    def ready(self, run: Any, ngram: Any) -> None:
        """Ignore."""

    def training(self, report: Any, total_tokens: int) -> None:
        """Ignore."""
