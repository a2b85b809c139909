"""Trains the n-gram model: from a token stream to the tables file that `foretype.runtime.engines.ngram` reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.engines.ngram import MAX_ORDER
from foretype.runtime.errors import ConfigError
from foretype.train.ngrams.backoff_model import BackoffModel, compact
from foretype.train.ngrams.counting.counts import Array, NgramCounts, Progress, count_ngrams
from foretype.train.ngrams.counting.out_of_core import MIN_MEMORY_MB, count_ngrams_out_of_core
from foretype.train.ngrams.prune import count_ranks, keep_counts_above, keep_within, pruning_costs
from foretype.train.ngrams.smoothing.absolute import absolute
from foretype.train.ngrams.smoothing.additive import add_delta
from foretype.train.ngrams.smoothing.katz import katz
from foretype.train.ngrams.smoothing.kneser_ney import FALLBACK_DISCOUNTS, kneser_ney
from foretype.train.ngrams.smoothing.lower_orders import Smoothed
from foretype.train.ngrams.smoothing.stupid_backoff import stupid_backoff
from foretype.train.ngrams.tables import write_tables

FIRST_CUT = 1.5
"""Entropy pruning goes by way of a model this many times larger. The costs of the final cut are then taken
with lower orders that have already received the counts of what was cut: 1 % less perplexity at 6 MB than
one cut."""

PRUNE_BY = ("entropy", "count")


@dataclass(frozen=True)
class NgramConfig:
    """How an n-gram model is estimated.

    order: length of the longest n-grams, 1 to 5.
    smoothing: how mass gets to what was not seen.
        "add-delta": `delta` is added to every count of the highest order; no order below is asked.
        "stupid-backoff": relative frequencies, `backoff_factor` for each word the context is shortened by; scores that
            do not sum to one, which the runtime divides by their sum (Brants et al. 2007).
        "katz": Good-Turing discounts for counts up to `katz_cutoff`, the order below only for the unseen (Katz 1987).
        "absolute": one discount for each order, interpolated (Ney, Essen and Kneser 1994).
        "kneser-ney": the same, but lower orders count in how many contexts a word stands (Kneser and Ney 1995).
        "modified-kneser-ney": with discounts of its own for counts 1, 2, 3+ (Chen and Goodman 1999), as lmplz.
    prune: for each order, n-grams that occur so often or less are dropped, as in lmplz's --prune: (0, 1, 2)
        drops bigrams seen once and trigrams seen twice. Starts with 0, never decreases; empty drops nothing.
    max_bytes: size that the file must not exceed. None keeps all that `prune` left.
    prune_by: what goes to keep to `max_bytes`: "entropy", the n-grams whose loss changes the distributions least
        (Stolcke 1998), or "count", the rarest.
    hand_down: whether, to make up for what `max_bytes` drops, Kneser-Ney's lower orders count its occurrences again
        (see `adjusted_counts`). Other smoothings have nothing to make up.
    delta: of "add-delta"; above 0. 1 is Laplace's rule, far too much for words.
    backoff_factor: of "stupid-backoff"; above 0, at most 1.
    katz_cutoff: largest count that "katz" discounts; 1 or more.
    memory_mb: where given, the n-grams are counted out of core within so many megabytes, 256 or more, with the same
        result (see docs/large_corpora.md).
    fallback_discounts: discounts of counts 1, 2, 3+ for an order whose counts allow no estimate (lmplz's
        --discount_fallback); smoothings with one discount take the first.
    """

    order: int = 4
    smoothing: str = "modified-kneser-ney"
    prune: tuple[int, ...] = ()
    max_bytes: int | None = None
    prune_by: str = "entropy"
    hand_down: bool = True
    delta: float = 0.01
    backoff_factor: float = 0.4
    katz_cutoff: int = 5
    memory_mb: int | None = None
    fallback_discounts: tuple[float, float, float] = FALLBACK_DISCOUNTS

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise ConfigError(f"order is {self.order}; legal: 1 to {MAX_ORDER}")
        if self.smoothing not in SMOOTHINGS:
            raise ConfigError(f"smoothing is {self.smoothing!r}; legal: {', '.join(SMOOTHINGS)}")
        if self.prune and (
            len(self.prune) != self.order or self.prune[0] != 0 or list(self.prune) != sorted(self.prune)
        ):
            raise ConfigError(f"prune is {self.prune}; it needs {self.order} thresholds that rise from 0")
        if self.max_bytes is not None and self.max_bytes < 1:
            raise ConfigError(f"max_bytes is {self.max_bytes}; it must be at least 1")
        if self.memory_mb is not None and self.memory_mb < MIN_MEMORY_MB:
            raise ConfigError(f"memory_mb is {self.memory_mb}; legal: {MIN_MEMORY_MB} or more")
        if self.prune_by not in PRUNE_BY:
            raise ConfigError(f"prune_by is {self.prune_by!r}; legal: {', '.join(PRUNE_BY)}")
        if not 0 < self.delta < math.inf:
            raise ConfigError(f"delta is {self.delta}; it must be above 0")
        if not 0 < self.backoff_factor <= 1:
            raise ConfigError(f"backoff_factor is {self.backoff_factor}; legal: above 0, at most 1")
        if self.katz_cutoff < 1:
            raise ConfigError(f"katz_cutoff is {self.katz_cutoff}; it must be at least 1")
        if not all(0 <= d <= count for count, d in enumerate(self.fallback_discounts, start=1)):
            raise ConfigError(f"fallback_discounts is {self.fallback_discounts}; legal: 0 up to 1, 2 and 3")


def _kneser_ney(
    orders: Sequence[NgramCounts], keep: Sequence[Array], config: NgramConfig, modified: bool
) -> list[Smoothed]:
    hand_down = config.hand_down and config.max_bytes is not None
    return kneser_ney(orders, keep, modified=modified, hand_down=hand_down, fallback=config.fallback_discounts)


SMOOTHINGS: Mapping[str, Callable[[Sequence[NgramCounts], Sequence[Array], NgramConfig], list[Smoothed]]] = {
    "add-delta": lambda orders, keep, config: add_delta(orders, keep, config.delta),
    "stupid-backoff": lambda orders, keep, config: stupid_backoff(orders, keep, config.backoff_factor),
    "katz": lambda orders, keep, config: katz(orders, keep, config.katz_cutoff),
    "absolute": lambda orders, keep, config: absolute(orders, keep, config.fallback_discounts[0]),
    "kneser-ney": lambda orders, keep, config: _kneser_ney(orders, keep, config, modified=False),
    "modified-kneser-ney": lambda orders, keep, config: _kneser_ney(orders, keep, config, modified=True),
}
"""Each takes the counts and what is kept of them (bool [rows] per order), and gives the model of each order."""


def train_ngram(
    stream: Array, vocab_size: int, config: NgramConfig, path: Path, progress: Progress | None = None
) -> None:
    """Estimate an n-gram model and write its tables to `path`, replacing it in one step.

    Raises CorpusError for an unusable stream, ConfigError where `max_bytes` cannot hold even the unigrams.
    """
    model = estimate_ngram(stream, vocab_size, config, progress, path.parent)
    if progress:
        progress(f"writing {path.name}")
    write_tables(path, model, config.max_bytes)


def estimate_ngram(
    stream: Array,
    vocab_size: int,
    config: NgramConfig,
    progress: Progress | None = None,
    folder: Path = Path(),
) -> BackoffModel:
    """Count the n-grams of a token stream (see `count_ngrams`), choose those to keep, and smooth.

    folder: where counting out of core keeps its files meanwhile.
    """
    size, order, limit = vocab_size, config.order, config.memory_mb
    if limit is None:
        return estimate_counted(count_ngrams(stream, size, order, progress), config, progress)
    counts = count_ngrams_out_of_core(stream, size, order, memory_mb=limit, folder=folder, progress=progress)
    return estimate_counted(counts, config, progress)


def estimate_counted(
    orders: Sequence[NgramCounts], config: NgramConfig, progress: Progress | None = None
) -> BackoffModel:
    """Choose which n-grams to keep, and smooth; `orders` as of `count_ngrams`, as many as the configuration says."""
    smooth = SMOOTHINGS[config.smoothing]
    keep = keep_counts_above(orders, config.prune or (0,) * config.order)
    if config.max_bytes is not None:
        by_count = config.prune_by == "count"
        for budget in (1.0 * config.max_bytes,) if by_count else (FIRST_CUT * config.max_bytes, config.max_bytes):
            if progress:
                progress(f"pruning to {budget / 1e6:.1f} MB")
            costs = count_ranks(orders, keep) if by_count else pruning_costs(orders, keep, smooth(orders, keep, config))
            keep = keep_within(orders, costs, budget)
    if progress:
        progress("smoothing")
    return compact(orders, keep, smooth(orders, keep, config))
