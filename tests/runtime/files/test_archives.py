"""An archive of a bundle is unpacked within its limits, and in its place only, whatever it claims."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import archives
import pytest
from archives import KINDS, files_of, member, pack, pack_tar, write

from foretype.runtime import BundleError
from foretype.runtime.files import archives as reader
from foretype.runtime.files.bundle import MANIFEST
from foretype.runtime.files.installed import install

ESCAPES = ["../escaped", "/escaped", "tiny/../../escaped", "a/b/manifest.json", "..", "C:\\escaped", ".hidden", "a b"]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, models: Path, kind: str, name: str) -> None:
    with pytest.raises(BundleError, match="expected files of one folder, with plain names"):
        install(pack(tmp_path / f"x.{kind}", {name: b"x"}), "mine")
    assert not list(models.iterdir())


LINK = member("manifest.json", 0, tarfile.SYMTYPE, "/etc/passwd")
HARD_LINK = member("manifest.json", 0, tarfile.LNKTYPE, "../escaped")
SPARSE = member("step.onnx", 0, tarfile.GNUTYPE_SPARSE)
FOLDER = member("tiny", 0, tarfile.DIRTYPE)


HOSTILE: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "a symbolic link": ("tar.gz", lambda path: pack_tar(path, [(LINK, b"")]), "is a link"),
    "a hard link": ("tar.xz", lambda path: pack_tar(path, [(HARD_LINK, b"")]), "is a link"),
    "a device": ("tar.gz", lambda path: pack_tar(path, [(member("step.onnx", 0, tarfile.CHRTYPE), b"")]), "a device"),
    "a pipe": ("tar.gz", lambda path: pack_tar(path, [(member("step.onnx", 0, tarfile.FIFOTYPE), b"")]), "a device"),
    "a sparse file": ("tar.gz", lambda path: pack_tar(path, [(SPARSE, b"")]), "sparse"),
    "a link in a zip": ("zip", lambda path: archives.linked_zip(path, "/etc/passwd"), "is a link"),
    "bzip2 in a zip": ("zip", lambda path: archives.zip_by(path, zipfile.ZIP_BZIP2), "another method than deflate"),
    "two folders": ("zip", lambda path: pack(path, {"a/x": b"", "b/x": b""}), "several folders, a and b"),
    "two files of a name": ("tar.gz", lambda path: pack_tar(path, [(member("x"), b"")] * 2), "holds x twice"),
    "many files": ("zip", lambda path: pack(path, {str(n): b"" for n in range(65)}), "more than 64 files"),
    "many folders": ("tar.gz", lambda path: pack_tar(path, [(FOLDER, b"")] * 1100), "more than 64 files"),
    "a bomb": ("tar.xz", lambda path: pack(path, {MANIFEST: bytes(5 * 2**20)}), "manifest.json is larger than 4194304"),
    "a bomb in a zip": ("zip", lambda path: pack(path, {MANIFEST: bytes(5 * 2**20)}), "is larger than 4194304 bytes"),
    "a long pax header": ("tar.gz", archives.with_header(tarfile.XHDTYPE, 2**34), "a header claims"),
    "a long name": ("tar.xz", archives.with_header(tarfile.GNUTYPE_LONGNAME, 8 * 2**20), "a header claims 8388608"),
    "no archive": ("zip", lambda path: write(path, b"no zip"), "damaged, or not an archive"),
    "no tar": ("tar.gz", lambda path: write(path, b"no gzip"), "damaged, or not an archive"),
    "a tar of nothing": ("tar.xz", lambda path: pack_tar(path, []), "no manifest.json in it"),
}


@pytest.mark.parametrize(("kind", "make", "words"), HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_means_harm_is_refused(
    tmp_path: Path, models: Path, kind: str, make: Callable[[Path], Path], words: str
) -> None:
    archive = make(tmp_path / f"x.{kind}")
    with pytest.raises(BundleError, match=words) as caught:
        install(archive, "mine")
    assert str(caught.value).startswith(str(archive))
    assert "\n" not in str(caught.value)
    assert not list(models.iterdir())


def test_no_more_memory_is_taken_than_xz_needs(tiny_bundle: Path, tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.tar.xz", files_of(tiny_bundle))
    archives.claim_memory(archive)
    with pytest.raises(BundleError, match=r"[Mm]emory"):
        install(archive, "mine")
    strongest = tmp_path / "strong.tar.xz"
    strongest.write_bytes(lzma.compress(lzma.decompress(pack(archive, files_of(tiny_bundle)).read_bytes()), preset=9))
    assert install(strongest, "mine") == "mine"


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_holds_for_all_bytes_together(
    tiny_bundle: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path / f"x.{kind}", {name: bytes(60_000) for name in ("a", "b", "c")})
    monkeypatch.setattr(reader, "MOST_BYTES", 150_000)
    with pytest.raises(BundleError, match="150000 bytes"):
        install(archive, "mine")


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_is_cut_off_anywhere_is_refused(tiny_bundle: Path, tmp_path: Path, kind: str) -> None:
    whole = pack(tmp_path / f"x.{kind}", files_of(tiny_bundle)).read_bytes()
    for share in (0.0, 0.1, 0.5, 0.99):
        (tmp_path / f"x.{kind}").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BundleError, match=rf"x\.{kind}: "):
            install(tmp_path / f"x.{kind}", "mine")
