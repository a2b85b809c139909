"""Measures what `foretype train TEXT` makes of texts without any setting: a table of settings and figures.

    python scripts/measure_defaults.py TEXT... [--minutes N] [--from MODEL] [--set TABLE.NAME=VALUE]

Each row comes from a run in a temporary folder: perplexity, and the share of keystrokes that three suggestions save, on
about 800 words of held-out text. With --from, the table compares the model as it is with that of a run which
starts from it, on the same held-out text.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foretype.export.engine_figures import engine_figures
from foretype.export.write_bundle import export_run
from foretype.runtime.evaluation.documents import Document
from foretype.runtime.files.finding import find_bundle
from foretype.runtime.text.corpus import read_documents
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.pipeline import Run
from foretype.train.recipe import Settings, parse_settings
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
COLUMNS_FROM = "text | from | perplexity: new | fine-tuned | chosen | the model as it is | n-gram | blend"


def row(text: Path, minutes: float | None, settings: Settings) -> str:
    """Train on `text`; perplexity and keystrokes saved of each engine."""
    with trained(text, minutes, settings) as (run, report, documents):
        figures = engine_figures(run.folder / "bundle", documents)
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


def row_from(text: Path, minutes: float | None, name: str, settings: Settings) -> str:
    """Train on `text` from the model `name`; keystrokes saved by the model, the n-gram model and the blend."""
    start = find_bundle(name)
    with trained(text, minutes, settings, start) as (run, report, documents):
        given = engine_figures(start, documents, engines=["blend"])["blend"]["saved"]
        figures = engine_figures(run.folder / "bundle", documents, engines=["ngram", "blend"])
        fresh, tuned = (report[kind]["validation_perplexity"] for kind in ("fresh", "tuned"))
        chosen = "fine-tuned" if report["chosen"] == "tuned" else "new"
        cells = [text.name, name, f"{fresh:.1f}", f"{tuned:.1f}", chosen]
        saved = (given, figures["ngram"]["saved"], figures["blend"]["saved"])
        return "| " + " | ".join([*cells, *(f"{one:.1f} %" for one in saved)]) + " |"


@contextmanager
def trained(
    text: Path, minutes: float | None, settings: Settings, start: Path | None = None
) -> Iterator[tuple[Run, dict[str, Any], list[Document]]]:
    """A run on `text` with its bundle, its report, and the documents that it held out."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = Run(out, None, [text], [], resume=False, settings=settings, minutes=minutes, start=start)
        report = run.train(Silent())
        export_run(run.folder, run.folder / "bundle", check=False)
        yield run, report, list(read_documents(run.folder / HELD_OUT))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--from", dest="start", metavar="MODEL", help="Start from this model.")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="TABLE.NAME=VALUE")
    arguments = parser.parse_args()
    settings = parse_settings(arguments.settings)
    columns = COLUMNS_FROM if arguments.start else COLUMNS
    print(f"| {columns} |\n|{'---|' * (columns.count('|') + 1)}", flush=True)
    for text in arguments.texts:
        if arguments.start:
            print(row_from(text, arguments.minutes, arguments.start, settings), flush=True)
        else:
            print(row(text, arguments.minutes, settings), flush=True)


if __name__ == "__main__":
    main()
