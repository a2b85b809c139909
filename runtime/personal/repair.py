"""Repairs a damaged store by keeping its legal rows: those that this program could have written.

If SQLite can still use the file, `mend` removes the other rows. If not, `read_legal` and `fill` copy the legal rows to
a new file.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from functools import partial
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any

from foretype.runtime.files.user_folder import make_private_file
from foretype.runtime.personal.learning.attention import Looks
from foretype.runtime.personal.rows import ids_are_left
from foretype.runtime.personal.schema import (
    KEY_BYTES,
    SQL_ERRORS,
    DamageError,
    is_count,
    is_form,
    is_hash,
    is_id,
    is_key,
    is_listed,
    is_trust,
    is_weight,
    parse_shares,
    transaction,
)
from foretype.runtime.text.vocabulary import fold

_ASIDE = ".damaged-"
_MOST_COPIES = 3
"""Number of copies of damaged states to keep. Older ones are deleted."""
Row = tuple[Any, ...]
Rows = dict[str, list[Row]]
_COLUMNS = {
    "meta": "name, value",
    "words": "id, form, key, weight, trust",
    "grams": "a, b, word, weight",
    "forgotten": "hash",
    "listed": "list, key",
    "imported": "hash",
}


def is_harmed(connection: sqlite3.Connection) -> bool:
    """Whether the store contains rows that are not legal."""
    found = _read(connection)
    return found != _legal(found) or not ids_are_left(connection)


def mend(connection: sqlite3.Connection) -> None:
    """Remove every row that is not legal, in one transaction that is applied completely or not at all."""
    with transaction(connection):
        _write(connection, _legal(_read(connection)))


def read_legal(connection: sqlite3.Connection) -> Rows:
    """Read the legal rows of all tables, as far as SQLite can read them."""
    return _legal(_read(connection, *SQL_ERRORS))


def fill(connection: sqlite3.Connection, rows: Rows) -> None:
    """Replace the whole content of a new store with `rows`."""
    with transaction(connection):
        _write(connection, rows)


# --- Copies of damaged stores


def keep_copy(connection: sqlite3.Connection, path: Path) -> str:
    """Copy the store `path`, which `connection` has open, unchanged. Returns the name of the copy beside it."""
    copy = _new_name(path)
    make_private_file(copy)
    target = sqlite3.connect(copy)
    try:
        connection.backup(target)
    except sqlite3.Error:
        copy.unlink()
        raise
    finally:
        target.close()
    return copy.name


def set_aside(path: Path) -> str:
    """Rename the store `path`, which this process must not have open. Returns the new name."""
    aside = _new_name(path)
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside.name


def remove_copies(path: Path, keep: int = 0) -> int:
    """Delete the copies of damaged states of the store `path`, except the newest `keep`. Returns how many."""
    copies = sorted(
        copy for copy in path.parent.glob(escape(path.name) + _ASIDE + "*") if not copy.name.endswith(("-wal", "-shm"))
    )
    gone = copies[: len(copies) - keep]
    for copy in gone:
        for suffix in ("-wal", "-shm", ""):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    return len(gone)


def _new_name(path: Path) -> Path:
    remove_copies(path, keep=_MOST_COPIES - 1)
    stem = f"{path.name}{_ASIDE}{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    names = (path.with_name(stem + (f"-{number}" if number else "")) for number in count())
    return next(name for name in names if not os.path.lexists(name))


# --- Rows


def _read(connection: sqlite3.Connection, *ignored: type[Exception]) -> Rows:
    """Read all rows of all tables, each table up to the first error of a type in `ignored`."""
    found: Rows = {table: [] for table in _COLUMNS}
    # Bytes that are not valid UTF-8 are not a word, but must not stop the rest from being read.
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        for table, columns in _COLUMNS.items():
            with suppress(*ignored):
                for row in connection.execute(f"SELECT {columns} FROM {table}"):
                    found[table].append(row)
    finally:
        connection.text_factory = str
    return found


def _write(connection: sqlite3.Connection, rows: Rows) -> None:
    for table, columns in _COLUMNS.items():
        connection.execute(f"DELETE FROM {table}")
        if table == "words":
            connection.execute("DELETE FROM sqlite_sequence")
        places = ", ".join("?" * len(columns.split(",")))
        connection.executemany(f"INSERT OR IGNORE INTO {table}({columns}) VALUES({places})", rows[table])


def _legal(found: Rows) -> Rows:
    """Return the legal rows, and recompute values that can be recomputed."""
    meta: dict[str, Any] = {name: value for name, value in found["meta"] if _is_setting(name, value)}
    # The folded form is computed from the form. A word whose uses are lost counts as written once.
    words = [
        (id_, form, fold(form), weight if is_weight(weight) else 1.0, trust if is_trust(trust) else 1)
        for id_, form, _, weight, trust in found["words"]
        if is_id(id_) and is_form(form)
    ]
    ids = {row[0] for row in words}
    before = ids | {0}
    grams = [row for row in found["grams"] if row[0] in before and {row[1], row[2]} <= ids and is_weight(row[3])]
    forgotten = [row for row in found["forgotten"] if is_hash(*row)]
    if not is_key(meta.get("key")):
        if not is_key(meta.get("spare_key")):
            meta["spare_key"], forgotten = os.urandom(KEY_BYTES), []  # the hashes are useless without their key
        meta["key"] = meta["spare_key"]
    lost = {row[0] for row in found["meta"]} - set(meta)
    if {"words", "landmark"} & lost or meta.get("words", 0) < meta.get("landmark", 0):
        # The weight of a word written now is lost. Scale the weights so that their sum is the total number of uses.
        uses = sum(row[-1] for row in words)
        scale = max(1.0, sum(row[3] for row in words) / max(1, uses))
        words = [(*row[:3], row[3] / scale, row[-1]) for row in words]
        grams = [(*row[:3], row[3] / scale) for row in grams]
        meta["words"] = meta["landmark"] = float(uses)
    return {
        "meta": list(meta.items()),
        "words": words,
        "grams": grams,
        "forgotten": forgotten,
        "listed": [row for row in found["listed"] if is_listed(*row)],
        "imported": [row for row in found["imported"] if is_hash(*row)],
    }


def _is_setting(name: object, value: object) -> bool:
    if name == "shares":
        try:
            return bool(parse_shares(value))
        except DamageError:
            return False
    if name in ("key", "spare_key"):
        return is_key(value)
    return name in ("words", "landmark", "cleared", "purge_due", *Looks._fields) and is_count(value)
