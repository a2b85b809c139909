"""Counts wrong and missed verdicts of the benchmark's comparison while other programs load the device.

    python scripts/measure_verdicts.py --comparisons 40 --load 2 --slowdown 10
    python scripts/measure_verdicts.py --comparisons 40 --load 2 --alone   # results made one after another

Half of the comparisons are between equal builds, where "faster" or "slower" is a false verdict. In the other half, the
new build repeats work inside `Session.suggest` until each call has used SLOWDOWN percent more CPU time. The slower
build is this one with a `sitecustomize` that wraps the method; nothing in the product knows of it. LOAD processes
compute and read memory meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import foretype
from foretype.runtime.bench.comparing.pairs import MOST_PAIRS, Build, compare_builds
from foretype.runtime.bench.comparing.results import compare
from foretype.runtime.bench.result import Result
from foretype.runtime.bench.trials import Configuration

SLOWER = """
import time
from foretype.runtime import session

original = session.Session.suggest

def suggest(self, text, *arguments, **options):
    start = time.thread_time_ns()
    found = original(self, text, *arguments, **options)
    end = time.thread_time_ns() + (time.thread_time_ns() - start) * {percent} // 100
    while time.thread_time_ns() < end:
        [word.casefold() for word in text[-40:].split()]
    return found

session.Session.suggest = suggest
"""
BURN = """
import numpy as np
words = np.random.default_rng(0).integers(1, 1 << 60, 2_000_000, dtype=np.uint64)
while True:
    sum(range(100_000))
    for _ in range(20):
        words.max()
"""


def build_folder(parent: Path, name: str, percent: int) -> Path:
    """A folder that holds this build of `foretype`, slowed down by `percent`."""
    folder = parent / name
    folder.mkdir()
    # An installed package is one folder; a checkout is mapped from several.
    rooms = folder / "foretype"
    rooms.mkdir()
    for room in ("runtime", "train", "export", "tui"):
        for place in foretype.__path__:
            source = Path(place) / room
            if source.exists():
                (rooms / room).symlink_to(source.resolve())
    if percent:
        (folder / "sitecustomize.py").write_text(SLOWER.format(percent=percent), encoding="utf-8")
    return folder


def told_alone(old: Path, new: Path, arguments: argparse.Namespace, folder: Path) -> set[str]:
    """The verdicts on the figures of a keystroke, from results that `foretype bench` writes one after another."""
    files = []
    for build in (old, new):
        files.append(folder / f"{build.name}.json")
        options = ["--engine", arguments.engine, "--out", str(files[-1]), "--seconds", str(arguments.seconds)]
        if arguments.bundle:
            options += ["--bundle", str(arguments.bundle)]
        command = [sys.executable, "-P", "-m", "foretype.tui.cli", "bench", *options]
        environment = {**os.environ, "PYTHONPATH": str(build)}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    rows = compare(*map(Result.read, files))
    return {row.verdict for row in rows if row.figure.endswith("p50, us") and "step" not in row.figure}


def main() -> None:
    """Print the number of each verdict, and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=40, help="comparisons of each kind")
    parser.add_argument("--load", type=int, default=2, help="processes that load the device meanwhile")
    parser.add_argument("--slowdown", type=int, default=10, help="percent of CPU time to add to each call")
    parser.add_argument("--engine", default="blend")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--pairs", type=int, default=MOST_PAIRS, help="most pairs of processes in a comparison")
    parser.add_argument("--alone", action="store_true", help="compare results that were made one after another")
    parser.add_argument("--seconds", type=float, default=20, help="time limit of each result with --alone")
    arguments = parser.parse_args()
    configuration = Configuration(str(arguments.bundle) if arguments.bundle else None, arguments.engine)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the burners end too
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(arguments.load)]
    counted: dict[str, Counter[str]] = {"equal": Counter(), "slower": Counter()}
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            parent = Path(temporary)
            plain, equal = (build_folder(parent, name, 0) for name in ("plain", "equal"))
            slow = build_folder(parent, "slow", arguments.slowdown)
            for number in range(arguments.comparisons):
                for kind, other in (("equal", equal), ("slower", slow)):
                    if arguments.alone:
                        verdicts = told_alone(plain, other, arguments, parent)
                    else:
                        rows = compare_builds(Build(plain), Build(other), configuration, arguments.pairs)
                        verdicts = {row.verdict for row in rows}
                        detail = " ".join(f"{r.ratio:.3f} ({r.low:.3f}-{r.high:.3f})" for r in rows)
                        print(
                            f"{number + 1} {kind}: {len(rows[0].ratios)} pairs, {detail}", file=sys.stderr, flush=True
                        )
                    counted[kind][_summary(verdicts)] += 1
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    for kind, counts in counted.items():
        print(f"{kind} builds, {arguments.comparisons} comparisons: {dict(counts)}")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    figures = {
        "comparisons": arguments.comparisons,
        "false": counted["equal"]["faster"] + counted["equal"]["slower"],
        "found": counted["slower"]["slower"],
        "load_processes": arguments.load,
        "load_average": load,
        "seconds": round(time.monotonic() - begun),
    }
    print(json.dumps(figures))


def _summary(verdicts: set[str]) -> str:
    """One word for a comparison: whatever its figures say, "slower" and "faster" come first."""
    for word in ("slower", "faster", "same within noise"):
        if word in verdicts:
            return word
    return "no verdict"


if __name__ == "__main__":
    main()
