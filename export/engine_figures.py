"""Measures the engines of a bundle on a short held-out text: perplexity and keystroke savings of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from foretype.runtime.engines.loading import EngineName
from foretype.runtime.evaluation.documents import Document, count_words
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.evaluation.perplexity import evaluate_tokens
from foretype.runtime.files.bundle import STEP, Bundle
from foretype.runtime.model import Model, load

WORDS = 800
"""Words to measure on: enough to see which engine is best, in a few seconds."""


def engine_figures(
    bundle: Path,
    documents: Iterable[Document],
    progress: Callable[[str], None] = lambda _: None,
    *,
    words: int = WORDS,
    engines: Iterable[EngineName] = ("ngram", "neural", "blend"),
) -> dict[str, dict[str, Any]]:
    """Return perplexity and keystroke savings (three suggestions, text as written, in percent) of each engine.

    words: about how many words of `documents` to use. A bundle without a neural model has the n-gram engine only.
    """
    sample = list(_first(documents, words))
    neural = STEP in Bundle.open(bundle).manifest["files"]
    figures: dict[str, dict[str, Any]] = {}
    for engine in engines if neural else ("ngram",):
        progress(f"measuring: {engine}")
        model = load(bundle, engine=engine)
        tokens = evaluate_tokens(model, sample).figures()
        savings = evaluate_keystrokes(model, sample, "text").savings()
        figures[engine] = {
            "perplexity": tokens["perplexity"],
            "oov_rate": tokens["oov_rate"],
            "saved": savings["k3"],
            "interval": savings["k3_interval"],
            "words": savings["words"],
        }
    return figures


def sample_suggestion(model: Model, documents: Iterable[Document]) -> tuple[str, list[str]]:
    """Return the beginning of a held-out line, up to the middle of a word, and what the model suggests there."""
    lines = [line for document in documents for line in document if len(line.split()) >= 5]
    if not lines:
        return "", []
    words = lines[len(lines) // 2].split()[:6]
    typed = " ".join(words[:-1]) + " " + words[-1][:1]
    return typed, [suggestion.text for suggestion in model.session().suggest(typed, k=3)]


def _first(documents: Iterable[Document], words: int) -> Iterator[Document]:
    for document in documents:
        if words <= 0:
            return
        words -= count_words(document)
        yield document
