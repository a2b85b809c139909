"""A text file in the pad: read as a whole, saved completely or not at all, and checked for changes by others."""

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
    """The pad cannot open or save a file, or had to stop. The message is one line for the user."""


@dataclass
class TextFile:
    """A UTF-8 file, with the properties that saving must preserve.

    path: the file, which need not exist yet.
    text: its content as last read or saved, with "\\n" as its line end.
    newline: the line end to write for each "\\n".
    byte_order_mark: whether the file starts with a byte order mark.
    mixed: whether the file has several kinds of line ends. Then `newline` is "\\n", and each "\\r" stays in the text.
    digest: hash of the bytes last read or saved; None for a file that did not exist.
    """

    path: Path
    text: str = ""
    newline: str = "\n"
    byte_order_mark: bool = False
    mixed: bool = False
    digest: bytes | None = None

    @classmethod
    def open(cls, path: Path) -> TextFile:
        """Read `path`. A file that does not exist is empty, and the first save creates it.

        Raises:
            PadError: the file is not a regular file, not readable or not UTF-8 text, or its folder does not exist.
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
        """The file with the content `data`. Raises PadError if that is not UTF-8 text."""
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
        """Encode `text` with the line ends and the byte order mark of this file."""
        mark = _BYTE_ORDER_MARK if self.byte_order_mark else ""
        return (mark + text.replace("\n", self.newline)).encode()

    def save(self, text: str) -> None:
        """Replace the content of the file by `text` atomically: readers see either the old or the new text.

        The file keeps its permissions. If `path` is a symbolic link, its target is written. A file with several names
        (hard links) is written in place, so that all names keep the same content.

        Raises:
            PadError: the text could not be written. The file is unchanged.
        """
        data = self.encode(text)
        try:
            _replace(self.path.resolve(), data)
        except (OSError, ValueError, RuntimeError) as error:
            raise PadError(f"cannot save {self.path}: {_reason(error)}") from error
        self.text, self.digest = text, _digest(data)

    def theirs(self) -> TextFile | None:
        """The file as another program changed it since it was last read or saved here; None if it did not change.

        Raises PadError if the file can no longer be read.
        """
        try:
            data = self.path.read_bytes() if self.path.exists() else None
        except OSError as error:
            raise PadError(f"cannot read {self.path}: {_reason(error)}") from error
        if data is None or _digest(data) == self.digest:
            return None
        return self.decode(self.path, data)


def _line_end(text: str) -> tuple[str, bool]:
    """The line end of a text, and whether it has others too, which then count as characters."""
    pairs, feeds, returns = text.count("\r\n"), text.count("\n"), text.count("\r")
    if not returns:
        return "\n", False
    if pairs == feeds == returns:
        return "\r\n", False
    return ("\n", True) if feeds else ("\r", False)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _replace(target: Path, data: bytes) -> None:
    """Write `data` to a file beside `target`, and move it there once it is safely on disk."""
    before = target.stat() if target.exists() else None
    if before is None:
        target.parent.stat()  # if the folder is gone, fail instead of creating it
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
    """Overwrite a file. If that fails, such as on a full disk, restore its content."""
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
    """The reason for an error in words, without the path, which the message already contains."""
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error)).lower()
