"""Locates the user's data folder, and creates folders and files that only this user can access."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs

from foretype.runtime.errors import StoreError


def data_folder() -> Path:
    """The folder for this user's data: `FORETYPE_HOME`, or the platform's default. It may not exist yet."""
    home = os.environ.get("FORETYPE_HOME")
    if home:
        return Path(home)
    return Path(platformdirs.user_data_dir("foretype", appauthor=False))


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents for this user only, whatever the umask. Raises OSError."""
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise


def make_private_file(path: Path) -> None:
    """Create the file `path` for this user only, if it does not exist. Raises OSError; StoreError like `identity`."""
    follow_no_link = getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | follow_no_link, 0o600)
    except FileExistsError:
        identity(path)
        # Closing a file releases the locks that SQLite holds on it in this process, so open it only if necessary.
        if not (_has_owners() and os.lstat(path).st_mode & 0o077):
            return
        handle = os.open(path, os.O_RDONLY | follow_no_link)
    try:
        if _has_owners():
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def identity(path: Path) -> tuple[int, int]:
    """Identify the file at `path`. The value changes when another file takes its place.

    Raises StoreError if `path` is not a regular file that belongs to this user: a symbolic link, a folder, a device, a
    pipe, or a file of another user. Raises OSError.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no regular file"
        raise StoreError(f"{path}: {kind}; expected a file of your own")
    if _has_owners() and found.st_uid != os.geteuid():
        raise StoreError(f"{path}: belongs to another user; expected a file of your own")
    return found.st_dev, found.st_ino


def _has_owners() -> bool:
    """Whether files have owners and modes here. Windows also has `os.fchmod`, but its user folders are private."""
    return hasattr(os, "geteuid") and hasattr(os, "fchmod")
