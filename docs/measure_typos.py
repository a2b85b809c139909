"""Prints the figures of docs/writing.md on misspelt words, and what their tolerance costs where nothing is misspelt.

python docs/measure_typos.py ../shared/corpus/valid --words 300
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from foretype.runtime import Model, load
from foretype.runtime.evaluate import evaluate_keystrokes
from foretype.runtime.layouts import LAYOUTS
from foretype.train.corpus import find_files
from foretype.tui.evaluation import read_text
from foretype.tui.writing_evaluation import evaluate_writing, print_writing


def cost(model: Model, paths: list[Path], words: int) -> None:
    """Savings on clean text with and without tolerance, k=3, and the time of a letter."""
    lost: dict[str, list[float]] = {"plain": [], "text": []}
    for file in find_files(paths):
        documents = read_text(file, words)
        for mode, losses in lost.items():
            exact = evaluate_keystrokes(model, documents, mode, typos=False)  # type: ignore[arg-type]
            tolerant = evaluate_keystrokes(model, documents, mode)  # type: ignore[arg-type]
            losses.append(exact.savings()["k3"] - tolerant.savings()["k3"])
    for mode, losses in lost.items():
        print(f"clean text, {mode}: {statistics.mean(losses):.2f} points of savings lost, worst {max(losses):.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--words", type=int, default=300)
    arguments = parser.parse_args()
    loaded = load()
    cost(loaded, arguments.paths, arguments.words)
    for keyboard in LAYOUTS:
        print(keyboard)
        print_writing(evaluate_writing(loaded, arguments.paths, arguments.words, layout=keyboard))
