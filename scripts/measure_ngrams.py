"""Prints the tables of docs/ngrams.md: the perplexity of every smoothing method, unpruned and pruned.

python scripts/measure_ngrams.py smoothing ../shared/benchmarks/penn-treebank
python scripts/measure_ngrams.py pruning ../shared/benchmarks/penn-treebank
python scripts/measure_ngrams.py pruning runs/en 5000000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from foretype.train.ngrams.backoff_model import BackoffModel, compact
from foretype.train.ngrams.counting.counts import Array, NgramCounts, count_ngrams
from foretype.train.ngrams.estimate import SMOOTHINGS, NgramConfig, estimate_counted
from foretype.train.ngrams.perplexity import ngram_perplexity
from foretype.train.ngrams.prune import keep_within, pruning_costs
from foretype.train.ngrams.smoothing.katz import katz
from foretype.train.ngrams.smoothing.kneser_ney import kneser_ney
from foretype.train.ngrams.smoothing.lower_orders import Smoothed, back_off
from foretype.train.ngrams.tables import load_tables, write_tables
from foretype.train.run_text import MIX, VALID
from foretype.train.studies.standard_text import read_standard_text
from foretype.train.text.shards import read_stream
from foretype.train.text.tokenizer import load_text_form

SIZES = (None, 6.0, 2.0, 0.7, 0.3)
PRUNED = {
    "Katz": NgramConfig(smoothing="katz"),
    "absolute discounting": NgramConfig(smoothing="absolute"),
    "Kneser-Ney, counts not handed down": NgramConfig(smoothing="kneser-ney", hand_down=False),
    "Kneser-Ney, counts handed down": NgramConfig(smoothing="kneser-ney"),
    "modified Kneser-Ney, counts not handed down": NgramConfig(hand_down=False),
    "modified Kneser-Ney, counts handed down": NgramConfig(),
    "stupid backoff": NgramConfig(smoothing="stupid-backoff"),
    "Katz, by count": NgramConfig(smoothing="katz", prune_by="count"),
    "absolute discounting, by count": NgramConfig(smoothing="absolute", prune_by="count"),
    "modified Kneser-Ney, counts handed down, by count": NgramConfig(prune_by="count"),
}


def texts(folder: Path, tokens: int | None) -> tuple[Array, Array, int]:
    """Return training text, cut to `tokens`; text to measure on; size of the vocabulary.

    folder: a standard text, or a training run.
    """
    if (folder / MIX).exists():
        size = len(load_text_form(folder).vocabulary)
        return np.array(read_stream(folder / MIX)[:tokens]), np.array(read_stream(folder / VALID)), size
    text = read_standard_text(folder)
    return text.train[:tokens], text.test, len(text.tokens)


def quantised(model: BackoffModel) -> BackoffModel:
    """The model as its tables file stores it, in 8-bit codes."""
    with TemporaryDirectory() as folder:
        write_tables(Path(folder) / "tables", model)
        return load_tables(Path(folder) / "tables")


def smoothing_table(train: Array, test: Array, size: int) -> Iterator[str]:
    """Perplexity by smoothing and order, exact; the last column is that of the tables file of order 5."""
    yield "| smoothing | 1 | 2 | 3 | 4 | 5 | 5, in 8-bit codes |"
    yield "|---|---|---|---|---|---|---|"
    for name in SMOOTHINGS:
        figures = []
        for order in range(1, 6):
            model = estimate_counted(count_ngrams(train, size, order), NgramConfig(order, name))
            figures.append(ngram_perplexity(model, test))
        figures.append(ngram_perplexity(quantised(model), test))
        yield f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |"


def pruning_table(train: Array, test: Array, size: int) -> Iterator[str]:
    """Perplexity of the 4-gram tables file by smoothing and size."""
    orders = count_ngrams(train, size, 4)
    yield "| 4-gram | " + " | ".join("unpruned" if mb is None else f"{mb:g} MB" for mb in SIZES) + " |"
    yield "|---" * (1 + len(SIZES)) + "|"
    for name, config in PRUNED.items():
        cells = []
        for mb in SIZES:
            fields = {**config.__dict__, "max_bytes": mb and int(mb * 1e6)}
            cells.append(ngram_perplexity(quantised(estimate_counted(orders, NgramConfig(**fields))), test))
        yield f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |"
    for name, estimate in PUBLISHED.items():
        cells = [ngram_perplexity(quantised(as_published(orders, estimate, mb)), test) for mb in SIZES]
        yield f"| {name}, as published | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |"


PUBLISHED: dict[str, Callable[[Sequence[NgramCounts], Sequence[Array]], list[Smoothed]]] = {
    "Katz": lambda orders, keep: katz(orders, keep, 5),
    "modified Kneser-Ney": kneser_ney,
}


def as_published(
    orders: Sequence[NgramCounts],
    estimate: Callable[[Sequence[NgramCounts], Sequence[Array]], list[Smoothed]],
    mb: float | None,
) -> BackoffModel:
    """Prune a model as Stolcke (1998) does, in one cut.

    The weight of a context is its probability under the model's own lower orders, and n-grams that stay keep their
    probabilities.
    """
    keep = [np.ones(len(rows), bool) for rows in orders]
    models = estimate(orders, keep)
    if mb is None:
        return compact(orders, keep, models)
    weights = models[0].probabilities.astype(float)
    weights[1] = weights[2]  # a sentence begins where one ends
    costs = pruning_costs(orders, keep, models)
    for rows, model, cost in zip(orders[1:], models[1:], costs, strict=True):
        occurrences = np.bincount(rows.contexts, weights=rows.counts, minlength=len(weights))
        cost *= (weights / np.maximum(occurrences, 1))[rows.contexts]
        weights = weights[rows.contexts] * model.probabilities
    keep = keep_within(orders, costs, mb * 1e6)
    pruned = models[:1]
    for rows, kept, model, lower in zip(orders[1:], keep[1:], models[1:], orders, strict=False):
        below = pruned[-1].probabilities.astype(float)[rows.suffixes]
        probabilities, backoffs = back_off(rows, kept, model.probabilities.astype(float), below, len(lower))
        pruned.append(Smoothed(probabilities.astype(np.float32), backoffs.astype(np.float32)))
    return compact(orders, keep, pruned)


TABLES = {"smoothing": smoothing_table, "pruning": pruning_table}


def measure(table: str, folder: Path, tokens: int | None) -> None:
    """Print one table, then the size of the texts and the time it took."""
    began = time.monotonic()
    text = texts(folder, tokens)
    for line in TABLES[table](*text):
        print(line, flush=True)
    print(f"{len(text[0]):,} and {len(text[1]):,} tokens, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("folder", type=Path, help="A standard text, or a training run.")
    parser.add_argument("tokens", type=int, nargs="?", help="Train on the first tokens only.")
    measure(**vars(parser.parse_args()))
