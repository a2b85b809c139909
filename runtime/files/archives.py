"""Unpacks a bundle from an archive that may come from anyone: .tar.gz, .tar.xz or .zip.

Only plain files of one folder are accepted. Nothing is written outside the target, and sizes are counted as bytes
arrive, because what an archive claims about itself may be wrong.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from foretype.runtime.errors import BundleError
from foretype.runtime.files.bundle import LIMITS, MEGABYTE, NGRAM

ENDINGS = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".zip")
MOST_BYTES = 4096 * MEGABYTE
"""Limit of all bytes of an archive, compressed and uncompressed."""
MOST_FILES = 64
_MOST_MEMBERS = 1000  # folders and skipped files included
_PIECE = 64 * 1024
_LARGEST_READ = MEGABYTE  # tarfile reads headers at once, and headers may claim any length
_MEMORY = 128 * MEGABYTE  # `xz -9` needs 65 MB to decompress
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, gzip.BadGzipFile, zlib.error),
    *(EOFError, ValueError, NotImplementedError, RecursionError),
)


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of `archive` into the existing, empty `folder`, readable only by this user.

    The files may lie at the top of the archive or in one folder. Raises BundleError that names the archive if it is
    damaged, has another format, holds anything but plain files with plain names, or is too large; OSError.
    """
    if not archive.is_file():
        raise BundleError(f"{archive}: {'not a plain file' if archive.exists() else 'no such file or folder'}")
    if not archive.name.lower().endswith(ENDINGS):
        raise BundleError(f"{archive}: not a bundle's folder or an archive; expected {', '.join(ENDINGS)}")
    if archive.stat().st_size > MOST_BYTES:
        raise BundleError(f"{archive}: {archive.stat().st_size} bytes; at most {MOST_BYTES} are read")
    target = _Target(archive, folder)
    try:
        with archive.open("rb") as stream:
            if archive.name.lower().endswith(".zip"):
                _unpack_zip(stream, target)
            else:
                _unpack_tar(stream, target)
    except _DAMAGE as error:
        raise BundleError(f"{archive}: damaged, or not an archive of this kind ({error})") from error


class _Target:
    """The folder that is filled, and the limits on what goes into it."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.archive, self.folder = archive, folder
        self._parent: PurePosixPath | None = None
        self._files = self._bytes = 0

    def refuse(self, reason: str) -> BundleError:
        return BundleError(f"{self.archive}: {reason}")

    def write(self, member: str, content: _Reader) -> None:
        """Write one file. Raises BundleError if its path, its size, or the number of files is not allowed."""
        path = PurePosixPath(member)  # drops "./"
        if path.name.startswith("._") or path.parts[:1] == ("__MACOSX",):
            return  # what macOS adds to archives
        if not 1 <= len(path.parts) <= 2 or not all(_PLAIN_NAME.fullmatch(part) for part in path.parts):
            raise self.refuse(f"holds {member[:80]!r}; expected files of one folder, with plain names")
        if path.parent != (self._parent or path.parent):
            raise self.refuse(f"holds files of several folders, {self._parent} and {path.parent}")
        self._parent, self._files = path.parent, self._files + 1
        if self._files > MOST_FILES:
            raise self.refuse(f"holds more than {MOST_FILES} files")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(self.folder / path.name, flags, 0o600)
        except FileExistsError as error:
            raise self.refuse(f"holds {path.name} twice") from error
        limit, size = LIMITS.get(path.name, LIMITS[NGRAM]), 0
        with os.fdopen(handle, "wb") as file:
            while piece := content.read(_PIECE):
                size, self._bytes = size + len(piece), self._bytes + len(piece)
                if size > limit or self._bytes > MOST_BYTES:
                    raise self.refuse(f"{path.name} is larger than {min(limit, MOST_BYTES)} bytes")
                file.write(piece)


def _unpack_zip(stream: IO[bytes], target: _Target) -> None:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist()[:_MOST_MEMBERS]:
            if member.is_dir():
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or member.flag_bits & 1:
                raise target.refuse(f"{member.filename[:80]!r} is a link, a device or encrypted; expected plain files")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise target.refuse(f"{member.filename[:80]!r} is compressed by another method than deflate")
            with archive.open(member) as content:
                target.write(member.filename, content)


def _unpack_tar(stream: IO[bytes], target: _Target) -> None:
    zipped = target.archive.name.lower().endswith("gz")
    forwards = _Forwards(_gzip_pieces(stream) if zipped else _xz_pieces(stream))
    with tarfile.TarFile(fileobj=forwards) as archive:
        for number, member in enumerate(archive):
            if number > _MOST_MEMBERS:
                raise target.refuse(f"holds more than {MOST_FILES} files")
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise target.refuse(f"{member.name[:80]!r} is a link, a device or sparse; expected plain files")
            content = archive.extractfile(member)
            assert content is not None  # it is a plain file
            with content:
                target.write(member.name, content)


class _Forwards(io.RawIOBase):
    """A stream that only goes forwards, with a limit on one read and on all of them, for tarfile to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held, self._place = pieces, b"", 0

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise ValueError(f"a header claims {size} bytes")
        if self._place + size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        found, self._held = self._held[:size], self._held[size:]
        self._place += len(found)
        return found

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, _whence: int = 0, /) -> int:
        while self._place < place and self.read(min(_PIECE, place - self._place)):
            pass
        return self._place


def _gzip_pieces(stream: IO[bytes]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=stream) as opened:
        while piece := opened.read(_PIECE):
            yield piece


def _xz_pieces(stream: IO[bytes]) -> Iterator[bytes]:
    decompressor = lzma.LZMADecompressor(memlimit=_MEMORY)
    while not decompressor.eof:
        packed = stream.read(_PIECE) if decompressor.needs_input else b""
        if decompressor.needs_input and not packed:
            raise EOFError("it is cut off")
        if piece := decompressor.decompress(packed, _PIECE):
            yield piece
