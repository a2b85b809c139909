"""Counts the n-grams of a token stream in bounded memory: DuckDB sorts on disk, NumPy reads the sorted rows.

Windows of the stream (`foretype.train.ngrams.counting.packing`) are inserted into a table piece by piece and sorted.
One pass over them numbers the n-grams of all orders. The pass does not find the row of an n-gram's suffix: that is the
row below with the context `suffix of the context` and the same word. It is found order by order, by sorting again. A
join in SQL would be shorter, but DuckDB's joins run out of memory where its sorts use the disk.

DuckDB was chosen over Polars, whose streaming engine has no memory limit. Both sort 20 M windows of 4 words in 20 to
30 seconds; Polars used 1,030 MB, DuckDB 380 MB with a limit of 300 MB.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from foretype.runtime.errors import ConfigError, CorpusError
from foretype.train.ngrams.counting.counts import Array, NgramCounts, Progress
from foretype.train.ngrams.counting.packing import Packing, RowNumbering, count_words, unigrams, windows
from foretype.train.ngrams.counting.row_files import RowFiles
from foretype.train.text.disk_array import release

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MIN_MEMORY_MB = 256
"""Half of it is for sorting; DuckDB's code and buffers, and a piece of the arrays, take about 100 MB."""

_ENGINE_SHARE = 0.5
"""DuckDB's limit as a share of the memory; the rest is for arrays, and for memory that DuckDB does not count."""
_MB_PER_THREAD = 125
"""DuckDB's tuning guide recommends this much for each thread."""
_TOKENS_PER_MB = 800
_MAX_STEP = 1 << 21


def count_ngrams_out_of_core(
    stream: Array, vocab_size: int, order: int, *, memory_mb: int, folder: Path, progress: Progress | None = None
) -> list[NgramCounts]:
    """Count like `count_ngrams`, with the same result, in memory that depends on neither the stream nor the result.

    stream: token ids [tokens], usually a mapped file (`read_stream`).
    memory_mb: megabytes of memory to use, at least 256; 20 bytes for each word of the vocabulary are added.
    folder: for temporary files and the result; `docs/large_corpora.md` has figures.

    The arrays of orders 2 and up are mapped, read-only, from files without names that are deleted with the arrays.
    Rows are int64 instead of int32 if the stream has 2^31 tokens or more, counts uint64 from 2^32 on. Nothing else is
    left in `folder`, even after an error; a killed process leaves a folder `.counting-*`.

    Raises CorpusError like `count_ngrams`; ConfigError if `memory_mb` is too small, the disk is full, or duckdb is not
    installed.
    """
    if memory_mb < MIN_MEMORY_MB:
        raise ConfigError(f"memory_mb is {memory_mb}; must be {MIN_MEMORY_MB} or more")
    if stream.ndim != 1 or stream.size == 0:
        raise CorpusError(f"the token stream has shape {stream.shape}; must be one-dimensional and not empty")
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda _: None)
    step = min(memory_mb * _TOKENS_PER_MB, _MAX_STEP)
    packing = Packing(vocab_size, order)
    keys = [f"k{column}" for column in range(packing.columns)]
    files = [RowFiles(len(stream), vocab_size, folder) for _ in range(2, order + 1)]
    with _database(folder, memory_mb) as database:
        tell("reading the tokens")
        lowest = _store_windows(database, stream, packing, keys, step)
        tell("sorting the n-grams")
        numbering = RowNumbering(order)
        for *columns, counts in _sorted(database, "windows", keys, [*keys, "n"], step):
            for file, rows in zip(files, numbering.add(packing.unpack(np.stack(columns)), counts), strict=True):
                file.add(rows)
        for file, counts in zip(files, numbering.rest(), strict=True):
            file.counts.append(counts)
        for n, file in enumerate(files, start=2):
            tell(f"suffixes of {n}-grams")
            if n == 2:
                for start in range(0, len(file.words), step):
                    file.suffixes.append(file.words.read(start, start + step))
            else:
                _find_suffixes(database, file, files[n - 3], vocab_size, step)
    return [lowest] + [file.mapped() for file in files]


