"""Archives of bundles, well made and ill-meaning, for the tests of installing models."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

KINDS = ("tar.gz", "tar.xz", "zip")
Content = dict[str, bytes]


def files_of(folder: Path, under: str = "") -> Content:
    """The files of a folder, by their path in an archive."""
    return {under + path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def pack(path: Path, content: Content) -> Path:
    """Write an archive of the kind that the ending names."""
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            for name, data in content.items():
                zipped.writestr(name, data)
        return path
    return pack_tar(path, [(member(name, len(data)), data) for name, data in content.items()])


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.type, found.linkname = size, kind, link
    return found


def pack_tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """Write a tar archive, compressed as the ending says, of any kind of member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for found, data in members:
            archive.addfile(found, io.BytesIO(data))
    return compress(path, stream.getvalue())


def compress(path: Path, data: bytes) -> Path:
    """Write any bytes, compressed as the ending says."""
    packer = zlib.compressobj(1, wbits=31)
    path.write_bytes(
        lzma.compress(data, preset=0) if path.name.endswith("xz") else packer.compress(data) + packer.flush()
    )
    return path


def write(path: Path, data: bytes) -> Path:
    """Write bytes that are no archive."""
    path.write_bytes(data)
    return path


def claim_memory(path: Path) -> None:
    """Have a .xz file claim that its dictionary takes 1.5 GB."""
    data = bytearray(path.read_bytes())
    start, size = 12, (data[12] + 1) * 4  # the first block's header, after that of the stream
    assert data[start + 2] == 0x21, "the filter is LZMA2"
    data[start + 4] = 37
    data[start + size - 4 : start + size] = zlib.crc32(data[start : start + size - 4]).to_bytes(4, "little")
    path.write_bytes(data)


def linked_zip(path: Path, target: str) -> Path:
    """Write a zip archive that holds a symbolic link."""
    with zipfile.ZipFile(path, "w") as zipped:
        info = zipfile.ZipInfo("manifest.json")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        zipped.writestr(info, target)
    return path


def zip_by(path: Path, method: int) -> Path:
    """Write a zip archive by another method than deflate."""
    with zipfile.ZipFile(path, "w", method) as zipped:
        zipped.writestr("manifest.json", b"{}")
    return path


def with_header(kind: bytes, claimed: int) -> Callable[[Path], Path]:
    """Write a tar archive whose first header, of a kind that tarfile reads at once, claims a length."""

    def make(path: Path) -> Path:
        header = member("x", claimed, kind).tobuf(tarfile.GNU_FORMAT)
        return compress(path, header + b"\0" * 20 * 2**20)

    return make
