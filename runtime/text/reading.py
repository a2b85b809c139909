"""Read files that users name, with limits on size and time. Devices are refused, and pipes must keep delivering."""

from __future__ import annotations

import io
import os
import select
import stat
import time
from pathlib import Path
from typing import BinaryIO, cast

from foretype.runtime.errors import CorpusError

SILENCE_SECONDS = 10.0
"""Reading stops with an error if a pipe delivers nothing for this long."""
MOST_BYTES = 64 << 20
"""Largest text in bytes that is held in memory as a whole: ten million words."""


def open_source(path: Path) -> BinaryIO:
    """Open a file or a pipe, such as that of a process substitution, for reading.

    Reading a pipe raises CorpusError if nothing arrives for `SILENCE_SECONDS`. Raises CorpusError for a folder or a
    device, and OSError for a path that cannot be opened.
    """
    # Without O_NONBLOCK, the call would not return for a pipe that nobody writes to.
    at_once = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, os.O_RDONLY | at_once)
    mode = os.fstat(handle).st_mode
    if stat.S_ISFIFO(mode):
        return io.BufferedReader(cast(io.RawIOBase, _Pipe(path, handle)))
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise CorpusError(
        f"{path}: {'a folder' if stat.S_ISDIR(mode) else 'a device'}; expected a file, or a pipe that ends"
    )


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Read a whole UTF-8 text. Raises CorpusError as `open_source` does, over `most` bytes, and for other encodings."""
    with open_source(path) as stream:
        return decode(stream.read(most + 1), str(path), most)


def decode(content: bytes, name: str, most: int = MOST_BYTES) -> str:
    """Decode `content`, which was read with a limit of `most` + 1 bytes. Raises CorpusError as `read_text` does."""
    if len(content) > most:
        raise CorpusError(f"{name}: longer than {most >> 20} MB, or without an end")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{name}: not UTF-8 text (at byte {error.start})") from error


class _Pipe(io.RawIOBase):
    """A pipe that was opened without waiting for a writer."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle
        self._written = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        begin = time.monotonic()
        while (left := begin + SILENCE_SECONDS - time.monotonic()) > 0:
            if not select.select([self._handle], [], [], left)[0]:
                break
            try:
                content = os.read(self._handle, len(buffer))
            except BlockingIOError:  # another reader was faster
                continue
            if content or self._written:
                self._written = True
                buffer[: len(content)] = content
                return len(content)
            time.sleep(0.02)  # nobody has opened it for writing yet
        raise CorpusError(f"{self._path}: a pipe that gave nothing for {SILENCE_SECONDS:g} seconds")

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()
