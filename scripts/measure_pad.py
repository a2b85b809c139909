"""Measures the pad in a terminal: milliseconds from a key to its letter on the screen, and bytes for each key.

python scripts/measure_pad.py [--file FILE] [--keys 300]
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import tempfile
import time
from pathlib import Path

import pyte
from pseudo_terminal import start

from foretype.runtime.bench.benchmark_text import benchmark_text

PAUSE = 0.12
"""Seconds from one key to the next: 100 words a minute."""


class Screen:
    """The pad on a pseudo-terminal."""

    def __init__(self, arguments: list[str], columns: int, rows: int, home: str) -> None:
        command = [sys.executable, "-m", "foretype.tui.cli", *arguments]
        self.process, self._master = start(command, columns, rows, {"FORETYPE_HOME": home})
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def read(self, seconds: float) -> int:
        """Read what comes within so many seconds; returns the number of bytes."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return 0
        data = os.read(self._master, 1 << 16)
        self._stream.feed(data)
        return len(data)

    def shows(self, text: str) -> bool:
        return any(text in line for line in self.screen.display)


def measure(arguments: list[str], keys: int, columns: int, rows: int) -> dict[str, float]:
    """Type `keys` letters and return the figures."""
    text = " ".join(benchmark_text().split())
    delays, sizes = [], []
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        screen = Screen([*arguments, "--no-personal"], columns, rows, home)
        try:
            while not screen.shows("saved"):
                screen.read(0.05)
            opened = time.perf_counter() - start
            end = time.perf_counter() + 1.5
            while time.perf_counter() < end:
                screen.read(0.05)
            for key in text[:keys]:
                sent = time.perf_counter()
                screen.press(key)
                size, painted = 0, None
                while (left := sent + PAUSE - time.perf_counter()) > 0:
                    got = screen.read(left)
                    size += got
                    if got and painted is None:
                        painted = time.perf_counter() - sent
                sizes.append(size)
                delays.append(PAUSE if painted is None else painted)
        finally:
            screen.process.kill()
            screen.process.wait()
    delays.sort()
    sizes.sort()
    return {
        "first_screen_s": round(opened, 2),
        "key_to_paint_ms_p50": round(1e3 * delays[len(delays) // 2], 1),
        "key_to_paint_ms_p95": round(1e3 * delays[int(len(delays) * 0.95)], 1),
        "bytes_p50": sizes[len(sizes) // 2],
        "bytes_mean": round(sum(sizes) / len(sizes)),
        "bytes_p95": sizes[int(len(sizes) * 0.95)],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, help="Open this file, which is not saved.")
    parser.add_argument("--keys", type=int, default=300, help="Letters to type.")
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--bundle", default="en")
    options = parser.parse_args()
    command = ["--bundle", options.bundle, *([str(options.file)] if options.file else [])]
    print(json.dumps(measure(command, options.keys, options.columns, options.rows)))
