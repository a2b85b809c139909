"""Measures `foretype tmux`: milliseconds from a key in a real tmux client to the words under the pane.

python scripts/measure_tmux.py [--keys 150]
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time

import pyte
from pseudo_terminal import start

from foretype.runtime.bench.benchmark_text import benchmark_text

PAUSE = 0.2
"""Seconds from one key to the next."""


def measure(bundle: str, keys: int) -> dict[str, float]:
    """Type into `cat` in a tmux of its own, and return the figures over the keys that changed the words."""
    text = " ".join(benchmark_text().split())[:keys]
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/tmux.sock"
        os.environ["FORETYPE_HOME"] = folder
        subprocess.run(["tmux", "-f", "/dev/null", "-S", socket, "new-session", "-d", "-s", "work", "cat"], check=True)
        foretype = [sys.executable, "-m", "foretype.tui.cli", "tmux"]
        client, master = start(["tmux", "-S", socket, "attach", "-t", "work"], 80, 24, {})
        try:
            subprocess.run(
                [*foretype, "on", "--socket", socket, "--bundle", bundle], check=True, stdout=subprocess.DEVNULL
            )
            delays = _delays(master, text)
            subprocess.run([*foretype, "off", "--socket", socket], check=True, capture_output=True)
        finally:
            subprocess.run(["tmux", "-S", socket, "kill-server"], check=False, capture_output=True)
            client.wait()
    delays.sort()
    return {
        "keys": len(delays),
        "key_to_words_ms_p50": round(1e3 * delays[len(delays) // 2], 1),
        "key_to_words_ms_p95": round(1e3 * delays[int(len(delays) * 0.95)], 1),
    }


def _delays(master: int, text: str) -> list[float]:
    """Seconds until the second status line last changed, for each key that changed it."""
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    delays = []
    for key in text:
        before, changed = screen.display[23], None
        sent = time.perf_counter()
        os.write(master, key.encode())
        while (left := sent + PAUSE - time.perf_counter()) > 0:
            if select.select([master], [], [], left)[0]:
                stream.feed(os.read(master, 1 << 16))
                if screen.display[23] != before:
                    before, changed = screen.display[23], time.perf_counter() - sent
        if changed is not None:
            delays.append(changed)
    return delays


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=150, help="Letters to type.")
    parser.add_argument("--bundle", default="en", help="Name or folder of a bundle.")
    print(json.dumps(measure(**vars(parser.parse_args()))))
