"""Paragraphs broken at a fixed width are recognised and joined; other line breaks are kept."""

from __future__ import annotations

import random
import textwrap

import pytest

from foretype.runtime.text.wrapping import join_paragraphs, wrap_width

DRAW = random.Random(3)
WORDS = [
    "a",
    "river",
    "went",
    "through",
    "the",
    "old",
    "town,",
    "which",
    "nobody",
    "remembered.",
    "It",
    "was",
    "well-known",
]
PARAGRAPHS = [" ".join(DRAW.choices(WORDS, k=DRAW.randint(20, 90))) for _ in range(60)]


@pytest.mark.parametrize("width", [60, 72, 100])
def test_broken_paragraphs_are_joined_as_they_were(width: int) -> None:
    lines = "\n\n".join(textwrap.fill(text, width, break_on_hyphens=False) for text in PARAGRAPHS).split("\n")
    found = wrap_width(lines)
    assert found is not None
    assert width - 6 <= found <= width
    joined = [line for line in join_paragraphs(lines, found) if line]
    assert sum(line in PARAGRAPHS for line in joined) >= 0.95 * len(PARAGRAPHS)


def test_paragraphs_without_blank_lines_are_told_by_their_last_line_and_indent() -> None:
    lines = ["  one two three four five six", "seven eight nine ten eleven", "twelve.", "  the next one begins"]
    assert list(join_paragraphs(lines, 30)) == [
        "one two three four five six seven eight nine ten eleven twelve.",
        "the next one begins",
    ]


def test_two_blank_lines_end_a_document_and_a_hyphen_takes_no_space() -> None:
    lines = ["this is a line with a well-", "known end", "", "second paragraph", "", "", "third"]
    assert list(join_paragraphs(lines, 30)) == [
        "this is a line with a well-known end",
        "second paragraph",
        "",
        "third",
    ]


def test_messages_and_whole_paragraphs_are_left_alone() -> None:
    messages = [" ".join(DRAW.choices(WORDS, k=DRAW.randint(1, 12))) for _ in range(200)]
    assert wrap_width(messages) is None
    assert wrap_width(PARAGRAPHS) is None
    assert wrap_width(["short", "text"]) is None


def test_short_paragraphs_without_blank_lines_between_them_are_recognised() -> None:
    draw = random.Random(5)
    short = [" ".join(draw.choices(WORDS, k=draw.randint(3, 70))) for _ in range(80)]
    lines = "\n".join(textwrap.fill(text, 72, break_on_hyphens=False) for text in short).split("\n")
    found = wrap_width(lines)
    assert found is not None
    joined = [line for line in join_paragraphs(lines, found) if line]
    assert sum(line in short for line in joined) >= 0.7 * len(short), "some last lines are full"
