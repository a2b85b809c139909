"""Counts the n-grams of a corpus too large for one machine, on a Dask cluster.

Each worker turns shards into sorted windows (`foretype.train.ngrams.counting.packing`). The windows are then divided
into ranges by their first word; one worker merges a range of all shards and numbers its rows, which follow those of the
ranges before. The suffix of an n-gram begins with its second word, so its row is looked up in that word's range. The
client only adds up offsets and writes rows to disk.

Dask was chosen over Spark because its workers run Python and NumPy; Spark needs Java and works on tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from foretype.runtime.errors import CorpusError
from foretype.train.ngrams.counting.counts import SENTENCE_END, SENTENCE_START, Array, NgramCounts
from foretype.train.ngrams.counting.packing import NewRows, Packing, RowNumbering, count_words, unigrams, windows
from foretype.train.ngrams.counting.row_files import RowFiles
from foretype.train.text.shards import read_stream

if TYPE_CHECKING:
    from distributed import Client

_RANGES_PER_WORKER = 4


def count_ngrams_distributed(
    shards: Sequence[Path], vocab_size: int, order: int, client: Client, *, folder: Path | None = None
) -> list[NgramCounts]:
    """Count the n-grams of token streams on a Dask cluster, with the same result as `count_ngrams` of all in a row.

    shards: files of `write_stream` at paths that every worker can read; each begins with a document. A worker holds the
        windows of a shard in memory, about 60 bytes a token for order 4 (see `write_shards`).
    client: connected to the cluster, such as `distributed.Client("host:8786")`.
    folder: an existing folder for the result; None for the system's temporary folder. As with
        `count_ngrams_out_of_core`, the arrays are mapped from files that are deleted with them.

    Raises CorpusError if there are no shards, or if one is empty, does not begin with `<s>` or has an id outside the
    vocabulary; TableError for a damaged file.
    """
    if not shards:
        raise CorpusError("no shards were given; give at least one")
    packing, paths = Packing(vocab_size, order), [str(path.absolute()) for path in shards]
    # pure=False: Dask would otherwise reuse its result for an older file of the same name.
    words = client.map(_count_shard, paths, vocab_size=vocab_size, pure=False)
    totals = np.sum(client.gather(words), axis=0)
    tokens = int(totals.sum())
    bounds = _ranges(totals, _RANGES_PER_WORKER * len(client.nthreads()))
    ranges = range(len(bounds) - 1)

    sorted_shards = client.map(_sort_shard, paths, packing=packing, bounds=bounds, pure=False)
    pieces = [[client.submit(itemgetter(r), shard, pure=False) for shard in sorted_shards] for r in ranges]
    parts = [client.submit(_merge_range, of_range, packing, pure=False) for of_range in pieces]
    del sorted_shards, pieces
    sizes = np.array(client.gather([client.submit(_sizes, part, pure=False) for part in parts]))
    offsets = np.cumsum(sizes, axis=0) - sizes
    finished = []
    for r in ranges if order > 1 else ():
        asked = [client.submit(_suffixes_in, parts[r], bounds[to : to + 2], pure=False) for to in ranges]
        found = [client.submit(_look_up, parts[to], asked[to], offsets[to], vocab_size, pure=False) for to in ranges]
        finished.append(client.submit(_complete, parts[r], found, bounds, offsets[r], pure=False))
    del parts

    files = [RowFiles(tokens, vocab_size, folder) for _ in range(2, order + 1)]
    while finished:
        for file, rows, suffixes in zip(files, *finished.pop(0).result(), strict=True):
            file.add(rows)
            file.suffixes.append(suffixes)
    return [unigrams(totals, tokens)] + [file.mapped() for file in files]


@dataclass(frozen=True)
class _Part:
    """The distinct windows [order, windows] of one range of first words, and its rows of orders 2 and up.

    Rows are numbered within the part.
    """

    entries: Array
    orders: list[NewRows]


def _count_shard(path: str, vocab_size: int) -> Array:
    """Count the occurrences of each id in a shard."""
    stream = read_stream(Path(path))
    if not len(stream) or stream[0] != SENTENCE_START:
        raise CorpusError(f"{path}: a shard must begin with a document, with id {SENTENCE_START}")
    try:
        return count_words(stream, vocab_size)
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from None


def _ranges(counts: Array, parts: int) -> Array:
    """Divide the words into about `parts` ranges in which about equally many windows begin; return the bounds."""
    begins = counts.copy()
    begins[SENTENCE_START], begins[SENTENCE_END] = begins[SENTENCE_START] + begins[SENTENCE_END], 0
    upto = np.cumsum(begins)
    inner = np.searchsorted(upto, upto[-1] * np.arange(1, parts) // parts) + 1
    return np.unique([0, *inner, len(counts)])


def _sort_shard(path: str, packing: Packing, bounds: Array) -> list[tuple[Array, Array]]:
    """Return the distinct windows of a shard, packed, and their counts, separately for each range of first words."""
    stream = read_stream(Path(path))
    keys = packing.pack(windows(stream, 0, len(stream), packing.order))
    keys, counts = _distinct(keys, np.ones(keys.shape[1], np.uint32))
    cuts = np.searchsorted(keys[0], packing.first_key(bounds[1:-1]))
    return list(zip(np.split(keys, cuts, axis=1), np.split(counts, cuts), strict=True))


def _distinct(keys: Array, counts: Array) -> tuple[Array, Array]:
    """Sort windows [columns, windows] and merge equal ones."""
    if not len(counts):
        return keys, counts
    permutation = np.lexsort(keys[::-1])
    keys = keys[:, permutation]
    starts = np.flatnonzero(np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)))
    return keys[:, starts], np.add.reduceat(counts[permutation], starts)


def _merge_range(pieces: list[tuple[Array, Array]], packing: Packing) -> _Part:
    """Merge the windows of a range from all shards, and number its n-grams."""
    keys, counts = (np.concatenate(arrays, axis=-1) for arrays in zip(*pieces, strict=True))
    keys, counts = _distinct(keys, counts)
    entries = packing.unpack(keys)
    numbering = RowNumbering(packing.order)
    orders = numbering.add(entries, counts)
    complete = [np.append(rows.counts, last) for rows, last in zip(orders, numbering.rest(), strict=True)]
    return _Part(entries, [rows._replace(counts=counts) for rows, counts in zip(orders, complete, strict=True)])


def _sizes(part: _Part) -> list[int]:
    return [len(rows.at) for rows in part.orders]


def _has_suffix_in(entries: Array, span: Array) -> Array:
    """Which windows [order, windows] have a suffix, of at least two words, whose first word is in `span`."""
    second = entries[1].astype(np.int64) - 1
    inside: Array = (second >= span[0]) & (second < span[1]) & (entries[2:3] > 0).any(axis=0)
    return inside


def _suffixes_in(part: _Part, span: Array) -> Array:
    """Return the windows of a part without their first words, if they then begin in `span`: [order - 1, windows]."""
    return part.entries[1:, _has_suffix_in(part.entries, span)]


def _look_up(part: _Part, asked: Array, offsets: Array, vocab_size: int) -> Array:
    """Find the rows of the first 2, 3, ... words of each window: int64 [order - 2, windows].

    If a window has fewer words, the row is meaningless.
    """
    asked = asked.astype(np.int64) - 1
    found = np.empty((len(asked) - 1, asked.shape[1]), np.int64)
    row = asked[0]
    for n, (words, rows) in enumerate(zip(asked[1:], part.orders, strict=False)):
        row = np.searchsorted(rows.contexts * vocab_size + rows.words, row * vocab_size + words)
        found[n] = row + offsets[n]
    return found


def _complete(part: _Part, found: list[Array], bounds: Array, offsets: Array) -> tuple[list[NewRows], list[Array]]:
    """Return the rows of a part, with contexts numbered as in the whole, and their suffixes."""
    longer = np.empty((max(len(part.entries) - 2, 0), part.entries.shape[1]), np.int64)
    for to, rows_of_suffixes in enumerate(found):
        longer[:, _has_suffix_in(part.entries, bounds[to : to + 2])] = rows_of_suffixes
    orders, suffixes = part.orders[:1], [part.orders[0].words]
    for n, rows in enumerate(part.orders[1:]):
        orders.append(rows._replace(contexts=rows.contexts + offsets[n]))
        suffixes.append(longer[n, rows.at])
    return orders, suffixes
