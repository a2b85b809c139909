"""Records `foretype demo` as an asciicast, which `asciinema play docs/demo.cast` shows.

python scripts/record_demo.py
"""

from __future__ import annotations

import argparse
import codecs
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from pseudo_terminal import start

CAST = Path(__file__).resolve().parents[1] / "docs" / "demo.cast"
COLUMNS, ROWS = 80, 16


def record(bundle: str, text: str, out: Path) -> None:
    """Run the demo on a pseudo-terminal and write what it draws, with its times (asciicast version 2)."""
    command = [sys.executable, "-m", "foretype.tui.cli", "demo", *([text] if text else []), "--bundle", bundle]
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    pieces: list[str] = []
    with tempfile.TemporaryDirectory() as home:
        demo, master = start(command, COLUMNS, ROWS, {"FORETYPE_HOME": home})
        begun = time.monotonic()
        while True:
            try:
                data = os.read(master, 1 << 16)
            except OSError:  # Linux: the demo has closed its side
                break
            if not data:
                break
            pieces.append(json.dumps([round(time.monotonic() - begun, 3), "o", decode(data)]))
        demo.wait()
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "foretype demo"}
    out.write_text("\n".join([json.dumps(header), *pieces]) + "\n", encoding="utf-8")
    print(f"{out}: {len(pieces)} pieces")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="en", help="Name or folder of a bundle.")
    parser.add_argument("--text", default="", help="What is typed.")
    parser.add_argument("--out", type=Path, default=CAST, help="The file to write.")
    record(**vars(parser.parse_args()))
