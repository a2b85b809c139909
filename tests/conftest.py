"""What the tests share: text made up on the spot, and a small real bundle trained on it by the project's pipeline."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretype.export.write_bundle import export_run
from foretype.train.ngrams.estimate import NgramConfig
from foretype.train.pipeline import Run
from foretype.train.recipe import Recipe
from foretype.train.text.tokenizer import VocabularyConfig

SUBJECTS = ["I", "you", "we", "they", "she", "he", "the cat", "the dog", "my sister", "Tom", "Anna", "the team"]
VERBS = ["like", "see", "want", "need", "know", "love", "hate", "find", "watch", "remember"]
OBJECTS = [
    "the house",
    "the garden",
    "this film",
    "that book",
    "some tea",
    "the train",
    "music",
    "everything",
    "coffee",
]
ENDINGS = ["today", "on Monday", "in May", "again", "very much", "now", "tomorrow", "don't you think"]
OPENINGS = ["Well, ", "And then ", "Yes, ", "", "", "", "Honestly, ", "I think that "]


def sentences(count: int, seed: int) -> Iterator[str]:
    """Made-up English sentences, some words far likelier than others, so that there is something to learn."""
    draw = random.Random(seed)

    def pick(words: list[str], after: str = "") -> str:
        # Which words are likely depends on the word before; what follows it falls off geometrically.
        order = random.Random(after).sample(words, len(words))
        return order[min(int(draw.expovariate(0.9)), len(order) - 1)]

    for _ in range(count):
        subject = pick(SUBJECTS)
        verb = pick(VERBS, subject)
        parts = [pick(OPENINGS) + subject, verb, pick(OBJECTS, verb)]
        if draw.random() < 0.6:
            parts.append(pick(ENDINGS, parts[-1]))
        sentence = " ".join(parts)
        yield sentence[0].upper() + sentence[1:] + draw.choices(".?!", (8, 1, 1))[0]


def write_corpus(path: Path, count: int, seed: int) -> Path:
    """A corpus file of made-up documents of a dozen lines each."""
    lines = list(sentences(count, seed))
    documents = ("\n".join(lines[i : i + 12]) for i in range(0, len(lines), 12))
    path.write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    return path


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

    def training(self, report: Any, total_tokens: int) -> None:
        """Ignore."""


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Training and validation text."""
    folder = tmp_path_factory.mktemp("corpus")
    return write_corpus(folder / "train.txt", 3000, seed=1), write_corpus(folder / "valid.txt", 600, seed=2)


@pytest.fixture(scope="session")
def tiny_run(corpus: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run."""
    folder = tmp_path_factory.mktemp("run") / "tiny"
    Run(folder, TINY, [corpus[0]], [corpus[1]], resume=False).train(Quiet())
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle exported from that run: int8 graph, n-gram tables, fitted blend."""
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    export_run(tiny_run, folder)
    return folder
