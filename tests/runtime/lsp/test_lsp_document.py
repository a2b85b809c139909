"""A document in the server stays the one in the editor, whatever is edited and however the editor counts."""

from __future__ import annotations

import random
import re

import pytest

from foretype.runtime.lsp.document import MOST_CHARACTERS, Document, Place

PIECES = ["a", "word", " ", "\n", "\r\n", "\r", "é", "👍", "\u2028", "\x0c", "\x85", ""]
UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def position(text: str, offset: int, encoding: str) -> tuple[int, int]:
    """Where an editor sees this offset; independent of the code under test."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text[:offset])
    name, size = UNITS[encoding]
    return len(lines) - 1, len(lines[-1].encode(name)) // size


@pytest.mark.parametrize("encoding", UNITS)
def test_random_edits_leave_the_text_that_the_editor_has(encoding: str) -> None:
    draw = random.Random(encoding)
    text = "One 👍\r\ntwo é\nthree"
    document = Document(text, encoding=encoding)
    for _ in range(2000):
        start, end = sorted(draw.randint(0, len(text)) for _ in range(2))
        end = min(end, start + draw.randint(0, 6))
        # An editor has no place between the two characters of a line end.
        start, end = (place - 1 if text[place - 1 : place + 1] == "\r\n" else place for place in (start, end))
        new = "".join(draw.choices(PIECES, k=draw.randint(0, 3)))
        document.replace(
            document.place(*position(text, start, encoding)), document.place(*position(text, end, encoding)), new
        )
        text = text[:start] + new + text[end:]
        if len(text) > 200:
            text = text[:100]
            document.rewrite(text)
        assert document.text == text
        assert [line.rstrip("\r\n") for line in document.lines] == re.split(r"\r\n|\r|\n", text)


def test_an_edit_tells_where_it_ends() -> None:
    document = Document("One\ntwo\n")
    assert document.replace(Place(0, 3), Place(1, 0), " and\n1") == Place(1, 1)
    assert document.text == "One and\n1two\n"


def test_places_outside_the_text_are_moved_into_it() -> None:
    document = Document("short\nlast 👍")
    assert document.place(0, 99) == Place(0, 5)
    assert document.place(9, 3) == Place(1, 6)
    assert document.place(1, 6) == Place(1, 5), "half of a surrogate pair"


def test_text_before_the_cursor_is_bounded_and_starts_at_the_same_line_while_one_types() -> None:
    document = Document("\n".join(f"line {number} " + "word " * 20 for number in range(5000)))
    for _ in range(5):
        place = Place(4900, len(document.line(4900)))
        before = document.before(place)
        assert 10_000 < len(before) <= MOST_CHARACTERS
        start = before.split("\n", 1)[0]
        assert start.startswith("line ")
        document.replace(place, place, "x\n")
    starts = set()
    for _ in range(300):
        place = Place(4999, len(document.line(4999)))
        document.replace(place, place, "x")
        starts.add(document.before(Place(4999, place.character + 1)).split("\n", 1)[0])
    assert len(starts) == 1


def test_one_very_long_line_is_cut() -> None:
    document = Document("word " * 100_000)
    assert 25_000 <= len(document.before(Place(0, 400_001))) <= MOST_CHARACTERS


def test_line_ends_are_line_feeds_for_the_session() -> None:
    document = Document("One\r\ntwo\rthree")
    assert document.before(Place(2, 2)) == "One\ntwo\nth"
    assert document.after(Place(0, 1)) == "ne\ntwo\nthree"
