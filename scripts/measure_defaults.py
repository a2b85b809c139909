"""Measures what `foretype train TEXT` makes of texts without any setting: a table of settings and figures.

    python scripts/measure_defaults.py TEXT... [--minutes N]

Each row comes from a run in a temporary folder. "saved" is the share of keystrokes that three suggestions save, on
about 800 words of held-out text.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from foretype.export.engine_figures import engine_figures
from foretype.export.write_bundle import export_run
from foretype.runtime.text.corpus import read_documents
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.pipeline import Run
from foretype.train.run_text import HELD_OUT


class Silent:
    """Progress that nobody watches."""

    def step(self, message: str) -> None:
        """Ignore."""

    def ready(self, run: Run, ngram: Any) -> None:
        """Ignore."""

    def training(self, report: Any, total_tokens: int) -> None:
        """Ignore."""


COLUMNS = "text | tokens | vocabulary | network | batch | rate | best after | n-gram | neural | blend"


def row(text: Path, minutes: float | None) -> str:
    """Train on `text`; perplexity and keystrokes saved of each engine."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run", None, [text], [], resume=False, minutes=minutes)
        report = run.train(Silent())
        export_run(run.folder, run.folder / "bundle", check=False)
        figures = engine_figures(run.folder / "bundle", read_documents(run.folder / HELD_OUT))
        model, training = run.recipe.model, TrainConfig(**run.recipe.training)
        passes = report["neural"]["best_tokens"] / run.facts["tokens"]
        cells = [
            text.name,
            f"{run.facts['tokens']:,}",
            f"{len(run.form().vocabulary):,}",
            f"{model['embedding_size']} x {model['hidden_size']}",
            f"{training.batch}",
            f"{training.learning_rate:g}",
            f"{passes:.1f} passes, {report['neural']['seconds']:.0f} s",
            *(f"{entry['perplexity']:.0f}, {entry['saved']:.1f} %" for entry in figures.values()),
        ]
        return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float)
    arguments = parser.parse_args()
    print(f"| {COLUMNS} |\n|{'---|' * (COLUMNS.count('|') + 1)}", flush=True)
    for text in arguments.texts:
        print(row(text, arguments.minutes), flush=True)


if __name__ == "__main__":
    main()
