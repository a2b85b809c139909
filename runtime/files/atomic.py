"""Writes files atomically: to a temporary file in the same folder, which is then renamed."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path, *, private: bool = False, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`. It replaces `path` on success, and is deleted on failure.

    Creates missing folders. A pipe or a character device, such as /dev/stdout, cannot be replaced. In that case `path`
    itself is yielded, and output goes there directly.

    private: whether only the owner may access the file. mode: its mode otherwise; None lets the umask decide.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if _takes_bytes_at_once(path):
        yield path
        return
    temporary, usual = _new_file(path, 0o600 if private else 0o666)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o600 if private else usual if mode is None else mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _takes_bytes_at_once(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _new_file(path: Path, mode: int) -> tuple[Path, int]:
    """Create an empty file beside `path` that only this user can access. Returns its path and its mode by the umask."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            # Let the system apply the umask. Reading it would change it, also for files of other threads.
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            continue
        try:
            left = stat.S_IMODE(os.fstat(handle).st_mode)
        finally:
            os.close(handle)
        temporary.chmod(0o600)
        return temporary, left


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON. Non-ASCII characters are not escaped."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
