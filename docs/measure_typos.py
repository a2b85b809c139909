"""Prints the figures of docs/writing.md on misspelt words, and what their tolerance costs where nothing is misspelt.

python docs/measure_typos.py ../shared/corpus/valid --words 300
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

from foretype.runtime import Model, load
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.text.corpus import find_files
from foretype.runtime.typos.keyboards import LAYOUTS
from foretype.tui.commands.evaluation import read_text
from foretype.tui.commands.writing import evaluate_writing, print_writing


def cost(model: Model, paths: list[Path], words: int) -> None:
    """Savings on clean text with and without tolerance, k=3, and the time of a letter."""
    lost: dict[str, list[float]] = {"plain": [], "text": []}
    letters: dict[bool, list[float]] = {True: [], False: []}
    for file in find_files(paths):
        documents = read_text(file, words)
        for mode, losses in lost.items():
            reports = {typos: evaluate_keystrokes(model, documents, mode, typos=typos) for typos in letters}  # type: ignore[arg-type]
            losses.append(reports[False].savings()["k3"] - reports[True].savings()["k3"])
            for typos, report in reports.items():
                letters[typos] += report.letter_seconds
    for mode, losses in lost.items():
        print(f"clean text, {mode}: {statistics.mean(losses):.2f} points of savings lost, worst {max(losses):.2f}")
    for typos, seconds in letters.items():
        times = ", ".join(f"{1e6 * float(value):.0f} us" for value in np.percentile(seconds, (50, 90, 99)))
        print(f"a letter of clean text, {'with' if typos else 'without'} tolerance, p50, p90, p99: {times}")


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
