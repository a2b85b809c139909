"""Prints the figures of docs/writing.md on typing errors, and what tolerating them costs in text without errors.

python scripts/measure_typos.py ../shared/corpus/valid --words 300
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

from foretype.runtime import Model, load
from foretype.runtime.evaluation.keystrokes import Mode, User, evaluate_keystrokes
from foretype.runtime.text.corpus import find_files
from foretype.runtime.typos.keyboards import LAYOUTS
from foretype.tui.commands.evaluation import read_text
from foretype.tui.writing import evaluate_writing, print_writing


def cost(model: Model, paths: list[Path], words: int) -> None:
    """Print the savings on clean text with and without tolerance, three words offered, and the time of a letter."""
    lost: dict[Mode, list[float]] = {"plain": [], "text": []}
    letters: dict[bool, list[float]] = {True: [], False: []}
    for file in find_files(paths):
        documents = read_text(file, words)
        for mode, losses in lost.items():
            reports = {typos: evaluate_keystrokes(model, documents, mode, user=User(typos=typos)) for typos in letters}
            losses.append(reports[False].savings()["k3"] - reports[True].savings()["k3"])
            for typos, report in reports.items():
                letters[typos] += report.letter_seconds
    for mode, losses in lost.items():
        print(f"clean text, {mode}: {statistics.mean(losses):.2f} points of savings lost, worst {max(losses):.2f}")
    for typos, seconds in letters.items():
        times = ", ".join(f"{1e6 * float(value):.0f} us" for value in np.percentile(seconds, (50, 90, 99)))
        print(f"a letter of clean text, {'with' if typos else 'without'} tolerance, p50, p90, p99: {times}")


def measure(paths: list[Path], words: int, bundle: str | None) -> None:
    """Print the cost of tolerance, then the figures for each keyboard layout."""
    model = load(bundle)
    cost(model, paths, words)
    for keyboard in LAYOUTS:
        print(keyboard)
        print_writing(evaluate_writing(model, paths, words, layout=keyboard))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+", help="Text files or folders.")
    parser.add_argument("--words", type=int, default=300, help="Words of each source.")
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    measure(**vars(parser.parse_args()))
