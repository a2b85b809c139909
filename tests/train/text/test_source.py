"""What a run reads: joined paragraphs, cut lines, a held-out part of any text."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpora import sentences

from foretype.runtime.text.corpus import read_lines
from foretype.train.text.source import Source, held_out_every, split


def lines_of(source: Source) -> list[str]:
    return [line for document in source.documents() for line in document]


def test_a_text_of_one_line_is_cut_at_sentences_and_a_part_held_out(tmp_path: Path) -> None:
    file = tmp_path / "line.txt"
    text = " ".join(sentences(2000, 1))
    file.write_text(text, encoding="utf-8")
    source = Source.open("line", file)
    lines = lines_of(source)
    assert " ".join(lines) == text
    assert all(len(line) <= 1400 for line in lines)
    every = held_out_every([source])
    held, kept = (
        [line for d in split(source.documents(), every, held_out=side) for line in d] for side in (True, False)
    )
    assert sorted(held + kept) == sorted(lines)
    assert 0.04 * len(lines) < len(held) < 0.25 * len(lines)


def test_a_large_text_holds_out_a_smaller_share(tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    file.write_text("a line of words\n" * 150_000, encoding="utf-8")
    assert held_out_every([Source.open("large", file)]) == 50


def test_lines_are_kept_on_request(tmp_path: Path) -> None:
    file = tmp_path / "wrapped.txt"
    broken = "the line has quite a few more words and\n" * 40
    file.write_text(broken, encoding="utf-8")
    assert len(lines_of(Source.open("wrapped", file))) == 1
    assert len(lines_of(Source.open("wrapped", file, keep_lines=True))) == 40


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes("Grüße aus Köln\r\nsecond line\n".encode(encoding))
    assert list(read_lines(file)) == ["Grüße aus Köln", "second line"]
