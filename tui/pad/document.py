"""A text file as the pad edits it: read whole, saved whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.errors import ForetypeError

_BYTE_ORDER_MARK = "\ufeff"
_LINE_END = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""All that the text area takes for the end of a line."""


class PadError(ForetypeError):
    """The pad cannot open or save a file, or had to stop; the message is one line for its user."""


@dataclass
class TextFile:
    """One UTF-8 file and what must come back when it is saved.

    path: the file, which need not exist yet.
    text: its content as last read or saved, every line end a single "\\n".
    newline: the line end to write.
    byte_order_mark: whether the file began with a byte order mark.
    mixed: whether lines ended in more than one way; saving makes them all `newline`.
    """

    path: Path
    text: str = ""
    newline: str = "\n"
    byte_order_mark: bool = False
    mixed: bool = False

    @classmethod
    def open(cls, path: Path) -> TextFile:
        """Reads `path`; a file that does not exist is empty, and is made when it is saved.

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
        if b"\0" in data:
            raise PadError(f"{path} is a binary file; the pad opens UTF-8 text")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise PadError(f"{path} is not UTF-8 text: byte 0x{data[error.start]:02x} in line {line}") from error
        ends = Counter(_LINE_END.findall(text)).most_common()
        return cls(
            path,
            _LINE_END.sub("\n", text.removeprefix(_BYTE_ORDER_MARK)),
            newline=ends[0][0] if ends else "\n",
            byte_order_mark=text.startswith(_BYTE_ORDER_MARK),
            mixed=len(ends) > 1,
        )

    def encode(self, text: str) -> bytes:
        """The bytes that hold `text`, with the line ends and the byte order mark of this file."""
        mark = _BYTE_ORDER_MARK if self.byte_order_mark else ""
        return (mark + text.replace("\n", self.newline)).encode()

    def save(self, text: str) -> None:
        """Puts `text` in the place of the file's content, at once: a reader sees the old text or the new.

        The file keeps its permissions; where `path` is a symbolic link, the file it leads to is written.

        Raises:
            PadError: the text could not be written; the file is as it was.
        """
        try:
            _replace(self.path.resolve(), self.encode(text))
        except (OSError, ValueError, RuntimeError) as error:
            raise PadError(f"cannot save {self.path}: {_reason(error)}") from error
        self.text = text
        self.mixed = False


def _replace(target: Path, data: bytes) -> None:
    """Writes `data` beside `target` and moves it there once it is safely on disk."""
    before = target.stat() if target.exists() else None
    if before is not None and not stat.S_ISREG(before.st_mode):
        raise PadError(f"cannot save {target}: not a regular file")
    if before is not None and not os.access(target, os.W_OK):
        # Moving a file over a read-only one would succeed.
        raise PermissionError(None, "the file is read-only")
    temporary = target.with_name(f".foretype-{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if before is not None:
                with suppress(OSError, AttributeError):
                    os.chown(temporary, before.st_uid, before.st_gid)
                os.chmod(temporary, stat.S_IMODE(before.st_mode))
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _reason(error: Exception) -> str:
    """What went wrong, in words, without the path that the message names already."""
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error)).lower()
