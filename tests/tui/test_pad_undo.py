"""Undo and redo in the pad: any sequence restores the exact text and never raises, whatever the window's size."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pads import opened
from terminal import terminal

from foretype.runtime import Model, load
from foretype.tui.editor.buffer import Place
from foretype.tui.pad.typing.typing_area import TypingArea

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


def place(area: TypingArea, draw: random.Random) -> Place:
    row = draw.randrange(len(area.buffer.lines))
    return row, draw.randint(0, len(area.buffer.lines[row]))


def back(step: Callable[[], None], area: TypingArea, text: str) -> None:
    """Undo or redo until the text is there: three edits, and those that led back to a text, are a few batches."""
    for _ in range(12):
        if area.text != text:
            step()
    assert area.text == text


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (24, 6)])
@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_edits_is_undone_and_redone_exactly(
    model: Model, tmp_path: Path, size: tuple[int, int], seed: int
) -> None:
    draw = random.Random(seed)
    text = "some text\n" * draw.choice((0, 1, 30))
    async with opened(model, tmp_path / "t.txt", text, size) as (pad, pilot):
        area = pad.area
        texts = [area.text]
        for _ in range(30):
            area.history.checkpoint()
            for _ in range(draw.choice((1, 1, 3))):  # several edits, in one batch where each starts at the cursor
                start, end = sorted((place(area, draw), place(area, draw)))
                end = end if draw.random() < 0.4 else start
                area.cursor = area.cursor if draw.random() < 0.5 else start
                area.change("" if draw.random() < 0.1 else draw.choice(PIECES), start, end)
            if area.text != texts[-1]:
                texts.append(area.text)
            if draw.random() < 0.2:
                await pilot.pause()
        for text in reversed(texts[:-1]):
            back(area.undo, area, text)
            if draw.random() < 0.2:
                await pilot.pause()
        for text in texts[1:]:
            back(area.redo, area, text)
        for _ in range(100):  # back and forth, drawn each time
            area.undo() if draw.random() < 0.6 else area.redo()
            if draw.random() < 0.1:
                await pilot.pause()
        await pilot.pause()
        assert area.words.words == len(area.text.split())
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
