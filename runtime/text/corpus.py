"""Read text from files (also .xz and .gz), folders or standard input. A blank line ends a document."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from foretype.runtime.errors import CorpusError
from foretype.runtime.text.reading import open_source

STANDARD_INPUT = Path("-")
_SUFFIXES = {".txt", ".text", ".md", ".xz", ".gz"}

_LONGEST_LINE = 64 << 20

Document = list[str]
"""The lines of one document, each an utterance, without line ends and without blank lines."""


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that `paths` name: files, the text files in folders, and `-` for standard input.

    Raises CorpusError if a path does not exist, a folder has no text files, or no path is given.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in _SUFFIXES)
            if not inside:
                raise CorpusError(f"{path}: no text files here (looked for *{', *'.join(sorted(_SUFFIXES))})")
            files.extend(inside)
        elif path == STANDARD_INPUT or path.exists():
            files.append(path)
        else:
            raise CorpusError(f"{path}: no such file or folder")
    if not files:
        raise CorpusError("no text given: name files or folders, or - for standard input")
    return files


def source_name(file: Path) -> str:
    """Return the name of the source in `file`: the file name without its endings."""
    return "stdin" if file == STANDARD_INPUT else file.name.split(".")[0]


@contextmanager
def _open(file: Path) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer  # not ours to close
        return
    with open_source(file) as stream:
        if file.suffix == ".xz":
            with lzma.open(stream, "rb") as unpacked:
                yield cast(BinaryIO, unpacked)
        elif file.suffix == ".gz":
            with gzip.open(stream, "rb") as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield stream


def _utf16(stream: BinaryIO) -> BinaryIO:
    """Return `stream` as UTF-8 if it is UTF-16: with a byte order mark, or with every second byte zero."""
    head: bytes = stream.peek(64)[:64] if hasattr(stream, "peek") else b""
    zeros = [sum(byte == 0 for byte in head[start::2]) for start in (0, 1)]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(head) < 4 or 4 * abs(zeros[0] - zeros[1]) < len(head) or min(zeros):
        return stream
    else:
        encoding = "utf-16-be" if zeros[0] else "utf-16-le"
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, _Recoded(stream, encoding))))


class _Recoded(io.RawIOBase):
    """A stream of another encoding, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._decoder = stream, codecs.getincrementaldecoder(encoding)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            raw = self._stream.read(1 << 16)
            self._left = self._decoder.decode(raw, final=not raw).encode("utf-8")
            if not raw:
                break
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def read_lines(file: Path, most_piped: int | None = None) -> Iterator[str]:
    """Yield the lines of `file`, without line ends.

    most_piped: most bytes to accept from a pipe or from standard input; None for no limit.

    The text is UTF-8, or UTF-16 that can be recognised.

    Raises CorpusError, which names the file and the line, for bytes that are not text, for a line longer than
    `_LONGEST_LINE` bytes, and for input without an end: a device, a pipe that stops delivering, or more than
    `most_piped` bytes.
    """
    name = "standard input" if file == STANDARD_INPUT else str(file)
    most = None if file.is_file() and file != STANDARD_INPUT else most_piped
    number = size = 0
    try:
        with _open(file) as opened:
            stream = _utf16(opened)
            for number, raw in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), start=1):
                size += len(raw)
                if most is not None and size > most:
                    raise CorpusError(f"{name}: longer than {most >> 20} MB, or without an end")
                if len(raw) == _LONGEST_LINE:
                    raise CorpusError(f"{name}, line {number}: longer than {_LONGEST_LINE >> 20} MB; not a text file")
                line = raw.decode("utf-8")
                if "\x00" in line:
                    raise CorpusError(f"{name}, line {number}: a NUL byte; this is not a text file")
                yield line.removeprefix("\ufeff").rstrip("\r\n") if number == 1 else line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{name}, line {number}: byte 0x{error.object[error.start]:02x} at {error.start} is not "
            f"{'UTF-16' if error.encoding.startswith('utf-16') else 'UTF-8'}"
        ) from error
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise CorpusError(f"{name}, after line {number}: cannot be read ({error})") from error


def read_documents(file: Path, most_piped: int | None = None) -> Iterator[Document]:
    """Yield the documents of `file`. An empty file has none. See `read_lines` for `most_piped` and for errors."""
    return group_documents(read_lines(file, most_piped))


def group_documents(lines: Iterable[str]) -> Iterator[Document]:
    """Group `lines` into documents; blank lines end a document."""
    document: Document = []
    for line in lines:
        if line.strip():
            document.append(line)
        elif document:
            yield document
            document = []
    if document:
        yield document
