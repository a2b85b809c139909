"""The SQLite file behind the personal store: how it is opened, and what becomes of it when it is damaged."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from foretype.runtime.errors import StoreError

SCHEMA_VERSION = 1
_SCHEMA = """
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
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PURGE_DUE = "purge_due"
"""A row of `meta` that stands there from the deletion of rows until their bytes are gone."""
_CHECKPOINT_PAGES = 128
"""The WAL goes into the file after this many pages, half a megabyte."""


class Database:
    """One SQLite file, opened at its first use, by this process or any other, in any number.

    path: the file. readable_only: whether nothing can be written to it.
    notice: None, or one line about a damaged file that was set aside.
    """

    def __init__(self, path: Path, busy_ms: int) -> None:
        self.path = path
        self.notice: str | None = None
        self.readable_only = False
        self._busy_ms = busy_ms
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._lock = threading.RLock()

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time. Raises StoreError for whatever SQLite or the system refuses.

        A file that turns out to be damaged is set aside, under a name that says so; the next use begins a new one.
        """
        with self._lock:
            try:
                yield self._opened()
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code in _DAMAGE or (code == sqlite3.SQLITE_ERROR and not self._is_sound()):
                    self._set_aside()
                    raise StoreError(
                        self.notice or f"{self.path}: damaged, and set aside by another program"
                    ) from error
                raise StoreError(f"{self.path}: {_reason(error)}") from error
            except (ValueError, TypeError, AssertionError) as error:  # what was read is not what was ever written
                if not self._is_sound():
                    self._set_aside()
                raise StoreError(self.notice or f"{self.path}: cannot be read ({error})") from error
            except OSError as error:
                raise StoreError(f"{error.filename or self.path}: {error.strerror}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """As `use`, in one transaction that is made whole or not at all."""
        with self.use() as connection:
            if self.readable_only:
                raise StoreError(f"{self.path}: can be read, not written")
            connection.execute("BEGIN IMMEDIATE")
            try:
                due = connection.execute("SELECT 1 FROM meta WHERE name = ?", (PURGE_DUE,)).fetchone() is not None
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        if due:  # a process was killed before it could, or another one kept old pages open
            with suppress(StoreError):
                self.purge()

    def purge(self) -> None:
        """Leave no byte of deleted rows in the file, its free pages or its WAL.

        `secure_delete` overwrites rows where they stood, but moving rows between pages leaves copies; only a file that
        is written anew has none. Raises StoreError where another process keeps reading old pages all the while.
        """
        with self.use() as connection:
            connection.execute("VACUUM")
            self._empty_wal(connection)
            connection.execute("DELETE FROM meta WHERE name = ?", (PURGE_DUE,))

    def _empty_wal(self, connection: sqlite3.Connection) -> None:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(f"{self.path}: forgotten, but another program keeps old pages of the file open")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        # A connection must not be carried over a fork.
        if self._connection is None or self._process != os.getpid():
            self._connection, self._process = self._open(), os.getpid()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)  # SQLite gives its side files the same mode
            try:
                if hasattr(os, "fchmod") and os.fstat(handle).st_uid == os.getuid():
                    os.fchmod(handle, 0o600)
            finally:
                os.close(handle)
            self.readable_only = not os.access(self.path.parent, os.W_OK)
        except OSError:
            if not self.path.exists():
                raise
            self.readable_only = True
        # A file in a folder that cannot be written has no room for the side files that readers need.
        mode = "mode=ro&immutable=1" if self.readable_only else "mode=rw"
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?{mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._busy_ms / 1000,
        )
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path}: written by a newer version of Foretype (format {version}; this one knows "
                    f"{SCHEMA_VERSION})"
                )
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA cache_size=-1024")
            if not self.readable_only:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing, a power cut little
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            if version == 0:
                _create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> None:
        self.close()
        if self._is_sound():  # another process has set it aside already
            return
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        self.notice = f"{self.path}: damaged; kept as {aside.name}, and a new one begun"

    def _is_sound(self) -> bool:
        try:
            connection = sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True)
            try:
                tables = {name for (name, _) in connection.execute("SELECT name, sql FROM sqlite_schema").fetchall()}
                whole = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
                return bool(whole and set(re.findall(r"CREATE TABLE (\w+)", _SCHEMA)) <= tables)
            finally:
                connection.close()
        except (sqlite3.Error, ValueError):
            return False


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has made them in the meantime."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES('key', ?)", (os.urandom(32),))
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _reason(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "in use by another program"
    return str(error)
