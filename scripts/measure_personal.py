"""Prints the figures of docs/personal.md: keystrokes saved with and without learning, as a text grows.

python scripts/measure_personal.py ../shared/corpus/test --documents 2 --words 2500
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from foretype.runtime import Session, load
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.engines.policy import Policy
from foretype.runtime.personal.store import Store
from foretype.runtime.text.corpus import read_documents

SINGLE = ("standard_ebooks", "us_gov_blogs", "handbooks_guides")
STREAMS = ("ethereum_meetings", "bitcoin_transcripts")
"""Sources whose documents together are one text."""
_WORD = re.compile(r"(?:[^\W_]|['\u2019-])+")
OFFERED = 3


def documents(folder: Path, most: int, words: int) -> Iterator[tuple[str, list[str]]]:
    """Yield name and lines of each text to type: the first documents of at least 1,000 words, and the streams."""
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
    """Count the keys for `word` and the space after it, if the user accepts it as soon as it is offered."""
    for letters in range(len(word)):
        if word in [found.text for found in session.suggest(before + word[:letters], k=OFFERED)]:
            return letters + 1
    return len(word) + space


def typed(session: Session, lines: list[str], words: int, learns: bool) -> list[tuple[int, int]]:
    """Type `lines`; return characters and keystrokes of each hundred words."""
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
    """Keystrokes saved, in percent of the characters of words and of the spaces after them."""
    characters = sum(row[0] for row in hundreds)
    return 100.0 * (1.0 - sum(row[1] for row in hundreds) / max(1, characters))


def measure(folder: Path, most: int, words: int, bundle: str | None, engine: EngineName, plot: Path | None) -> None:
    """Type each text three times: with a new store, without a store, and without even the cache of recent words."""
    model, static = load(bundle, engine=engine), load(bundle, engine=engine)
    static.cache = None
    policy = Policy(deadline_ms=None)
    texts: list[list[list[tuple[int, int]]]] = []
    print(
        "| text | words | store | cache | neither | store over cache | after 1,000 words | over neither | after 1,000 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, lines in documents(folder, most, words):
        with tempfile.TemporaryDirectory() as temporary:
            store = Store(Path(temporary) / "store.sqlite3")
            rows = [
                typed(model.session(policy=policy, store=store), lines, words, True),
                typed(model.session(policy=policy), lines, words, False),
                typed(static.session(policy=policy), lines, words, False),
            ]
            store.close()
        texts.append(rows)
        print(f"| {name} | {100 * len(rows[0]):,} | {_line(rows)} |", flush=True)
    longest = max(len(rows[0]) for rows in texts)
    curves = [[_gain(texts, other, hundred) for hundred in range(longest)] for other in (1, 2)]
    print("by hundreds, over the cache:", " ".join(f"{gain:+.1f}" for gain in curves[0]))
    print("by hundreds, over neither:", " ".join(f"{gain:+.1f}" for gain in curves[1]))
    if plot is not None:
        _plot(plot, curves)


def _line(rows: list[list[tuple[int, int]]]) -> str:
    all_ = [saved(row) for row in rows]
    late = [saved(row[10:]) for row in rows]
    gains = [
        f"{values[0] - values[other]:+.2f}" if len(rows[0]) > 10 or values is all_ else "-"
        for other in (1, 2)
        for values in (all_, late)
    ]
    return " | ".join([*(f"{value:.2f}" for value in all_), *gains])


def _gain(texts: list[list[list[tuple[int, int]]]], other: int, hundred: int) -> float:
    """Mean gain in one hundred words, over the texts that are long enough."""
    gains = [saved([rows[0][hundred]]) - saved([rows[other][hundred]]) for rows in texts if len(rows[0]) > hundred]
    return sum(gains) / len(gains)


def _plot(path: Path, curves: list[list[float]]) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for curve, label in zip(curves, ("over the cache alone", "over a model that does not adapt"), strict=True):
        axes.plot([100 * (hundred + 1) for hundred in range(len(curve))], curve, marker=".", label=label)
    axes.axhline(0, color="gray", linewidth=0.8)
    axes.set_xlabel("words typed")
    axes.set_ylabel("keystrokes saved, points gained")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help=f"Holds NAME.txt.xz for {', '.join((*SINGLE, *STREAMS))}.")
    parser.add_argument("--documents", type=int, default=2, dest="most", help="Documents of each source.")
    parser.add_argument("--words", type=int, default=2500, help="Words of each text, at most.")
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    parser.add_argument("--engine", default="auto", choices=get_args(EngineName))
    parser.add_argument("--plot", type=Path, help="A PNG or SVG file.")
    measure(**vars(parser.parse_args()))