@contextmanager
def _database(folder: Path, memory_mb: int) -> Iterator[DuckDBPyConnection]:
    """Open an empty database in a temporary folder."""
    try:
        import duckdb
    except ImportError:
        raise ConfigError("counting in bounded memory needs duckdb: pip install 'foretype[large]'") from None
    limit = round(memory_mb * _ENGINE_SHARE)
    with TemporaryDirectory(prefix=".counting-", dir=folder) as scratch:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{limit}MB",
            "temp_directory": f"{scratch}/spilled",
            "threads": max(1, min(limit // _MB_PER_THREAD, os.cpu_count() or 1)),
        }
        try:
            with duckdb.connect(f"{scratch}/windows.duckdb", config=config) as database:
                database.execute("PRAGMA disable_progress_bar")
                yield database
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(f"{folder}: counting with memory_mb {memory_mb} failed: {reason}") from error


def _store_windows(
    database: DuckDBPyConnection, stream: Array, packing: Packing, keys: Sequence[str], step: int
) -> NgramCounts:
    """Insert the windows of `stream` into the table `windows`, equal ones of a piece once; return the unigrams."""
    names = ", ".join(keys)
    database.execute(f"CREATE TABLE windows ({', '.join(f'{key} UBIGINT' for key in keys)}, n UINTEGER)")
    counts = np.zeros(packing.vocab_size, np.int64)
    for start in range(-1, len(stream), step):
        stop = min(start + step, len(stream))
        counts += count_words(stream[max(start, 0) : stop], packing.vocab_size)
        packed = packing.pack(windows(stream, start, stop, packing.order))
        piece = dict(zip(keys, packed, strict=True))
        database.register("piece", piece)
        database.execute(f"INSERT INTO windows SELECT {names}, count(*) FROM piece GROUP BY {names}")
        database.unregister("piece")
        release(stream)
    return unigrams(counts, len(stream))


def _sorted(
    database: DuckDBPyConnection, table: str, by: Sequence[str], columns: Sequence[str], step: int
) -> Iterator[list[Array]]:
    """Yield the columns of a table in ascending order, `step` rows at a time; drop the table."""
    database.execute(f"CREATE TABLE sorted AS SELECT * FROM {table} ORDER BY {', '.join(by)}")
    database.execute(f"DROP TABLE {table}")
    (count,) = database.execute("SELECT count(*) FROM sorted").fetchall()[0]
    query = f"SELECT {', '.join(columns)} FROM sorted WHERE rowid >= ? AND rowid < ?"
    for start in range(0, count, step):
        found = database.execute(query, [start, start + step]).fetchnumpy()
        yield [np.asarray(found[column]) for column in columns]
    database.execute("DROP TABLE sorted")


def _insert(database: DuckDBPyConnection, table: str, piece: dict[str, Array]) -> None:
    database.register("piece", piece)
    database.execute(f"INSERT INTO {table} SELECT * FROM piece")
    database.unregister("piece")


def _find_suffixes(database: DuckDBPyConnection, rows: RowFiles, below: RowFiles, vocab_size: int, step: int) -> None:
    """Find the suffixes of an order from 3 on; those of `below` are known.

    The suffixes are sorted like the rows below, looked up in one pass over both, and sorted back.
    """
    database.execute("CREATE TABLE asked (key UBIGINT, row BIGINT)")
    for start in range(0, len(rows.words), step):
        contexts = rows.contexts.read(start, start + step)
        # Contexts ascend, so those of this piece are adjacent.
        suffixes = below.suffixes.read(int(contexts[0]), int(contexts[-1]) + 1)[contexts - contexts[0]]
        keys = _keys(suffixes, rows.words.read(start, start + step), vocab_size)
        _insert(database, "asked", {"key": keys, "row": np.arange(start, start + len(keys))})
    database.execute("CREATE TABLE found (suffix BIGINT, row BIGINT)")
    start, known = 0, np.empty(0, np.uint64)
    for asked, row in _sorted(database, "asked", ["key"], ["key", "row"], step):
        while len(asked):
            if not len(known) or known[-1] < asked[0]:
                start += len(known)
                known = _keys(
                    below.contexts.read(start, start + step), below.words.read(start, start + step), vocab_size
                )
                continue
            upto = int(np.searchsorted(asked, known[-1], side="right"))
            suffixes = start + np.searchsorted(known, asked[:upto])
            _insert(database, "found", {"suffix": suffixes, "row": row[:upto]})
            asked, row = asked[upto:], row[upto:]
    for (suffixes,) in _sorted(database, "found", ["row"], ["suffix"], step):
        rows.suffixes.append(suffixes)


def _keys(contexts: Array, words: Array, vocab_size: int) -> Array:
    """Pack the context's row and the word of each n-gram into one integer; the order is that of the rows."""
    return contexts.astype(np.uint64) * np.uint64(vocab_size) + words
