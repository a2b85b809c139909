"""Prints the figures of docs/personal.md: keystrokes saved with and without learning, as one text goes on.

python docs/measure_personal.py ../shared/corpus/test --documents 3 --words 1500
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from foretype.runtime import Session, load
from foretype.runtime.personal.store import Store
from foretype.runtime.policy import Policy
from foretype.train.corpus import read_documents

SINGLE = ("standard_ebooks", "us_gov_blogs", "handbooks_guides")
STREAMS = ("ethereum_meetings", "bitcoin_transcripts")
"""Sources of which all documents together are one text."""
_WORD = re.compile(r"(?:[^\W_]|['\u2019-])+")
OFFERED = 3


def documents(folder: Path, most: int, words: int) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of the texts that are typed: the first ones of at least 1,000 words, and the streams."""
    for source in SINGLE:
        found = 0
        for number, lines in enumerate(read_documents(folder / f"{source}.txt.xz")):
            if sum(len(_WORD.findall(line)) for line in lines) >= min(1000, words):
                yield f"{source} {number}", list(lines)
                found += 1
                if found == most:
                    break
    for source in STREAMS:
        lines = []
        for document in read_documents(folder / f"{source}.txt.xz"):
            lines += document
            if sum(map(len, lines)) > 10 * words:
                break
        yield source, lines


def keystrokes(session: Session, before: str, word: str, space: int) -> int:
    """Keys that `word`, and the space behind it, cost one who takes it as soon as it is offered."""
    for letters in range(len(word)):
        if word in [found.text for found in session.suggest(before + word[:letters], k=OFFERED)]:
            return letters + 1
    return len(word) + space


def typed(session: Session, lines: list[str], words: int, learns: bool) -> list[tuple[int, int]]:
    """Characters and keystrokes of each hundred words of `lines`."""
    hundreds: list[tuple[int, int]] = []
    before, count, characters, keys = "", 0, 0, 0
    for line in lines:
        for match in _WORD.finditer(line):
            if count == words:
                return hundreds
            space = int(line[match.end() : match.end() + 1] == " ")
            stroke = keystrokes(session, before + line[: match.start()], match.group(), space)
            if learns:
                session.commit(before + line[: match.start()])
                session.commit(before + line[: match.end() + space])
            count += 1
            characters += len(match.group()) + space
            keys += stroke
            if count % 100 == 0:
                hundreds.append((characters, keys))
                characters = keys = 0
        before += line + "\n"
        if learns:
            session.commit(before)
    return hundreds


def saved(hundreds: list[tuple[int, int]]) -> float:
    """Keystrokes saved, in percent of the characters of words and of the spaces behind them."""
    characters = sum(row[0] for row in hundreds)
    return 100.0 * (1.0 - sum(row[1] for row in hundreds) / max(1, characters))


def main() -> None:
    """Type each text twice: into a session with a new store, and into one without."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--documents", type=int, default=3, help="Of each source.")
    arguments.add_argument("--words", type=int, default=1500, help="Of each text, at most.")
    arguments.add_argument("--engine", default="auto")
    options = arguments.parse_args()
    model = load(engine=options.engine)
    gains: list[list[float]] = []
    policy = Policy(deadline_ms=None)
    for name, lines in documents(options.folder, options.documents, options.words):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            store = Store(Path(folder) / "store.sqlite3")
            learning = model.session(policy=policy, store=store)
            rows = (
                typed(learning, lines, options.words, True),
                typed(model.session(policy=policy), lines, options.words, False),
            )
            gain = [saved([with_]) - saved([without]) for with_, without in zip(*rows, strict=True)]
            gains.append(gain)
            late = saved(rows[0][10:]) - saved(rows[1][10:])
            print(
                f"{name:24} {100 * len(gain):5} words: with {saved(rows[0]):5.2f} without {saved(rows[1]):5.2f} "
                f"gain {saved(rows[0]) - saved(rows[1]):+5.2f}, after 1,000 words {late:+5.2f}; "
                f"by hundreds {' '.join(f'{g:+.1f}' for g in gain)}; shares "
                f"{store.shares()}; {time.perf_counter() - begin:.0f} s",
                flush=True,
            )
            store.close()
    longest = max(map(len, gains))
    for hundred in range(longest):
        column = [gain[hundred] for gain in gains if len(gain) > hundred]
        print(
            f"words {100 * hundred + 1:5} to {100 * hundred + 100:5}: {sum(column) / len(column):+.2f} of {len(column)}"
        )


if __name__ == "__main__":
    main()
