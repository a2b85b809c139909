"""Trains an n-gram model: from a token stream to the tables file that `foretype.runtime.engines.ngram` reads."""

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
"""Entropy pruning first cuts to a model this many times larger. The costs of the final cut then come from lower orders
that have already received the counts of what was cut: 1 % less perplexity at 6 MB than one cut."""

PRUNE_BY = ("entropy", "count")


@dataclass(frozen=True)
class NgramConfig:
    """How an n-gram model is estimated.

    order: length of the longest n-grams, 1 to 5.
    smoothing: how probability is given to n-grams that were not seen.
        "add-delta": add `delta` to every count of the highest order; lower orders are not used.
        "stupid-backoff": relative frequencies, times `backoff_factor` for each word that the context is shortened by.
            The scores do not sum to one, so the runtime divides them by their sum (Brants et al. 2007).
        "katz": Good-Turing discounts for counts up to `katz_cutoff`; lower orders for unseen n-grams only (Katz 1987).
        "absolute": one discount for each order, interpolated (Ney, Essen and Kneser 1994).
        "kneser-ney": the same, but lower orders count the contexts of a word (Kneser and Ney 1995).
        "modified-kneser-ney": with separate discounts for counts of 1, 2 and 3+ (Chen and Goodman 1999), like lmplz.
    prune: for each order, drop n-grams that occur at most this often, like lmplz's --prune: (0, 1, 2) drops bigrams
        that occur once and trigrams that occur at most twice. Starts with 0 and never decreases; empty drops nothing.
    max_bytes: largest size of the file. None keeps everything that `prune` left.
    prune_by: what to drop to stay within `max_bytes`: "entropy", the n-grams whose removal changes the distributions
        least (Stolcke 1998), or "count", the rarest.
    hand_down: whether the lower orders of Kneser-Ney count the occurrences of n-grams that `max_bytes` drops (see
        `adjusted_counts`). Other methods ignore it.
    delta: of "add-delta"; above 0. 1 is Laplace's rule, which is far too much for words.
    backoff_factor: of "stupid-backoff"; above 0, at most 1.
    katz_cutoff: largest count that "katz" discounts; at least 1.
    memory_mb: if given, count the n-grams on disk within this much memory, at least 256 MB, with the same result (see
        docs/large_corpora.md).
    fallback_discounts: discounts for counts of 1, 2 and 3+, used for an order whose counts allow no estimate (lmplz's
        --discount_fallback). Methods with one discount use the first.
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
            raise ConfigError(f"order is {self.order}; must be 1 to {MAX_ORDER}")
        if self.smoothing not in SMOOTHINGS:
            raise ConfigError(f"smoothing is {self.smoothing!r}; choose from {', '.join(SMOOTHINGS)}")
        if self.prune and (
            len(self.prune) != self.order or self.prune[0] != 0 or list(self.prune) != sorted(self.prune)
        ):
            raise ConfigError(f"prune is {self.prune}; must be {self.order} thresholds that rise from 0")
        if self.max_bytes is not None and self.max_bytes < 1:
            raise ConfigError(f"max_bytes is {self.max_bytes}; must be at least 1")
        if self.memory_mb is not None and self.memory_mb < MIN_MEMORY_MB:
            raise ConfigError(f"memory_mb is {self.memory_mb}; must be {MIN_MEMORY_MB} or more")
        if self.prune_by not in PRUNE_BY:
            raise ConfigError(f"prune_by is {self.prune_by!r}; choose from {', '.join(PRUNE_BY)}")
        if not 0 < self.delta < math.inf:
            raise ConfigError(f"delta is {self.delta}; must be above 0")
        if not 0 < self.backoff_factor <= 1:
            raise ConfigError(f"backoff_factor is {self.backoff_factor}; must be above 0 and at most 1")
        if self.katz_cutoff < 1:
            raise ConfigError(f"katz_cutoff is {self.katz_cutoff}; must be at least 1")
        if not all(0 <= d <= count for count, d in enumerate(self.fallback_discounts, start=1)):
            raise ConfigError(f"fallback_discounts is {self.fallback_discounts}; must be 0 to 1, 0 to 2 and 0 to 3")


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
"""Each function takes the counts and the rows to keep (bool [rows] per order), and returns the model of each order."""


def train_ngram(
    stream: Array, vocab_size: int, config: NgramConfig, path: Path, progress: Progress | None = None
) -> None:
    """Estimate an n-gram model and write its tables to `path`, replacing it in one step.

    Raises CorpusError for an unusable stream, ConfigError if even the unigrams exceed `max_bytes`.
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

    folder: for the temporary files of counting on disk.
    """
    size, order, limit = vocab_size, config.order, config.memory_mb
    if limit is None:
        return estimate_counted(count_ngrams(stream, size, order, progress), config, progress)
    counts = count_ngrams_out_of_core(stream, size, order, memory_mb=limit, folder=folder, progress=progress)
    return estimate_counted(counts, config, progress)


def estimate_counted(
    orders: Sequence[NgramCounts], config: NgramConfig, progress: Progress | None = None
) -> BackoffModel:
    """Choose which n-grams to keep, and smooth. orders: from `count_ngrams`, as many as `config.order`."""
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
