"""The tables of the store's file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from foretype.runtime.personal.checks import KEY_BYTES

SCHEMA_VERSION = 1
SQL_ERRORS = (sqlite3.Error, ValueError)
"""What a damaged file raises: a ValueError where SQLite's message quotes bytes of it that are no UTF-8."""
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
"""SQLite keeps these texts in the file: a change of one, be it a space, needs another version."""
_SEQUENCE = "CREATE TABLE sqlite_sequence(name,seq)"
"""SQLite's own, for AUTOINCREMENT."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that writes, made whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has made them in the meantime."""
    with transaction(connection):
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in SCHEMA:
                connection.execute(statement)
            key = os.urandom(KEY_BYTES)
            connection.executemany("INSERT INTO meta VALUES(?, ?)", [("key", key), ("spare_key", key)])
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether the file is one that SQLite can read and write, with these tables and no others. Raises SQL_ERRORS."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    statements = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()}
    sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    return bool(sound and version == SCHEMA_VERSION and statements == {*SCHEMA, _SEQUENCE})
