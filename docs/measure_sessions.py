"""Prints the figures of docs/performance.md on long texts and many sessions.

python docs/measure_sessions.py ../shared/corpus/test/us_gov_blogs.txt.xz
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from foretype.runtime import Model, Session, load
from foretype.runtime.text.corpus import read_documents


def resident() -> float:
    """Resident memory of this process in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def timed(session: Session, text: str) -> float:
    """Microseconds of one suggestion."""
    begin = time.perf_counter()
    session.suggest(text)
    return 1e6 * (time.perf_counter() - begin)


def paste(model: Model, text: str, words: int = 10_000) -> None:
    """A text is pasted whole, then typing goes on."""
    pasted = " ".join(text.split(" ")[:words])
    first = [timed(model.session(), pasted) for _ in range(9)]
    time_taken = statistics.median(first) / 1000
    print(f"pasting {words:,} words, {len(pasted):,} characters: first suggestion {time_taken:.1f} ms")


def long_text(model: Model, text: str) -> None:
    """Letters typed at the end of ever longer texts, handed over whole."""
    times = {}
    for megabytes in (0.01, 1, 2, 4, 8):
        before = (text * (1 + int(megabytes * 1e6) // len(text)))[: int(megabytes * 1e6)] + " "
        session = model.session()
        session.suggest(before)
        letters = [timed(session, before + "the"[: 1 + i % 3]) for i in range(600)]
        times[megabytes] = statistics.median(letters)
    print("a letter after so many MB of text: " + ", ".join(f"{size} MB {time:.0f} us" for size, time in times.items()))
    print(f"slowdown: {(times[8] - times[0.01]) / 8:.1f} us a MB")


def typing(model: Model, text: str, characters: int = 1_000_000) -> None:
    """A million characters typed one by one, the host passing the last 4,000 to 6,000 from a line's start."""
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
    print(
        f"{characters:,} characters typed in {time.perf_counter() - begin:.0f} s; resident memory after each tenth, MB:"
    )
    print("  " + " ".join(f"{size:.1f}" for size in sizes))


def kept_bytes(session: Session) -> int:
    """Bytes of the scores and states that a session keeps, which are bounded."""
    predictor = session._predictor
    states = (
        [part for state in predictor._stepper._states._entries.values() for part in state] if predictor._stepper else []
    )
    return sum(array.nbytes for array in [*(kept.words for kept in predictor._predictions._entries.values()), *states])


def many_sessions(model: Model, text: str, count: int = 1000) -> None:
    """Sessions that share one model, each with twenty words typed."""
    sessions = []
    before = resident()
    for number in range(count):
        session = model.session()
        sessions.append(session)
        words = text[200 * number :].split(" ")[:20]
        for end in range(1, len(words)):
            session.suggest(" ".join(words[:end]) + " ")
    kept = sum(map(kept_bytes, sessions)) / 1e6
    grown = resident() - before
    each, of_it = 1000 * grown / count, 1000 * kept / count
    print(f"{count:,} sessions: {each:.0f} KB each, of which {of_it:.0f} KB kept scores and states")


def main(path: Path) -> None:
    """Run all four."""
    text = "\n\n".join("\n".join(document) for document in read_documents(path))
    model = load(*sys.argv[2:])
    model.session().suggest("Warm up")
    paste(model, text)
    long_text(model, text)
    many_sessions(model, text)
    typing(model, text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
