"""Undo and redo in the pad: any sequence restores the exact text and never raises, whatever the window's size."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from terminal import terminal
from textual.widgets.text_area import Location

from foretype.runtime import Model, load
from foretype.tui.pad.app import Pad
from foretype.tui.pad.document import TextFile
from foretype.tui.pad.typing_area import TypingArea

PIECES = [
    "a",
    " ",
    "\n",
    "word ",
    "\n\n",
    "a long line that has to be wrapped at most sizes of the window, twice\n",
    "語",
    "\t",
]


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine="ngram")


def place(area: TypingArea, draw: random.Random) -> Location:
    row = draw.randrange(area.document.line_count)
    return row, draw.randint(0, len(area.document.get_line(row)))


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (24, 6)])
@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_edits_is_undone_and_redone_exactly(
    model: Model, tmp_path: Path, size: tuple[int, int], seed: int
) -> None:
    draw = random.Random(seed)
    pad = Pad(TextFile(tmp_path / "t.txt", "some text\n" * draw.choice((0, 1, 30))), model)
    async with pad.run_test(size=size) as pilot:
        area = pad.area
        texts = [area.text]
        for _ in range(30):
            area.history.checkpoint()
            for _ in range(draw.choice((1, 1, 3))):  # several edits in one batch
                start, end = sorted((place(area, draw), place(area, draw)))
                end = end if draw.random() < 0.4 else start
                area.replace("" if draw.random() < 0.1 else draw.choice(PIECES), start, end)
            if area.text != texts[-1]:
                texts.append(area.text)
            if draw.random() < 0.2:
                await pilot.pause()
        for text in reversed(texts[:-1]):
            while area.text != text and area.history.undo_stack:
                area.undo()
            assert area.text == text
            if draw.random() < 0.2:
                await pilot.pause()
        for text in texts[1:]:
            while area.text != text and area.history.redo_stack:
                area.redo()
            assert area.text == text
        for _ in range(100):  # back and forth, drawn each time
            area.undo() if draw.random() < 0.6 else area.redo()
            if draw.random() < 0.1:
                await pilot.pause()
        await pilot.pause()
        heights = area.wrapped_document.height
        area.wrapped_document.wrap(area.wrap_width, area.indent_width)
        assert area.wrapped_document.height == heights, "what is drawn is the text"
    assert pad.stopped is None


def test_thirty_lines_are_undone_in_a_real_terminal(tiny_bundle: Path, tmp_path: Path) -> None:
    """The scrollbar vanishes on the way, which Textual does not survive by itself."""
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), "--no-personal"]
    with terminal([*command, str(tmp_path / "t.txt")], {"FORETYPE_HOME": str(tmp_path)}) as pad:
        pad.shows("saved")
        for number in range(30):
            pad.type(f"line {number}\r")
        pad.shows("line 29")
        for _ in range(40):
            pad.type("\x1a" * 5)
        pad.wait(lambda lines: not any("line" in line for line in lines[:20]))
        pad.type("\x19" * 200)  # Ctrl+Y
        pad.shows("line 29")
        pad.type("\x13")
        pad.shows("Saved")
        pad.type("\x11")
        assert pad.exit_code() == 0
    assert (tmp_path / "t.txt").read_text() == "".join(f"line {number}\n" for number in range(30))
