"""Reading text: every way it may come, and a clear word about every way it may be broken."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest

from foretype.runtime.errors import CorpusError
from foretype.runtime.text.corpus import STANDARD_INPUT, find_files, read_documents, read_lines, source_name

TEXT = b"One line.\nAnother.\n\n\nA second document.\n"
DOCUMENTS = [["One line.", "Another."], ["A second document."]]


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.txt", TEXT), ("a.txt.xz", lzma.compress(TEXT)), ("a.txt.gz", gzip.compress(TEXT))],
)
def test_plain_and_compressed_files_give_the_same_documents(tmp_path: Path, name: str, data: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    assert list(read_documents(file)) == DOCUMENTS
    assert source_name(file) == "a"


def test_several_compressed_streams_in_one_file_are_all_read(tmp_path: Path) -> None:
    file = tmp_path / "a.xz"
    file.write_bytes(lzma.compress(TEXT) + lzma.compress(b"\nA third."))
    assert list(read_documents(file)) == [*DOCUMENTS, ["A third."]]


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, TEXT)
    assert find_files([STANDARD_INPUT]) == [STANDARD_INPUT]
    assert list(read_documents(STANDARD_INPUT)) == DOCUMENTS
    assert not sys.stdin.closed
    pipe(monkeypatch, b"good\nb\xe4d\n")
    with pytest.raises(CorpusError, match=r"^standard input, line 2: byte 0xe4 at 1 is not UTF-8$"):
        list(read_documents(STANDARD_INPUT))


def test_a_folder_gives_its_text_files_in_order_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("b.txt", "inner/a.gz", "a.xz", "picture.png", "notes.md"):
        (tmp_path / name).touch()
    found = [str(file.relative_to(tmp_path)) for file in find_files([tmp_path])]
    assert found == ["a.xz", "b.txt", "inner/a.gz", "notes.md"]


def test_byte_order_mark_and_line_ends_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeffEins\r\nzwei \ufeff\r\n\r\n \t\r\ndrei".encode())
    assert list(read_documents(file)) == [["Eins", "zwei \ufeff"], ["drei"]]


def test_an_empty_file_has_no_documents(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\n  \n\n")
    assert list(read_documents(file)) == []


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"fine\nb\xe4d\n", ", line 2: byte 0xe4 at 1 is not UTF-8"),
        ("a.txt", b"fine\nfine\nnot\x00fine\n", ", line 3: a NUL byte; this is not a text file"),
        ("a.gz", gzip.compress(b"fine\nb\xe4d\n"), ", line 2: byte 0xe4 at 1 is not UTF-8"),
        ("a.xz", lzma.compress(TEXT)[:-20], ", after line "),
        ("a.gz", gzip.compress(TEXT)[:-4], ", after line "),
        ("a.gz", TEXT, ", after line 0: cannot be read"),
        ("a.xz", TEXT, ", after line 0: cannot be read"),
    ],
)
def test_broken_text_is_refused_by_file_and_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(CorpusError) as caught:
        list(read_lines(file))
    assert str(caught.value).startswith(f"{file}{message}")
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nowhere\.txt: no such file or folder"):
        find_files([tmp_path / "nowhere.txt"])
    with pytest.raises(CorpusError, match=f"{tmp_path}: no text files here"):
        find_files([tmp_path])
    with pytest.raises(CorpusError, match="no text given"):
        find_files([])
