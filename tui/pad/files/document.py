"""A text file as the pad edits it: read whole, saved whole or not at all, and watched for changes by others."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.atomic import replacing

_BYTE_ORDER_MARK = "\ufeff"


class PadError(ForetypeError):
    """The pad cannot open or save a file, or had to stop; the message is one line for its user."""


@dataclass
class TextFile:
    """One UTF-8 file and what must come back when it is saved.

    path: the file, which need not exist yet.
    text: its content as last read or saved; its line ends are "\\n".
    newline: the line end to write for each "\\n".
    byte_order_mark: whether the file began with a byte order mark.
    mixed: whether lines ended in more than one way. Then `newline` is "\\n", and each "\\r" stays in the text.
    digest: of the bytes last read or saved; None for a file that did not exist.
    """

    path: Path
    text: str = ""
    newline: str = "\n"
    byte_order_mark: bool = False
    mixed: bool = False
    digest: bytes | None = None

    @classmethod
    def open(cls, path: Path) -> TextFile:
        """Read `path`; a file that does not exist is empty, and the first save creates it.

        Raises:
            PadError: not a regular file, not readable, not UTF-8 text, or in a folder that does not exist.
        """
        try:
            if not path.exists():
                if not path.resolve().parent.is_dir():
                    raise PadError(f"{path}: the folder {path.resolve().parent} does not exist")
                return cls(path)
            if not path.is_file():
                kind = "a folder" if path.is_dir() else "not a regular file"
                raise PadError(f"{path} is {kind}; the pad opens text files")
            data = path.read_bytes()
        except (OSError, ValueError, RuntimeError) as error:
            raise PadError(f"cannot open {path}: {_reason(error)}") from error
        return cls.decode(path, data)

    @classmethod
    def decode(cls, path: Path, data: bytes) -> TextFile:
        """The file that holds `data`. Raises PadError if that is not UTF-8 text."""
        if b"\0" in data:
            raise PadError(f"{path} is a binary file; the pad opens UTF-8 text")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise PadError(f"{path} is not UTF-8 text: byte 0x{data[error.start]:02x} in line {line}") from error
        newline, mixed = _line_end(text)
        plain = text.removeprefix(_BYTE_ORDER_MARK)
        return cls(
            path,
            plain if newline == "\n" else plain.replace(newline, "\n"),
            newline=newline,
            byte_order_mark=text.startswith(_BYTE_ORDER_MARK),
            mixed=mixed,
            digest=_digest(data),
        )

    def encode(self, text: str) -> bytes:
        """The bytes that hold `text`, with the line ends and the byte order mark of this file."""
        mark = _BYTE_ORDER_MARK if self.byte_order_mark else ""
        return (mark + text.replace("\n", self.newline)).encode()

    def save(self, text: str) -> None:
        """Replace the file's content with `text`, all at once: a reader sees the old text or the new.

        The file keeps its permissions. If `path` is a symbolic link, its target is written. A file with several names
        (hard links) is written in place, so that all of them keep the same content.

        Raises:
            PadError: the text could not be written; the file is as it was.
        """
        data = self.encode(text)
        try:
            _replace(self.path.resolve(), data)
        except (OSError, ValueError, RuntimeError) as error:
            raise PadError(f"cannot save {self.path}: {_reason(error)}") from error
        self.text, self.digest = text, _digest(data)

    def theirs(self) -> TextFile | None:
        """The file as another program left it since it was read or saved here; None if it did not change.

        Raises PadError if the file cannot be read any more.
        """
        try:
            data = self.path.read_bytes() if self.path.exists() else None
        except OSError as error:
            raise PadError(f"cannot read {self.path}: {_reason(error)}") from error
        if data is None or _digest(data) == self.digest:
            return None
        return self.decode(self.path, data)


def _line_end(text: str) -> tuple[str, bool]:
    """The line end of a text, and whether it has others as well; these then count as characters."""
    pairs, feeds, returns = text.count("\r\n"), text.count("\n"), text.count("\r")
    if not returns:
        return "\n", False
    if pairs == feeds == returns:
        return "\r\n", False
    return ("\n", True) if feeds else ("\r", False)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _replace(target: Path, data: bytes) -> None:
    """Write `data` beside `target` and move it there once it is safely on disk."""
    before = target.stat() if target.exists() else None
    if before is None:
        target.parent.stat()  # a folder that is gone is an error, not to be made again
    elif not stat.S_ISREG(before.st_mode):
        raise PadError(f"cannot save {target}: not a regular file")
    elif not os.access(target, os.W_OK):
        # Moving a file over a read-only one would succeed.
        raise PermissionError(None, "the file is read-only")
    if before is not None and before.st_nlink > 1:
        _write_in_place(target, data)
        return
    with replacing(target, mode=None if before is None else stat.S_IMODE(before.st_mode)) as temporary:
        temporary.write_bytes(data)
        if before is not None:
            with suppress(OSError, AttributeError):
                os.chown(temporary, before.st_uid, before.st_gid)


def _write_in_place(target: Path, data: bytes) -> None:
    """Write over a file; if the disk is full, what it held is put back."""
    held = target.read_bytes()
    with target.open("r+b") as stream:
        try:
            _fill(stream.fileno(), data)
        except OSError:
            _fill(stream.fileno(), held)
            raise


def _fill(handle: int, data: bytes) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    os.ftruncate(handle, len(data))
    os.fsync(handle)


def _reason(error: Exception) -> str:
    """What went wrong, in words, without the path that the message names already."""
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error)).lower()
