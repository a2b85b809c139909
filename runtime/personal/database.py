"""The SQLite file behind the personal store: how it is opened and written, and what is done when it is damaged."""

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
"""Errors that say nothing about what the file holds."""
PURGE_DUE = "purge_due"
"""A row of `meta` that stands there from the deletion of rows until their bytes are gone."""
_CHECKPOINT_PAGES = 128
"""The WAL goes into the file after this many pages, half a megabyte."""
_WAL_BYTES = 1 << 20
"""A WAL that grew beyond this is cut down to it."""
_BUSY = "in use by another program"
_REPAIR_PAUSE = 2.0
"""Seconds until a repair that failed is tried again: to look at all of a file takes a while."""
_inherited: list[sqlite3.Connection] = []
"""Connections of the process that this one was forked from: to close one here could take its locks away."""
_databases: weakref.WeakSet[Database] = weakref.WeakSet()

P = ParamSpec("P")
T = TypeVar("T")


class MendedError(StoreError):
    """The store was damaged, and what could be saved of it was; what was asked for may be tried again."""


def mending(verb: Callable[P, T]) -> Callable[P, T]:
    """A function that does `verb` a second time where the first one found the store damaged."""

    @wraps(verb)
    def done(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return verb(*arguments, **named)
        except MendedError:
            return verb(*arguments, **named)

    return done


class Database:
    """One SQLite file, opened at its first use, by this process or any other, in any number.

    path: the file. readable_only: whether nothing can be written to it. opened: how often it was opened.
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
        """The connection, for one thread at a time. Raises StoreError for whatever SQLite or the system refuses.

        Damage that turns up is dealt with, and MendedError raised: rows of wrong values are left out; a file that
        SQLite cannot use is set aside, and a new one begun with what can be read of it.
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
        """As `use`, in one transaction that is made whole or not at all."""
        with self.use() as connection:
            if self.readable_only:
                raise StoreError(f"{self.path}: can be read, not written")
            with transaction(connection):
                due = connection.execute("SELECT 1 FROM meta WHERE name = ?", (PURGE_DUE,)).fetchone() is not None
                yield connection
        if due:  # a process was killed before it could, or another one kept old pages open
            with suppress(StoreError):
                self.purge()

    def purge(self) -> int:
        """Leave no byte of deleted rows in the file, its free pages or its WAL, and no copies of damaged files.

        Returns how many copies there were. Raises StoreError where another process keeps reading old pages all the
        while.
        """
        with self.use() as connection:
            copies = remove_copies(self.path)
            self.notice = None
            self.compact()
            connection.execute("DELETE FROM meta WHERE name = ?", (PURGE_DUE,))
        return copies

    def compact(self) -> None:
        """Write the file anew, without free pages, and empty its WAL. Raises StoreError as `purge`.

        `secure_delete` overwrites rows where they stood, but moving rows between pages leaves copies; only a file that
        is written anew has none.
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
        """In a process that was forked: the connection and the lock are the parent's."""
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
        # A file in a folder that cannot be written has no room for the side files that readers need.
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
                connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing, a power cut little
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
        """Deal with damage that showed as `error`. Raises MendedError, or StoreError where that does not help."""
        if self._connection is not None and self._connection.in_transaction:
            raise error  # the outermost `use` deals with it
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
                if not is_harmed(connection):  # as a rule because another program has mended it
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
        self.opened += 1  # whoever has a picture of the store in memory must read it again
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
    """As `is_whole`, with a connection of its own. Raises sqlite3.Error where that cannot be found out now."""
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
