"""Prints how far a session adapts to long texts: keystrokes saved after 2,000 words of one conversation or writer.

    python scripts/measure_streams.py ../shared/corpus/test --bundle en-tiny

Each stream is one document in its own order. The user first types `--before` words while the session learns; the next
`--words` words are measured: as written, three words offered, a perfect user, counting words and the spaces after them.
Each row adds one way to adapt. Gains are paired, with 95 % intervals by resampling streams.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from foretype.runtime import Model, Session, load
from foretype.runtime.engines.policy import Policy
from foretype.runtime.evaluation.documents import LIST_LENGTHS, count_words, words_of
from foretype.runtime.evaluation.keystrokes import Keystrokes, paired_gain
from foretype.runtime.personal.store import Store
from foretype.runtime.text.corpus import read_documents

SOURCES = (
    "ami_icsi_meetings",
    "bitcoin_transcripts",
    "changelog",
    "chitchat_byu",
    "earnings_calls",
    "ethereum_meetings",
)
"""Sources whose documents are one meeting, podcast, call or conversation each.

The documents of the test and validation text are in no model's training text, but other documents of the same sources
are. Novels are left out: other chapters of the same novels are trained on.
"""
WAYS = ("line alone", "earlier text", "and cache", "and store")
OFFERED = 3


def streams(folder: Path, most: int, words: int) -> Iterator[tuple[str, list[str]]]:
    """Yield name and lines of the first `most` documents of each source that have at least `words` words."""
    for source in SOURCES:
        found = 0
        for number, lines in enumerate(read_documents(folder / f"{source}.txt.xz")):
            if found < most and count_words(lines) >= words:
                found += 1
                yield f"{source} {number}", list(lines)


def type_stream(
    session: Session, lines: Sequence[str], first: int, words: int, *, earlier: bool = True, learns: bool = False
) -> tuple[int, int, int]:
    """Type `first` words, then at most `words` more. Return the words, characters and keystrokes of the latter.

    earlier: whether the session sees the lines before the one that is typed. learns: whether its store learns.
    """
    before, typed, characters, keys = "", 0, 0, 0
    for line in lines:
        for start, word, space in words_of(line):
            if typed == first + words:
                return typed - first, characters, keys
            text = before + line[:start]
            if typed >= first:
                characters += len(word) + space
                keys += _keystrokes(session, text, word, space)
            elif learns:
                session.suggest(text, k=OFFERED)  # what the engines expect decides the share of the store
            if learns:
                session.commit(text)
                session.commit(text + word + " " * space)
            typed += 1
        before = before + line + "\n" if earlier else ""
        if learns:
            session.commit(before)
    return typed - first, characters, keys


def _keystrokes(session: Session, before: str, word: str, space: int) -> int:
    for letters in range(len(word)):
        if word in [found.text for found in session.suggest(before + word[:letters], k=OFFERED)]:
            return letters + 1
    return len(word) + space


def measure(folder: Path, most: int, before: int, words: int, bundle: str) -> None:
    """Type each stream in every way, and print a table of streams and one of gains."""
    adapting, static = load(bundle), load(bundle)
    static.cache = None
    results = [Keystrokes("text") for _ in WAYS]
    print(f"| stream | words | {' | '.join(WAYS)} |\n|---|---|{'---|' * len(WAYS)}")
    for name, lines in streams(folder, most, before + words // 2):
        rows = _rows(adapting, static, lines, before, words)
        for result, (count, characters, keys) in zip(results, rows, strict=True):
            result.words.append(count)
            result.characters.append(characters)
            result.keystrokes.append([keys] * len(LIST_LENGTHS))
        figures = " | ".join(f"{100 * (1 - keys / characters):.2f}" for _, characters, keys in rows)
        print(f"| {name} | {rows[0][0]:,} | {figures} |", flush=True)
    print("\n| way | saved | over the way before | over the line alone |\n|---|---|---|---|")
    for number, (way, result) in enumerate(zip(WAYS, results, strict=True)):
        gains = [_gain(results[other], result) if number else "-" for other in (number - 1, 0)]
        print(f"| {way} | {result.savings()['k3']:.2f} | {gains[0]} | {gains[1]} |")


def _rows(adapting: Model, static: Model, lines: list[str], before: int, words: int) -> list[tuple[int, int, int]]:
    policy = Policy(deadline_ms=None)
    rows = [
        type_stream(static.session(policy=policy), lines, before, words, earlier=False),
        type_stream(static.session(policy=policy), lines, before, words),
        type_stream(adapting.session(policy=policy), lines, before, words),
    ]
    with tempfile.TemporaryDirectory() as temporary, Store(Path(temporary) / "store.sqlite3") as store:
        session = adapting.session(policy=policy, store=store)
        rows.append(type_stream(session, lines, before, words, learns=True))
    return rows


def _gain(before: Keystrokes, after: Keystrokes) -> str:
    gain, (low, high) = paired_gain(before, after)
    return f"{gain:+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help=f"Holds NAME.txt.xz for {', '.join(SOURCES)}.")
    parser.add_argument("--streams", type=int, default=2, dest="most", help="Streams of each source.")
    parser.add_argument("--before", type=int, default=2000, help="Words typed before measuring starts.")
    parser.add_argument("--words", type=int, default=2000, help="Words measured, at most.")
    parser.add_argument("--bundle", default="en", help="Name or folder of a bundle.")
    measure(**vars(parser.parse_args()))
