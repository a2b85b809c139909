"""The character model of a comparison: trained on the same text, and measured on the same words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foretype.export.compare.training import fit_within
from foretype.runtime.characters.perplexity import character_figures
from foretype.runtime.characters.word_search import CharacterModel
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.files.bundle import MANIFEST
from foretype.runtime.text.corpus import Document
from foretype.train.characters import character_trainer


def train_character_rung(
    folder: Path,
    documents: Sequence[Document],
    held_out: Sequence[Document],
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    passes: int,
    minutes: float,
) -> dict[str, Any]:
    """Train a character model in `folder`; return its figures. passes: over the text, unless `minutes` end first."""
    # A character, a line end or a document's start is a token here.
    tokens = passes * sum(1 + sum(len(line) + 1 for line in document) for document in documents)
    trainer = character_trainer(folder, documents, held_out, model, {**training, "tokens": tokens})
    return fit_within(trainer, minutes)


def evaluate_character_rung(model: CharacterModel, texts: Iterable[list[Document]]) -> dict[str, Any]:
    """Measure a character model on the documents of each source: means as for word models.

    The perplexity counts punctuation, and rare words are not merged into `<unk>`; next-word accuracy is not measured.
    """
    losses, savings = [], []
    for documents in texts:
        losses.append(math.log(character_figures(model.neural, model.alphabet, documents)["perplexity"]))
        savings.append(evaluate_keystrokes(model, documents, "plain").savings()["k3"])
    return {
        "bytes": sum(file.stat().st_size for file in model.bundle.folder.iterdir() if file.name != MANIFEST),
        "perplexity": math.exp(sum(losses) / len(losses)),
        "keystroke_savings": sum(savings) / len(savings),
    }
