"""`foretype eval`: evaluates each file, averages over the sources, and prints the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foretype.runtime.errors import CorpusError
from foretype.runtime.evaluation.documents import Document, count_words
from foretype.runtime.evaluation.keystrokes import DEFAULT_USER, Keystrokes, User, evaluate_keystrokes
from foretype.runtime.evaluation.perplexity import evaluate_tokens
from foretype.runtime.model import Model
from foretype.runtime.text.corpus import find_files, read_documents, source_name
from foretype.runtime.text.reading import MOST_BYTES

MINIMUM_WORDS = 2500
"""The mean includes sources with at least this many words, or with most of `--limit` if that is less."""
_PASSES = 3


def enough_words(limit: int) -> int:
    """The number of words that a source needs to be part of the mean. At most `limit` words of it are read (0 for all).

    With a limit, 80 % of it are enough, because only whole lines are read and `plain` counts slightly fewer words.
    """
    return min(MINIMUM_WORDS, int(0.8 * limit)) if limit else MINIMUM_WORDS


def read_text(file: Path, limit: int = 0, lines: bool = False) -> list[Document]:
    """The documents of `file`. With `limit`, only the first ones that reach it; the last one may be cut after a line.

    lines: make each line a document.
    """
    documents: Iterator[Document] = iter(read_documents(file, MOST_BYTES))
    if lines:
        documents = ([line] for document in documents for line in document)
    if not limit:
        return list(documents)
    chosen: list[Document] = []
    words = 0
    for document in documents:
        kept = list(islice(_until(document, limit - words), len(document)))
        chosen.append(kept)
        words += count_words(kept)
        if words >= limit:
            break
    return chosen


def _until(document: Document, limit: int) -> Iterator[str]:
    words = 0
    for line in document:
        yield line
        words += count_words([line])
        if words >= limit:
            return


def evaluate_files(
    model: Model, paths: list[Path], limit: int = 0, lines: bool = False, user: User = DEFAULT_USER
) -> dict[str, Any]:
    """Evaluate `model` on each source, and return all figures and their means as JSON values.

    The means include the sources with enough words (see `enough_words`).
    """
    files = find_files(paths)
    stems = [source_name(file) for file in files]
    names = [stem if stems.count(stem) == 1 else str(file) for stem, file in zip(stems, files, strict=True)]
    texts = []
    for name, file in zip(names, files, strict=True):
        try:
            texts.append((name, read_text(file, limit, lines)))
        except CorpusError as error:
            if file in paths:
                raise
            print(f"foretype: skipped {error}", file=sys.stderr)
    if not any(documents for _, documents in texts):
        raise CorpusError(f"{', '.join(map(str, paths))}: the text is empty")
    total = sum(count_words(document) for _, documents in texts for document in documents)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    sources: dict[str, Any] = {}
    typed: list[Keystrokes] = []
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("words", total=total * _PASSES)
        for name, documents in texts:
            if documents:
                progress.update(task, description=name)
                figures, keystrokes = _evaluate(model, documents, lambda words: progress.advance(task, words), user)
                sources[name] = figures
                typed += keystrokes
    times = Keystrokes("text")
    for part in typed:
        times.word_seconds += part.word_seconds
        times.letter_seconds += part.letter_seconds
    return {
        "bundle": model.bundle.name,
        "engine": model.engine,
        "limit": limit,
        "overlooks": user.overlooks,
        "attention": user.attention,
        "sources": sources,
        "mean": _mean([figures for figures in sources.values() if figures["plain"]["words"] >= enough_words(limit)]),
        "microseconds": times.times(),
    }


def _evaluate(
    model: Model, documents: list[Document], done: Callable[[int], None], user: User
) -> tuple[dict[str, Any], list[Keystrokes]]:
    tokens = evaluate_tokens(model, documents, done)
    plain = evaluate_keystrokes(model, documents, "plain", done, user)
    text = evaluate_keystrokes(model, documents, "text", done, user)
    return {"tokens": tokens.figures(), "plain": plain.savings(), "text": text.savings()}, [plain, text]


def _mean(sources: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The mean of each figure over `sources`, with equal weights; None if there are none."""
    if not sources:
        return None
    means: dict[str, Any] = {"sources": len(sources)}
    for group in ("tokens", "plain", "text"):
        names = [name for name, value in sources[0][group].items() if isinstance(value, float)]
        means[group] = {name: sum(source[group][name] for source in sources) / len(sources) for name in names}
    return means


def _table(title: str) -> Table:
    """A table whose headers fit in 80 columns."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("source", max_width=18, overflow="fold")
    return table


def print_report(report: dict[str, Any]) -> None:
    """Print the result of `evaluate_files` as tables."""
    table = _table(f"{report['bundle']}, engine {report['engine']}")
    for column in ("words", "OOV\n%", "per-\nplexity", "no\n<unk>", "per\nchar", "top-1\n%", "top-3\n%", "top-5\n%"):
        table.add_column(column, justify="right")
    savings = _table("keystroke savings, %")
    for mode in ("plain", "text"):
        for column in ("k=1", "k=3", "k=5", "limit", "vocab."):
            savings.add_column(f"{mode}\n{column}", justify="right")
    calibration = _table("calibration of the first word offered, %")
    for place in ("new\nword", "after a\nletter"):
        for column in ("error", "expected", "right"):
            calibration.add_column(f"{place}\n{column}", justify="right")
    rows = list(report["sources"].items())
    if report["mean"]:
        rows.append((f"mean of {report['mean']['sources']}", report["mean"]))
    for name, figures in rows:
        tokens = figures["tokens"]
        table.add_row(
            name,
            str(tokens.get("words", "")),
            f"{100 * tokens['oov_rate']:.1f}",
            *(f"{tokens[key]:.1f}" for key in ("perplexity", "perplexity_without_unk")),
            f"{tokens['perplexity_per_character']:.2f}",
            *(f"{100 * tokens[key]:.1f}" for key in ("top1", "top3", "top5")),
        )
        cells = [
            figures[mode][key] for mode in ("plain", "text") for key in ("k1", "k3", "k5", "limit", "vocabulary_limit")
        ]
        savings.add_row(name, *(f"{cell:.1f}" for cell in cells))
        shares = [
            figures["text"][f"{figure}_{place}"]
            for place in ("word", "letter")
            for figure in ("calibration_error", "mean_probability", "share_right")
        ]
        calibration.add_row(name, *(f"{100 * share:.1f}" for share in shares))
    # Keep a table in a file from being wrapped at 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    console.print(savings)
    console.print(calibration)
    console.print(
        f"The mean takes sources with at least {enough_words(report['limit'])} words. Perplexity is per word and line "
        "end; punctuation is context, not counted."
    )
    times = report["microseconds"]
    parts = [
        f"{label} p50 {times[f'{key}_p50']:.0f} µs, p99 {times[f'{key}_p99']:.0f} µs"
        for key, label in (("letter", "after a letter"), ("word", "at a new word"), ("any", "any keystroke"))
        if f"{key}_p50" in times
    ]
    console.print("Time per suggestion: " + "; ".join(parts) + ".")
