"""Where unsaved text goes when the pad has to stop without being asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from foretype.runtime.files.user_folder import data_folder, make_private_folder

SUFFIX = ".foretype-rescue"


def rescue(data: bytes, path: Path | None) -> Path:
    """Writes `data` for its owner's eyes only: beside `path`, or in the user's data folder where that fails.

    Never writes over an earlier rescue.

    Returns:
        The file written.

    Raises:
        OSError: neither place takes the text.
    """
    if path is not None:
        try:
            return _write_new(data, path.with_name(path.name + SUFFIX))
        except OSError:
            pass
    folder = data_folder()
    make_private_folder(folder)
    return _write_new(data, folder / f"{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")


def _write_new(data: bytes, path: Path) -> Path:
    for name in _names(path):
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        return name
    raise AssertionError("the names have no end")


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in count(2):
        yield path.with_name(f"{path.name}.{number}")
