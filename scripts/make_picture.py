"""Draws docs/pad.svg: a real pad on a bundled model, typed into key by key.

python scripts/make_picture.py
"""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path

from textual.pilot import Pilot

from foretype.runtime import load
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.themes import DARK

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pad.svg"
WISHED = "Thank you for your letter. I would like to come and see you next week, but I do not know wh"
"""The text that the person in the picture wants to write; the last word is still being typed."""


async def write(pad: Pad, pilot: Pilot[None], wished: str) -> None:
    """Type `wished` as a person does who accepts a word as soon as it is offered, except for the last word."""
    area = pad.area
    while area.text != wished:
        await pilot.pause()
        if not wished.startswith(area.text):  # An accepted word ends in a space, but punctuation comes next.
            await pilot.press(wished[len(area.text) - 1])
            continue
        typed = area.offers[0].replaces if area.offers else 0
        word = re.match(r" ?([\w'-]+)(?=\W)", wished[len(area.text) - typed :])
        choices = [number for number, offer in enumerate(area.offers, 1) if word and offer.text == word[1]]
        await pilot.press(f"alt+{choices[0]}" if choices else wished[len(area.text)])


async def draw(bundle: str | None, picture: Path, text: str) -> None:
    """Write `text` into a pad and save a screenshot to `picture`."""
    pad = Pad(TextFile(Path("letter.txt")), load(bundle))
    async with pad.run_test(size=(80, 16)) as pilot:
        pad.theme = DARK.name
        await write(pad, pilot, text)
        await pilot.pause()
        svg = pad.export_screenshot(title="foretype letter.txt")
        # Leave out the web fonts: the picture must not make a viewer fetch anything.
        picture.write_text(re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL), encoding="utf-8")
        print(f"{picture}: {pad.area.account}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    parser.add_argument("--out", type=Path, default=PICTURE, help="The SVG file.")
    parser.add_argument("--text", default=WISHED, help="What is typed.")
    arguments = parser.parse_args()
    asyncio.run(draw(arguments.bundle, arguments.out, arguments.text))
