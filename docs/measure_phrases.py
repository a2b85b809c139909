"""Prints the table of docs/writing.md on phrases: what the ghost of several words saves, by how sure it has to be.

python docs/measure_phrases.py ../shared/corpus/valid --words 100
"""

from __future__ import annotations

import argparse
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.evaluation.writing import PhraseUse, evaluate_phrases
from foretype.runtime.text.corpus import find_files
from foretype.tui.commands.evaluation import read_text

CONFIDENCES = (0.3, 0.5, 0.7)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--words", type=int, default=100, help="Of each source.")
    arguments = parser.parse_args()
    model = load()
    for confidence in CONFIDENCES:
        use = PhraseUse()
        for file in find_files(arguments.paths):
            evaluate_phrases(model, read_text(file, arguments.words), confidence, use)
        figures = use.figures()
        print(
            f"| {confidence} | {figures['savings']:.1f} | {figures['savings_words']:.1f} | {figures['offered']} | "
            f"{100 * figures['wrong']:.0f} % | {100 * figures['right_words']:.0f} % |",
            flush=True,
        )
