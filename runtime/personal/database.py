"""The SQLite file behind the personal store: opens it, writes it, and repairs it when it is damaged."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar
from urllib.parse import quote

from foretype.runtime.errors import StoreError
from foretype.runtime.files.user_folder import identity, make_private_file, make_private_folder
from foretype.runtime.personal.repair import (
    fill,
    is_harmed,
    keep_copy,
    mend,
    read_legal,
    remove_copies,
    set_aside,
)
from foretype.runtime.personal.schema import SCHEMA_VERSION, SQL_ERRORS, DamageError, create, is_whole, transaction

_CIRCUMSTANCES = {
    getattr(sqlite3, f"SQLITE_{name}")
    for name in ["BUSY", "LOCKED", "FULL", "IOERR", "READONLY", "CANTOPEN", "PERM", "NOMEM", "INTERRUPT"]
}
"""Errors that do not mean that the content of the file is damaged."""
PURGE_DUE = "purge_due"
"""A row of `meta` that is present from the deletion of rows until their bytes are gone from the file."""
_CHECKPOINT_PAGES = 128
"""The WAL is written back into the file after this many pages (half a megabyte)."""
_WAL_BYTES = 1 << 20
"""A WAL that grew larger than this is truncated to it."""
_BUSY = "in use by another program"
_REPAIR_PAUSE = 2.0
"""Seconds until a failed repair is tried again. Checking a whole file takes a while."""
_inherited: list[sqlite3.Connection] = []
"""Connections of the parent process of a fork. Closing one here could release the locks that the parent holds."""
_databases: weakref.WeakSet[Database] = weakref.WeakSet()

P = ParamSpec("P")
T = TypeVar("T")


class MendedError(StoreError):
    """The store was damaged, and its readable content has been saved. The operation may be tried again."""


def mending(verb: Callable[P, T]) -> Callable[P, T]:
    """Wrap `verb` so that it runs a second time if the first run found the store damaged."""

    @wraps(verb)
    def done(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return verb(*arguments, **named)
        except MendedError:
            return verb(*arguments, **named)

    return done


class Database:
    """One SQLite file, opened at its first use. Any number of processes may share it.

    path: the file. readable_only: whether the file cannot be written. opened: how often it was opened.
    notice: None, or one line about damage that was found.
    """

    def __init__(self, path: Path, busy_ms: int) -> None:
        self.path = path
        self._name = str(path)
        self.notice: str | None = None
        self.readable_only = False
        self.opened = 0
        self._busy_ms = busy_ms
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._repair_at = 0.0
        self._shut: Callable[[], object] = lambda: None
        self._lock = threading.RLock()
        _databases.add(self)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, to one thread at a time.

        Raises StoreError for errors of SQLite or the operating system. Repairs damage that is found and raises
        MendedError: rows with illegal values are left out; a file that SQLite cannot use is set aside, and a new one
        is started with the rows that can be read.
        """
        with self._lock:
            try:
                yield self._opened()
            except sqlite3.Error as error:
                if _says_nothing_of_the_file(error):
                    raise StoreError(f"{self.path}: {_reason(error)}") from error
                self._repair(error)
            except (DamageError, ValueError, TypeError, LookupError, ArithmeticError, AssertionError) as error:
                self._repair(error)
            except OSError as error:
                raise StoreError(f"{error.filename or self.path}: {error.strerror}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Like `use`, but in one transaction that is applied completely or not at all."""
        with self.use() as connection:
            if self.readable_only:
                raise StoreError(f"{self.path}: can be read, not written")
            with transaction(connection):
                due = connection.execute("SELECT 1 FROM meta WHERE name = ?", (PURGE_DUE,)).fetchone() is not None
                yield connection
        if due:  # a process was killed before its purge, or another one kept old pages open
            with suppress(StoreError):
                self.purge()

    def purge(self) -> int:
        """Erase deleted rows from the file, its free pages and its WAL, and delete copies of damaged files.

        Returns how many copies were deleted. Raises StoreError if another process keeps reading old pages meanwhile.
        """
        with self.use() as connection:
            copies = remove_copies(self.path)
            self.notice = None
            self.compact()
            connection.execute("DELETE FROM meta WHERE name = ?", (PURGE_DUE,))
        return copies

    def compact(self) -> None:
        """Rewrite the file without free pages, and empty its WAL. Raises StoreError like `purge`.

        `secure_delete` overwrites deleted rows in place, but moving rows between pages leaves copies. Only rewriting
        the whole file removes these.
        """
        with self.use() as connection:
            connection.execute("VACUUM")
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StoreError(f"{self.path}: written, but another program keeps old pages of the file open")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._connection = None
            self._shut()

    def enter_child(self) -> None:
        """Drop the connection and the lock after a fork: they belong to the parent process."""
        self._connection = None
        self._lock = threading.RLock()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._still_there():
                return self._connection
            self.close()  # the file was set aside by another process, or removed
        self._connection = self._open()
        self._shut = weakref.finalize(self, _shut, self._connection, os.getpid())
        return self._connection

    def _still_there(self) -> bool:
        try:
            found = os.lstat(self._name)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _open(self) -> sqlite3.Connection:
        try:
            make_private_folder(self.path.parent)
            make_private_file(self.path)  # SQLite gives its side files the same mode
            self.readable_only = not (os.access(self.path.parent, os.W_OK) and os.access(self.path, os.W_OK))
        except OSError:
            if not self.path.exists():
                raise
            self.readable_only = True
        self._identity = identity(self.path)
        # SQLite cannot create the side files that readers need in a folder that is not writable.
        connection = _connect(self.path, "ro&immutable=1" if self.readable_only else "rw", self._busy_ms)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if identity(self.path) != self._identity:
                raise MendedError(f"{self.path}: replaced while it was opened")
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path}: written by a newer version of Foretype (format {version}; this one knows "
                    f"{SCHEMA_VERSION})"
                )
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA cache_size=-1024")
            if not self.readable_only:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing, a power cut a little
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
                connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
            if version == 0:
                create(connection)
        except BaseException:
            connection.close()
            raise
        self.opened += 1
        return connection

    # --- Damage

    def _repair(self, error: Exception) -> NoReturn:
        """Repair the damage that caused `error`. Raises MendedError, or StoreError if the repair fails."""
        if self._connection is not None and self._connection.in_transaction:
            raise error  # the outermost `use` handles it
        if self.readable_only or time.monotonic() < self._repair_at:
            raise StoreError(f"{self.path}: damaged, and cannot be mended ({error})") from error
        self._repair_at = time.monotonic() + _REPAIR_PAUSE
        try:
            if identity(self.path) != self._identity:
                raise MendedError(f"{self.path}: damaged, and set aside by another program") from error
            if not _is_whole(self.path, self._busy_ms):
                self._begin_anew()
            else:
                connection = self._opened()
                if not is_harmed(connection):  # usually because another program has repaired it
                    raise MendedError(f"{self.path}: cannot be read ({error})") from error
                kept = "it could not be copied first"
                with suppress(*SQL_ERRORS, OSError):
                    kept = f"kept as it was as {keep_copy(connection, self.path)}"
                mend(connection)
                self.notice = f"{self.path}: some of it was damaged and is left out; {kept}"
        except (*SQL_ERRORS, OSError) as trouble:
            if _reason(trouble) == _BUSY:
                self._repair_at = 0.0
            raise StoreError(f"{self.path}: damaged ({error}), and cannot be mended ({trouble})") from error
        self._repair_at = 0.0
        self.opened += 1  # sessions that cache the store in memory must read it again
        raise MendedError(self.notice) from error

    def _begin_anew(self) -> None:
        rows = None
        with suppress(*SQL_ERRORS):
            connection = _connect(self.path, "ro", self._busy_ms)
            try:
                rows = read_legal(connection)
            finally:
                connection.close()
        self.close()
        aside = set_aside(self.path)
        connection = self._opened()
        if rows is not None:
            fill(connection, rows)
        self.notice = f"{self.path}: damaged; kept as {aside}, and a new one begun with what could be read of it"


def _connect(path: Path, mode: str, busy_ms: int) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=busy_ms / 1000,
    )


def _is_whole(path: Path, busy_ms: int) -> bool:
    """Like `is_whole`, with its own connection. Raises sqlite3.Error if the file cannot be checked now."""
    connection = _connect(path, "ro", busy_ms)
    try:
        return is_whole(connection)
    except SQL_ERRORS as error:
        if _says_nothing_of_the_file(error):
            raise
        return False
    finally:
        connection.close()


def _says_nothing_of_the_file(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CIRCUMSTANCES


def _shut(connection: sqlite3.Connection, process: int) -> None:
    if os.getpid() == process:
        connection.close()
    else:
        _inherited.append(connection)


def _reason(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _BUSY
    return str(error)


def _enter_child() -> None:
    for database in _databases:
        database.enter_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_enter_child)
