"""Pads for tests, driven through Textual on a real model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from foretype.runtime import Model
from foretype.runtime.mixture import Models
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.screens.candidate_row import Candidate


@asynccontextmanager
async def opened(
    model: Model | Models, path: Path, text: str = "", size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[tuple[Pad, Pilot[None]]]:
    """A pad on a file that holds `text`, the cursor at its end. options: for `Pad`."""
    pad = Pad(TextFile(path, text), model, **options)
    async with pad.run_test(size=size) as pilot:
        await pilot.pause()
        yield pad, pilot
        pad.keeping.forget_copy()


def row(pad: Pad) -> list[str]:
    """What the candidate cells show."""
    return [str(cell.render()) for cell in pad.query(Candidate)]


def line(pad: Pad, name: str) -> str:
    """What a line of the pad shows, such as "#message"."""
    return str(pad.query_one(name, Static).render())
