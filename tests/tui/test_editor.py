"""The editor's parts: edits, undo, grapheme clusters, wrapping, and what is drawn."""

from __future__ import annotations

import random
import time
import unicodedata
from itertools import pairwise

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.strip import Strip

from foretype.tui.editor import layout, motions
from foretype.tui.editor.actions import EditorActions
from foretype.tui.editor.buffer import Buffer
from foretype.tui.editor.drawing import Colours, RowPicture, draw
from foretype.tui.editor.graphemes import next_boundary, next_word, previous_boundary, previous_word, width_of
from foretype.tui.editor.layout import Layout
from foretype.tui.pad.screen_diff import ScreenDiff

PIECES = [
    "a",
    "word ",
    "\n",
    "語",
    "e\u0301",
    "👨‍👩‍👧‍👦",
    "\t",
    "  ",
    "long-word-without-any-space",
    "שלום",
    "🇩🇪",
    "\x1b",
]
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
FAMILY, ACCENT, FLAGS = "👨‍👩‍👧‍👦", "e\u0301", "🇩🇪🇫🇷"


@given(texts, texts, st.randoms(use_true_random=False))
def test_a_change_replaces_what_is_between_and_its_inverse_restores_it(
    text: str, new: str, draw: random.Random
) -> None:
    buffer = Buffer(text)
    at = sorted(draw.randint(0, len(text)) for _ in range(2))
    start, end = ((text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1) for offset in at)
    change = buffer.replace(start, end, new)
    assert buffer.text == text[: at[0]] + new + text[at[1] :]
    assert change.removed == text[at[0] : at[1]]
    buffer.make(change.inverse())
    assert buffer.text == text


def test_the_cursor_passes_over_what_a_reader_takes_for_one_character() -> None:
    for line, ends in ((f"a{FAMILY}b", [1, 8, 9]), (f"{ACCENT}x", [2, 3]), (FLAGS, [2, 4]), ("语言", [1, 2])):
        column, seen = 0, []
        while column < len(line):
            column = next_boundary(line, column)
            seen.append(column)
        assert seen == ends
        back = [previous_boundary(line, end) for end in ends]
        assert back == [0, *ends[:-1]]


@given(texts.filter(lambda text: "\n" not in text), st.integers(2, 20))
def test_rows_cover_a_line_and_fit(text: str, width: int) -> None:
    """Each row begins where the last one ended; only white space at its end may stand out."""
    wrapping = Layout(Buffer(text), width)
    rows = list(wrapping.from_row(wrapping.row_at((0, 0))))
    assert [row.start for row in rows] == [0, *(row.end for row in rows[:-1])]
    assert rows[-1].end == len(text)
    for row in rows:
        shown = text[row.start : row.end].rstrip(" \t")
        assert wrapping.cell_of((0, row.start + len(shown)), row) <= max(width, 4)
        assert wrapping.row_at((0, row.start)) == row
    for row, below in pairwise(rows):
        assert wrapping.after(row) == below
        assert wrapping.before(below) == row


@given(st.text("ab c", max_size=80), st.integers(1, 20))
def test_the_fast_way_to_wrap_is_the_same(text: str, width: int) -> None:
    assert layout._wrap_plain(text, width) == layout._wrap_any(text, width)


def test_a_line_of_a_megabyte_wraps_at_once_wherever_it_is_looked_at() -> None:
    """Only the rows in sight are found: a few milliseconds, where all of them take a second."""
    text = "some words of a line " * 50_000
    wrapping = Layout(Buffer(text), 60)
    start = time.process_time()
    row = wrapping.row_at((0, 700_000))
    assert row.start <= 700_000 <= row.end
    assert wrapping.moved(row, 40).start > 700_000
    assert wrapping.moved(row, -40).end < 700_000
    few = time.process_time() - start
    start = time.process_time()
    layout._wrap_any(text, 60)
    assert few < (time.process_time() - start) / 4


def test_words_end_at_spaces_and_marks() -> None:
    line = "don't stop, 語言 x-ray"
    assert next_word(line, 0) == 5
    assert next_word(line, 5) == 10
    assert previous_word(line, len(line)) == line.index("ray")
    assert motions.word_around(Buffer(line), (0, 7)) == ((0, 6), (0, 10))


