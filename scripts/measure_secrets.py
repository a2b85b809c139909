"""Prints how many ordinary sentences the rules of announced secrets touch (docs/personal.md).

python scripts/measure_secrets.py ../shared/corpus/valid

A sentence is touched if a word of it is withheld that would be learned without those rules.
"""

from __future__ import annotations

import argparse
import re
from itertools import pairwise
from pathlib import Path

from foretype.runtime import Model, load
from foretype.runtime.personal.learning import announced_secrets
from foretype.runtime.personal.learning.announced_secrets import NOTHING, Scope
from foretype.runtime.personal.learning.rules import Piece, read_line
from foretype.runtime.text.corpus import find_files
from foretype.tui.commands.evaluation import read_text

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def learned(model: Model, line: str, withheld: Scope) -> set[tuple[int, str]]:
    """Places and words of `line` that would be learned."""

    def common(word: str) -> bool:
        return word in model.vocabulary.exact

    def piece_key(piece: Piece) -> tuple[int, str]:
        return piece.chunk, piece.text

    pieces = read_line(model.form, line, lambda word: None, common, withheld)
    return {piece_key(piece) for piece in pieces if piece.learnable and piece.text[:1].isalpha()}


def touched(model: Model, line: str, carried: bool) -> tuple[int, int]:
    """Sentences of `line`, and those of them that the rules touch."""
    with_rules = learned(model, line, announced_secrets.scope(line, carried))
    withheld = {place for place, _ in learned(model, line, NOTHING) - with_rules}
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(line)), len(line) + 1]
    spans = list(pairwise(starts))
    return len(spans), sum(any(start <= place < end for place in withheld) for start, end in spans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="+", type=Path)
    parser.add_argument("--words", type=int, default=20_000, help="of each source")
    parser.add_argument("--bundle")
    options = parser.parse_args()
    model = load(options.bundle, engine="ngram")
    total = total_touched = 0
    for file in find_files(options.text):
        sentences = hit = 0
        for document in read_text(file, options.words):
            carried = False
            for line in document:
                count, found = touched(model, line, carried)
                carried = announced_secrets.scope(line, carried).carries
                sentences, hit = sentences + count, hit + found
        total, total_touched = total + sentences, total_touched + hit
        print(f"{file.name.split('.')[0]:28} {sentences:6} sentences, {100 * hit / max(1, sentences):5.2f} % touched")
    print(f"{'all':28} {total:6} sentences, {100 * total_touched / max(1, total):5.2f} % touched")


if __name__ == "__main__":
    main()
