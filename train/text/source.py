"""A text that a run reads: its lines, joined where they were broken at a fixed width, and cut where very long."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from foretype.runtime.text.corpus import Document, group_documents, read_lines
from foretype.runtime.text.wrapping import join_paragraphs, wrap_width

_SAMPLE_LINES = 20_000
_LONGEST_LINE = 4_000
"""A longer line, such as a whole book, is cut into pieces: it is no utterance, and could not be held out in part."""
_PIECE = re.compile(r"\S(?:.{300,1000}?[.!?…]['\"”’)]*(?=\s)|.{300,1000}(?=\s)|.{,1300})", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A text file.

    name: of the source. file: the text. width: where its lines were broken; None if the breaks mean something.
    """

    name: str
    file: Path
    width: int | None = None

    @classmethod
    def open(cls, name: str, file: Path, *, keep_lines: bool = False) -> Source:
        """Look at the beginning of `file`, unless `keep_lines`. Raises CorpusError if it is not text."""
        if keep_lines:
            return cls(name, file)
        return cls(name, file, wrap_width(list(islice(read_lines(file), _SAMPLE_LINES))))

    def documents(self) -> Iterator[Document]:
        """Read the documents. Raises CorpusError as `read_lines` does."""
        lines = read_lines(self.file)
        return group_documents(_cut(join_paragraphs(lines, self.width) if self.width else lines))


def _cut(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if len(line) <= _LONGEST_LINE:
            yield line
        else:
            yield from (piece.strip() for piece in _PIECE.findall(line))


HELD_OUT_SHARES = (8, 50)
"""Of how many lines one is held out: of few in a small text, of many in a large one."""
_HELD_OUT_CHARACTERS = 40_000
_SMALL = _HELD_OUT_CHARACTERS * HELD_OUT_SHARES[1]


def held_out_every(sources: Iterable[Source]) -> int:
    """Of how many lines one is to be held out, so that there are about 40,000 characters of them to measure on."""
    characters = 0
    for source in sources:
        for document in source.documents():
            characters += sum(map(len, document))
            if characters >= _SMALL:
                return HELD_OUT_SHARES[1]
    return max(HELD_OUT_SHARES[0], characters // _HELD_OUT_CHARACTERS)


def split(documents: Iterable[Document], every: int, *, held_out: bool) -> Iterator[Document]:
    """Select one line in `every`, each as a document (held out), or the text without these lines.

    The choice depends on the line's text, so that repeated lines are never on both sides.
    """
    for document in documents:
        chosen = [line for line in document if (zlib.crc32(line.encode()) % every == 0) == held_out]
        yield from [[line] for line in chosen] if held_out else [chosen] if chosen else []
