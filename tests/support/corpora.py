"""Text made up on the spot."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

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
