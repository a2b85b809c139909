"""Prints the table of docs/writing.md on phrases: what ghost text of several words saves, by the confidence it needs.

python scripts/measure_phrases.py ../shared/corpus/valid --words 100
"""

from __future__ import annotations

import argparse
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.evaluation.writing import PhraseUse, evaluate_phrases
from foretype.runtime.text.corpus import find_files
from foretype.tui.commands.evaluation import read_text

CONFIDENCES = (0.3, 0.5, 0.6)


def measure(paths: list[Path], words: int, bundle: str | None) -> None:
    """Print one row for each confidence."""
    model = load(bundle)
    for confidence in CONFIDENCES:
        use = PhraseUse()
        for file in find_files(paths):
            evaluate_phrases(model, read_text(file, words), confidence, use)
        figures = use.figures()
        print(
            f"| {confidence} | {figures['savings']:.1f} | {figures['savings_words']:.1f} | {figures['offered']} | "
            f"{100 * figures['wrong']:.0f} % | {100 * figures['right_words']:.0f} % |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+", help="Text files or folders.")
    parser.add_argument("--words", type=int, default=100, help="Words of each source.")
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    measure(**vars(parser.parse_args()))