@given(texts.filter(lambda text: "\n" not in text), st.integers(5, 30), st.integers(0, 30), st.text("xyz", max_size=3))
def test_a_drawn_row_has_its_width_and_nothing_that_steers_a_terminal(
    text: str, width: int, cursor: int, ghost: str
) -> None:
    colours = Colours(*(Style(bold=bool(number)) for number in range(5)))
    strip = draw(RowPicture(text, (0, 2), min(cursor, len(text)), ghost), width, colours)
    assert strip.cell_length == width
    assert not any(unicodedata.category(letter) == "Cc" for letter in strip.text)
    assert width_of("\t", 3) == 1


class Alone(App[None]):
    """An editor by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.editor = EditorActions(text)

    def compose(self) -> ComposeResult:
        yield self.editor


async def test_keys_for_lines_move_duplicate_indent_and_are_undone() -> None:
    app = Alone("one\ntwo\nthree")
    async with app.run_test(size=(40, 10)):
        editor = app.editor
        editor.move((1, 2))
        editor.action_move_line_up()
        assert (editor.text, editor.cursor) == ("two\none\nthree", (0, 2))
        editor.action_move_line_up()
        assert editor.text == "two\none\nthree", "the first line stays"
        editor.action_duplicate_line()
        assert (editor.text, editor.cursor) == ("two\ntwo\none\nthree", (1, 2))
        editor.move((0, 0))
        editor.move((2, 1), select=True)
        editor.action_indent()
        assert editor.text == "    two\n    two\n    one\nthree"
        editor.action_unindent()
        assert editor.text == "two\ntwo\none\nthree"
        for _ in range(4):
            editor.undo()
        assert editor.text == "one\ntwo\nthree"


async def test_backspace_and_arrows_go_by_grapheme_cluster() -> None:
    app = Alone(f"a{FAMILY}{ACCENT}")
    async with app.run_test(size=(40, 10)):
        app.editor.action_delete_left()
        assert app.editor.text == f"a{FAMILY}"
        app.editor.motion("left")
        assert app.editor.cursor == (0, 1)
        app.editor.action_delete_right()
        assert app.editor.text == "a"


async def test_up_and_down_keep_their_cell_across_short_and_wide_lines() -> None:
    app = Alone("a long first line\n\n語語語語語語\nlast line here")
    async with app.run_test(size=(40, 10)):
        app.editor.move((0, 9))
        seen = []
        for _ in range(3):
            app.editor.motion("down")
            seen.append(app.editor.cursor)
        assert seen == [(1, 0), (2, 4), (3, 9)]


async def test_select_all_cut_and_paste_bring_the_text_back() -> None:
    app = Alone("one\ntwo")
    async with app.run_test(size=(40, 10)):
        app.editor.action_select_all()
        app.editor.action_cut()
        assert app.editor.text == ""
        app.editor.action_paste()
        app.editor.paste("\r\nthree\r")
        assert app.editor.text == "one\ntwo\nthree\n"


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", " ", "語", "é"]), max_size=12).map("".join), min_size=2, max_size=8)
)
def test_a_terminal_that_gets_only_differences_shows_the_same(rows: list[str]) -> None:
    """Whatever stood there before, wide characters cut in two included."""
    width, console = 16, Console(color_system="truecolor", force_terminal=True)
    terminal, diff = pyte.Screen(width, 1), ScreenDiff()
    stream = pyte.Stream(terminal)
    for number, text in enumerate(rows):
        strip = Strip([Segment(text, Style(bold=bool(number % 2)))]).adjust_cell_length(width, Style())
        stream.feed(diff.update([strip], (width, 1), console))
        fresh = pyte.Screen(width, 1)
        pyte.Stream(fresh).feed(strip.render(console))
        assert terminal.display == fresh.display


def test_one_letter_sends_a_few_bytes() -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    style = Style(color="#112233", bgcolor="#445566")
    diff = ScreenDiff()
    rows = [Strip([Segment(f"{'some text ' * 8}", style)]) for _ in range(24)]
    whole = diff.update(rows, (80, 24), console)
    rows[3] = Strip([Segment("some texts" + "some text " * 7, style)])
    assert len(diff.update(rows, (80, 24), console)) < 100 < len(whole)


@pytest.mark.parametrize("text", ["שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया"])
async def test_right_to_left_and_combining_text_is_edited_without_damage(text: str) -> None:
    app = Alone(text)
    async with app.run_test(size=(40, 10)) as pilot:
        app.editor.insert("!")
        app.editor.action_delete_left()
        await pilot.pause()
        assert app.editor.text == text
        for _ in range(40):
            app.editor.action_delete_left()
        assert app.editor.text == ""
        for _ in range(41):
            app.editor.undo()
        assert app.editor.text == text
