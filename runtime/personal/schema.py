"""The tables of the store's file, and the values that are legal in them.

A file can contain anything: bits flip, and people edit files. So every value is checked.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args

ListName = Literal["never", "allowed", "kept"]
"""Words that are never suggested; exceptions from the list of offensive words; words that are never corrected."""
LISTS: tuple[str, ...] = get_args(ListName)
LONGEST_FORM = 64
"""Maximum number of characters in a word."""
KEY_BYTES = 32
HASH_BYTES = 16
HIGHEST_WEIGHT = 2.0**500
"""Weights are scaled down long before they reach this."""
HIGHEST_ID = 2**53
_HIGHEST_COUNT = 2**53
_HIGHEST_TRUST = 2**40
_SHARES = 3
_LONGEST_JSON = 200
SCHEMA_VERSION = 1
SQL_ERRORS = (sqlite3.Error, ValueError)
"""Errors that a damaged file raises. ValueError: SQLite's message quotes bytes of the file that are not UTF-8."""
_STATEMENTS = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE words(id INTEGER PRIMARY KEY AUTOINCREMENT, form TEXT NOT NULL UNIQUE, key TEXT NOT NULL,
                   weight REAL NOT NULL, trust INTEGER NOT NULL);
CREATE INDEX words_by_key ON words(key);
CREATE TABLE grams(a INTEGER NOT NULL, b INTEGER NOT NULL, word INTEGER NOT NULL, weight REAL NOT NULL,
                   PRIMARY KEY(a, b, word)) WITHOUT ROWID;
CREATE TABLE forgotten(hash BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE listed(list TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY(list, key)) WITHOUT ROWID;
CREATE TABLE imported(hash BLOB PRIMARY KEY) WITHOUT ROWID;
"""
SCHEMA = [statement.strip() for statement in _STATEMENTS.split(";") if statement.strip()]
"""SQLite stores these statements in the file, and `is_whole` compares them. Any change needs a new version."""
_SEQUENCE = "CREATE TABLE sqlite_sequence(name,seq)"
"""The table that SQLite creates for AUTOINCREMENT."""


class DamageError(Exception):
    """A value in the store has the wrong type or is out of range; the message says which."""


def is_form(form: object) -> bool:
    """Whether `form` is a legal word or mark: printable, not too long, and without spaces."""
    return isinstance(form, str) and 0 < len(form) <= LONGEST_FORM and form.isprintable() and " " not in form


def is_weight(value: object) -> bool:
    """Whether `value` is a legal weight."""
    return type(value) in (float, int) and 0 <= value <= HIGHEST_WEIGHT  # type: ignore[operator]


def is_count(value: object) -> bool:
    """Whether `value` is a legal count, such as of words learned or of times cleared."""
    return type(value) in (float, int) and 0 <= value < _HIGHEST_COUNT  # type: ignore[operator]


def is_trust(value: object) -> bool:
    """Whether `value` is a legal trust of a word."""
    return type(value) is int and 0 <= value < _HIGHEST_TRUST


def is_id(value: object) -> bool:
    """Whether `value` is a legal id of a word."""
    return type(value) is int and 0 < value < HIGHEST_ID


def are_word_rows(rows: Sequence[tuple[Any, Any, Any, Any, Any]]) -> bool:
    """Whether these are legal rows of the table `words`: id, form, folded form, weight, trust.

    Checks each column as a whole. Checking value by value would take longer than reading the rows.
    """
    if not rows:
        return True
    ids, forms, keys, weights, trusts = zip(*rows, strict=True)
    texts = forms + keys
    if {*map(type, ids), *map(type, trusts)} != {int} or {*map(type, texts)} != {str}:
        return False
    if not {*map(type, weights)} <= {float, int}:
        return False
    together, lengths = "".join(texts), {*map(len, texts)}
    return (
        all(map(is_id, (min(ids), max(ids))))
        and all(map(is_weight, (min(weights), max(weights))))
        and all(map(is_trust, (min(trusts), max(trusts))))
        and 0 < min(lengths) <= max(lengths) <= LONGEST_FORM
        and together.isprintable()
        and " " not in together
    )


def is_listed(name: object, key: object) -> bool:
    """Whether this is a legal row of the table `listed`."""
    return name in LISTS and is_form(key)


def is_hash(value: object) -> bool:
    """Whether `value` is a legal hash of a forgotten phrase or of an import."""
    return isinstance(value, bytes) and len(value) >= HASH_BYTES


def is_key(value: object) -> bool:
    """Whether `value` is a legal secret key for the hashes."""
    return isinstance(value, bytes) and len(value) == KEY_BYTES


def parse_shares(value: Any) -> list[float]:
    """Parse the personal model's shares of the blend from JSON. Raises DamageError if they are not legal."""
    try:
        shares = json.loads(value) if isinstance(value, str) and len(value) <= _LONGEST_JSON else None
    except ValueError:
        shares = None
    if not isinstance(shares, list) or len(shares) != _SHARES:
        raise DamageError(f"shares are {value!r:.60}")
    if not all(type(share) in (float, int) and math.isfinite(share) and 0 <= share <= 1 for share in shares):
        raise DamageError(f"shares are {shares!r:.60}")
    return [float(share) for share in shares]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one write transaction that is applied completely or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create(connection: sqlite3.Connection) -> None:
    """Create the tables, unless another process has created them meanwhile."""
    with transaction(connection):
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in SCHEMA:
                connection.execute(statement)
            key = os.urandom(KEY_BYTES)
            connection.executemany("INSERT INTO meta VALUES(?, ?)", [("key", key), ("spare_key", key)])
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether SQLite can read and write the file, and it has exactly these tables. Raises SQL_ERRORS."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    statements = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()}
    sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    return bool(sound and version == SCHEMA_VERSION and statements == {*SCHEMA, _SEQUENCE})
