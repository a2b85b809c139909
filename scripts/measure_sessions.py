"""Prints the figures of docs/performance.md on long texts and many sessions. Linux only.

python scripts/measure_sessions.py ../shared/corpus/test/us_gov_blogs.txt.xz
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from foretype.runtime import Model, Session, load
from foretype.runtime.text.corpus import read_documents

SIZES = (0.01, 1, 2, 4, 8)
"""Megabytes of text before the letters of `long_text`."""


def resident() -> float:
    """Resident memory of this process in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def timed(session: Session, text: str) -> float:
    """Microseconds of one suggestion."""
    begin = time.perf_counter()
    session.suggest(text)
    return 1e6 * (time.perf_counter() - begin)


def paste(model: Model, text: str, words: int) -> None:
    """Paste a whole text, then ask for a suggestion."""
    pasted = " ".join(text.split(" ")[:words])
    milliseconds = statistics.median(timed(model.session(), pasted) for _ in range(9)) / 1000
    print(f"pasting {words:,} words, {len(pasted):,} characters: first suggestion {milliseconds:.1f} ms")


def long_text(model: Model, text: str, letters: int) -> None:
    """Type letters at the end of longer and longer texts, passed whole."""
    times = {}
    for megabytes in SIZES:
        before = (text * (1 + int(megabytes * 1e6) // len(text)))[: int(megabytes * 1e6)] + " "
        session = model.session()
        session.suggest(before)
        times[megabytes] = statistics.median(timed(session, before + "the"[: 1 + i % 3]) for i in range(letters))
    print("a letter after so many MB of text: " + ", ".join(f"{size} MB {time:.0f} us" for size, time in times.items()))
    print(f"slowdown: {(times[SIZES[-1]] - times[SIZES[0]]) / SIZES[-1]:.1f} us a MB")


def typing(model: Model, text: str, characters: int) -> None:
    """Type characters one by one; the host passes the last 4,000 to 6,000, from the start of a line."""
    session, sizes = model.session(), []
    begin = time.perf_counter()
    tail = ""
    for i in range(characters):
        tail += text[i % len(text)]
        if len(tail) > 6000:
            tail = tail[tail.find("\n", 1500) + 1 :]
        session.suggest(tail)
        if (i + 1) % (characters // 10) == 0:
            sizes.append(resident())
    print(f"{characters:,} characters typed in {time.perf_counter() - begin:.0f} s; resident MB after each tenth:")
    print("  " + " ".join(f"{size:.1f}" for size in sizes))


def many_sessions(model: Model, text: str, count: int) -> None:
    """Open sessions that share one model, and type twenty words in each."""
    sessions = []
    before = resident()
    for number in range(count):
        session = model.session()
        sessions.append(session)
        words = text[200 * number :].split(" ")[:20]
        for end in range(1, len(words)):
            session.suggest(" ".join(words[:end]) + " ")
    print(f"{count:,} sessions: {1000 * (resident() - before) / count:.0f} KB each")


def measure(path: Path, bundle: str | None, words: int, letters: int, sessions: int, characters: int) -> None:
    """Print all four figures."""
    text = "\n\n".join("\n".join(document) for document in read_documents(path))
    model = load(bundle)
    model.session().suggest("Warm up")
    paste(model, text, words)
    long_text(model, text, letters)
    many_sessions(model, text, sessions)
    typing(model, text, characters)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="A text file.")
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    parser.add_argument("--words", type=int, default=10_000, help="Words pasted at once.")
    parser.add_argument("--letters", type=int, default=600, help="Letters typed after each long text.")
    parser.add_argument("--sessions", type=int, default=1_000, help="Sessions open at the same time.")
    parser.add_argument("--characters", type=int, default=1_000_000, help="Characters typed one by one.")
    measure(**vars(parser.parse_args()))
