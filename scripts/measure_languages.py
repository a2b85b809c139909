"""Compares a language's bundle with an unpruned 5-gram of the same text, line by line (docs/languages.md).

    python scripts/measure_languages.py de ../shared/languages --bundle de --work /tmp/de-5gram

The 5-gram has modified Kneser-Ney smoothing and the 60,000 most frequent words, and suggests by the same rules.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from foretype.export.write_bundle import export_run
from foretype.runtime import Model, load
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes, paired_gain
from foretype.runtime.text.corpus import find_files, source_name
from foretype.train.pipeline import Run
from foretype.train.recipe import RECIPES, parse_settings, read_recipe
from foretype.tui.commands.evaluation import enough_words, read_text

SETTINGS = (
    "vocabulary.size=60000",
    "vocabulary.minimum_count=1",
    "ngram.order=5",
    "ngram.smoothing=modified-kneser-ney",
    "ngram.max_bytes=4000000000",
)
_RESAMPLES = 2000


class Silent:
    """Shows no progress."""

    def step(self, message: str) -> None:
        """Do nothing."""

    def ready(self, run: Run, ngram: object) -> None:
        """Do nothing."""

    def training(self, report: object, total_tokens: int) -> None:
        """Do nothing."""


def five_gram(folder: Path, work: Path) -> Model:
    """The 5-gram of the text in `folder`/train, built once."""
    bundle = work / "5gram"
    if not bundle.exists():
        recipe = read_recipe(RECIPES / "language.toml", parse_settings(SETTINGS))
        run = Run(work / "run", recipe, [folder / "train"], [folder / "valid"], resume=(work / "run").exists())
        run.prepare(Silent())
        run.estimate_ngram(Silent())
        export_run(work / "run", bundle, neural=False, cache=False)
    return load(bundle, engine="ngram")


def main(language: str, texts: Path, bundle: str, work: Path, limit: int) -> None:
    """Print a Markdown table, a row for each source."""
    ours, theirs = load(bundle), five_gram(texts / language, work)
    print(f"| {language} | words | 5-gram | Foretype | difference |\n|---|---|---|---|---|")
    rows = []
    for file in find_files([texts / language / "test"]):
        documents = read_text(file, limit, lines=True)
        if not documents:
            continue
        typed = [evaluate_keystrokes(model, documents, "plain") for model in (theirs, ours)]
        saved = [float(each.savings()["k3"]) for each in typed]
        more, (low, high) = paired_gain(typed[0], typed[1], _RESAMPLES)
        words = sum(typed[0].words)
        cells = f"{words} | {saved[0]:.1f} | {saved[1]:.1f} | {more:+.1f} ({low:+.1f} to {high:+.1f})"
        print(f"| {source_name(file)} | {cells} |")
        if words >= enough_words(limit):
            rows.append(saved)
    if rows:
        mean = np.mean(rows, axis=0)
        print(f"| mean of {len(rows)} | | {mean[0]:.1f} | {mean[1]:.1f} | {mean[1] - mean[0]:+.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", help="Code of the language.")
    parser.add_argument("texts", type=Path, help="Folder of texts, with LANGUAGE/train, valid and test.")
    parser.add_argument("--bundle", required=True, help="Name or folder of the bundle.")
    parser.add_argument("--work", type=Path, required=True, help="Folder for the 5-gram.")
    parser.add_argument("--limit", type=int, default=1000, help="Words of each source; 0 for all.")
    main(**vars(parser.parse_args()))
