"""Draws docs/pad.svg: a real pad, typed into key by key; `python docs/make_picture.py [BUNDLE]`."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from textual.pilot import Pilot

from foretype.runtime import load
from foretype.tui.pad.app import Pad
from foretype.tui.pad.document import TextFile
from foretype.tui.pad.themes import DARK

PICTURE = Path(__file__).with_name("pad.svg")
WISHED = "Thank you for your letter. I would like to come and see you next week, but I do not know wh"
"""What the person in the picture wants to say so far; the last word is still being typed."""


async def write(pad: Pad, pilot: Pilot[None], wished: str) -> None:
    """Types `wished` as a person does who takes a word as soon as it is on offer, but for the last."""
    area = pad.area
    while area.text != wished:
        await pilot.pause()
        if not wished.startswith(area.text):  # the space of an accepted word, where a mark comes next
            await pilot.press(wished[len(area.text) - 1])
            continue
        typed = area.offers[0].replaces if area.offers else 0
        word = re.match(r" ?([\w'-]+)(?=\W)", wished[len(area.text) - typed :])
        choices = [number for number, offer in enumerate(area.offers, 1) if word and offer.text == word[1]]
        await pilot.press(f"alt+{choices[0]}" if choices else wished[len(area.text)])


async def main(bundle: Path | None) -> None:
    pad = Pad(TextFile(Path("letter.txt")), load(bundle))
    async with pad.run_test(size=(80, 16)) as pilot:
        pad.theme = DARK.name
        pad.area.cursor_blink = False
        await write(pad, pilot, WISHED)
        await pilot.pause()
        picture = pad.export_screenshot(title="foretype letter.txt")
        # The fonts it names would be fetched from afar; without them, the viewer's own monospaced font serves.
        PICTURE.write_text(re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL))
        print(f"{PICTURE}: {pad.area.account}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
