"""Writing files whole or not at all: to a temporary file in the same folder, then renamed."""

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
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes the place of `path`, on failure nothing is left.

    Missing folders are made. Where `path` is a pipe or a character device, such as /dev/stdout, it cannot be replaced:
    its own path is given, and what is written goes there at once.

    private: whether the file is for its owner only; else it has the mode that the umask leaves.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if _takes_bytes_at_once(path):
        yield path
        return
    temporary, mode = _new_file(path, 0o600 if private else 0o666)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o600 if private else mode)
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
    """A new, empty file beside `path` that this user alone can read and write, and the mode that the umask left it."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            # The system applies the umask: to ask for it is to change it, for the files of other threads as well.
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
    """Write `value` as indented JSON, non-ASCII characters as they are."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
