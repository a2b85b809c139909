"""What the pad shows, compared with the screens in tests/data/screens.

After a change that is meant, `UPDATE_SCREENS=1 pytest tests/tui/test_pad_screens.py` writes them anew.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from paths import DATA
from terminal import Terminal, terminal

Step = Callable[[Terminal], object]


def typed(keys: str, shows: str) -> Step:
    """Type keys and wait until the screen shows a text."""

    def step(pad: Terminal) -> None:
        pad.type(keys)
        pad.shows(shows)

    return step


F1, F2, F5, CTRL_F, CTRL_O = "\x1bOP", "\x1bOQ", "\x1b[15~", "\x06", "\x0f"

SCREENS: dict[str, tuple[tuple[int, int], list[Step]]] = {
    "first_run": ((80, 24), []),
    "ghost_and_candidates": ((80, 24), [typed("Thank you for your lett", "1  letter")]),
    "small": ((40, 10), [typed("I would like to th", "1  th")]),
    "help": ((80, 24), [typed(F1, "accept the first candidate")]),
    "find": ((80, 24), [typed("one two one", "3 words"), typed(CTRL_F + "two", "line 1")]),
    "open": ((80, 24), [typed(CTRL_O, "Open")]),
    "palette": ((80, 24), [typed(F5, "Search"), typed("undo", "Ctrl+Z")]),
    "panel": ((80, 24), [typed("ok", "1 word"), typed(F2, "saved ever")]),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_as_it_was(name: str, tmp_path: Path) -> None:
    size, steps = SCREENS[name]
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", "en-tiny", "--engine", "ngram", "--no-personal"]
    with terminal([*command, "note.txt"], {"FORETYPE_HOME": str(tmp_path)}, size, tmp_path) as pad:
        pad.shows("saved")
        for step in steps:
            step(pad)
        pad.settle()
        screen = "\n".join(_plain(line) for line in pad.lines) + "\n"
    path = DATA / "screens" / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(screen, encoding="utf-8")
    assert screen == path.read_text(encoding="utf-8")


def _plain(line: str) -> str:
    """A line without what differs from run to run: times, speeds, and the bars that show them."""
    line = re.sub(r"\d+\.\d\d ms", "0.00 ms", line)
    line = re.sub(r"words a minute +\d+", "words a minute N", line)
    return re.sub(r"[▁-█][ ▁-█]*$", "", line).rstrip()
