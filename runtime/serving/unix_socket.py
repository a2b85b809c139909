"""Listens at a Unix socket that only this user can use, one process at a time."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from foretype.runtime.errors import ConfigError, ForetypeError


class UnixSocket:
    """A listening socket at `path`, mode 0600. `close` removes it.

    A socket of this user at which nobody listens any more is replaced. Raises ForetypeError if anything else is there,
    or if another process listens; ConfigError if the platform has no Unix sockets; OSError.
    """

    def __init__(self, path: Path) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise ConfigError("--socket needs a platform with Unix sockets; use standard input")
        import fcntl  # not on Windows

        self.path = path
        # Of two processes that start at once, only one may replace the socket.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            _remove_stale(path)
            self.listener = _listen(path)
        finally:
            os.close(folder)
        found = os.lstat(path)
        self._identity = found.st_dev, found.st_ino

    def close(self) -> None:
        """Stop listening. Remove the socket, unless another took its place."""
        try:
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino) == self._identity:
                os.unlink(self.path)
        except FileNotFoundError:
            pass
        self.listener.close()


def _remove_stale(path: Path) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ForetypeError(f"{path}: exists and is no socket; choose another path")
    if found.st_uid != os.geteuid():
        raise ForetypeError(f"{path}: belongs to another user; choose another path")
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise ForetypeError(f"{path}: another server listens here")


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ForetypeError(f"{path}: {error.strerror or error}") from None
    finally:
        os.umask(mask)
    return listener
