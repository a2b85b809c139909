"""Draws docs/pad.svg: a real pad on a bundled model, typed into key by key.

python scripts/make_picture.py
"""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path

from foretype.runtime import load
from foretype.tui.pad.app import Pad
from foretype.tui.pad.demo import write
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.settings import Settings
from foretype.tui.pad.themes import DARK

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pad.svg"
WISHED = "Thank you for your letter. I would like to come and see you next week, but I do not know wh"
"""The text that the person in the picture wants to write; the last word is still being typed."""


async def draw(bundle: str | None, picture: Path, text: str) -> None:
    """Write `text` into a pad and save a screenshot to `picture`."""
    pad = Pad(TextFile(Path("letter.txt")), load(bundle), private=True, settings=Settings(first_run_hint=False))
    async with pad.run_test(size=(80, 16)) as pilot:
        pad.theme = DARK.name
        await write(pad, pilot, text, pilot.pause, last_word=False)
        await pilot.pause()
        svg = pad.export_screenshot(title="foretype letter.txt")
        # Leave out the web fonts: the picture must not make a viewer fetch anything.
        picture.write_text(re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL), encoding="utf-8")
        print(f"{picture}: {pad.area.account}")
        pad.keeping.forget_copy()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    parser.add_argument("--out", type=Path, default=PICTURE, help="The SVG file.")
    parser.add_argument("--text", default=WISHED, help="What is typed.")
    arguments = parser.parse_args()
    asyncio.run(draw(arguments.bundle, arguments.out, arguments.text))
