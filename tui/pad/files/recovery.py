"""Copies of unsaved text, so that a crash costs at most a second of typing.

While a text has unsaved changes, a copy is kept in `recovery` in the user's data folder, or beside the document if the
settings ask for that. Only its owner can read it. It is removed when the text is saved or discarded. If its process has
ended, the copy is offered when the document is opened again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.user_folder import data_folder, make_private_folder

_SUFFIX = ".foretype-recovery"
_FOLDER = "recovery"
_LONGEST_HEADER = 10_000


@dataclass(frozen=True)
class Unsaved:
    """Unsaved text of a pad.

    document: the file that it belongs to; None for a text without a name. process: process id of the pad. written: time
    of writing, in seconds since 1970. text: the text, with "\\n" as its line end.
    """

    document: str | None
    process: int
    written: float
    text: str


class RecoveryFile:
    """The copy of a pad's unsaved text."""

    def __init__(self, document: Path | None, beside: bool = False) -> None:
        """beside: keep the copy beside the document, as a hidden file, instead of in the data folder."""
        self._document = None if document is None else document.resolve()
        self._paths = [folder / f"{prefix}{os.getpid()}{_SUFFIX}" for folder, prefix in _places(self._document, beside)]
        self._written: Path | None = None

    def write(self, lines: Sequence[str]) -> Path:
        """Replace the copy by these lines and return its path. Raises OSError if no place can be written to."""
        document = None if self._document is None else str(self._document)
        header = asdict(Unsaved(document, os.getpid(), time.time(), ""))
        data = (json.dumps(header) + "\n" + "\n".join(lines)).encode("utf-8", "surrogatepass")
        last = self._paths[-1]
        for path in self._paths:
            try:
                if path.parent.name == _FOLDER:
                    make_private_folder(path.parent)
                with replacing(path, private=True) as temporary:
                    temporary.write_bytes(data)
            except OSError:
                if path == last:
                    raise
            else:
                if self._written not in (None, path):
                    self.remove()
                self._written = path
                return path
        raise AssertionError("there is always a place")

    def remove(self) -> None:
        """Remove the copy, if there is one."""
        if self._written is not None:
            self._written.unlink(missing_ok=True)
            self._written = None


def find(document: Path | None, beside: bool = False, own: bool = False) -> list[tuple[Path, Unsaved]]:
    """Find copies of unsaved text whose pad has ended, newest first.

    document: find copies of this document; None for texts without a name. own: include copies of this process.
    """
    copies = [
        (path, unsaved)
        for path, unsaved in _copies(document, beside)
        if not _runs(unsaved.process) or (own and unsaved.process == os.getpid())
    ]
    return sorted(copies, key=lambda copy: -copy[1].written)


def open_elsewhere(document: Path) -> int | None:
    """The process id of another pad with unsaved changes of the same document; None if there is none."""
    others = (unsaved.process for _, unsaved in _copies(document, False))
    return next((process for process in others if process != os.getpid() and _runs(process)), None)


def _copies(document: Path | None, beside: bool) -> Iterator[tuple[Path, Unsaved]]:
    for folder, prefix in _places(None if document is None else document.resolve(), beside):
        for path in sorted(folder.glob(f"{prefix}*{_SUFFIX}")):
            unsaved = _read(path)
            if unsaved is not None:
                yield path, unsaved


def _places(document: Path | None, beside: bool) -> list[tuple[Path, str]]:
    """The folders that may contain copies, preferred first, and the start of their names there."""
    places = [(data_folder() / _FOLDER, _stem(document))]
    if document is not None:
        places.insert(0 if beside else 1, (document.parent, f".{_stem(document)}"))
    return places


def _stem(document: Path | None) -> str:
    if document is None:
        return "unnamed-"
    return hashlib.sha256(str(document).encode("utf-8", "surrogateescape")).hexdigest()[:16] + "-"


def _read(path: Path) -> Unsaved | None:
    """Read a copy from a file; None if the file is not one."""
    try:
        header, _, text = path.read_bytes().decode("utf-8", "surrogatepass").partition("\n")
        value = json.loads(header[:_LONGEST_HEADER])
        document, process, written = value["document"], value["process"], value["written"]
        if not (isinstance(document, str | None) and isinstance(process, int) and isinstance(written, int | float)):
            return None
        return Unsaved(document, process, written, text)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _runs(process: int) -> bool:
    """Whether this process exists and may be a pad."""
    if os.name == "nt":  # on Windows, os.kill ends a process
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    try:  # another program may have got this process id
        return b"python" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return True
