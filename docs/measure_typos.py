"""Prints the figures of docs/writing.md on misspelt words.

python docs/measure_typos.py ../shared/corpus/valid --words 300
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections import Counter
from pathlib import Path

from foretype.runtime import Model, Policy, Session, load
from foretype.runtime.evaluate import evaluate_keystrokes
from foretype.runtime.misspelling import RATE, misspell
from foretype.runtime.vocabulary import fold
from foretype.train.corpus import find_files
from foretype.tui.evaluation import read_text

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def offered(session: Session, text: str, word: str, seconds: list[float]) -> bool:
    """Whether `word` is among the three words offered after `text`."""
    begin = time.perf_counter()
    found = session.suggest(text, k=3)
    seconds.append(time.perf_counter() - begin)
    return fold(word) in [fold(suggestion.text) for suggestion in found]


def keystrokes(session: Session, before: str, typed: str, word: str, seconds: list[float]) -> int:
    """Keys for `word` and a space when the fingers type `typed`: a choice as soon as the word is among three; where it
    never is, the wrong letters are deleted and typed again."""
    for letters in range(len(typed)):
        if offered(session, before + typed[:letters], word, seconds if letters else []):
            return letters + 1
    if typed == word:
        return len(word) + 1
    if offered(session, before + typed, word, seconds):
        return len(typed) + 1
    same = next((i for i, pair in enumerate(zip(typed, word, strict=False)) if pair[0] != pair[1]), len(typed))
    return len(typed) + (len(typed) - same) + (len(word) - same) + 1


def main(paths: list[Path], words: int, clean_only: bool) -> None:
    """Measure each source, and print sums and means."""
    model: Model = load()
    vocabulary = set(model.vocabulary.keys)
    endless = Policy(deadline_ms=None)
    counts: Counter[str] = Counter()
    times: dict[bool, list[float]] = {True: [], False: []}
    cost = []
    for file in find_files(paths):
        documents = read_text(file, words)
        saved = {}
        for typos in (False, True):
            saved[typos] = [
                evaluate_keystrokes(model, documents, mode, typos=typos).savings() for mode in ("plain", "text")
            ]
        cost.append([off["k3"] - on["k3"] for off, on in zip(saved[False], saved[True], strict=True)])
        if clean_only:
            continue
        draw = random.Random(file.name)
        sessions = {typos: model.session(typos=typos, policy=endless) for typos in (True, False)}
        for document in documents:
            text = "\n".join(document)
            for match in _WORD.finditer(text):
                word, before = match.group(), text[: match.start()]
                typed = misspell(word, draw)
                for typos, session in sessions.items():
                    counts[f"keys {typos}"] += keystrokes(session, before, typed, word, times[typos])
                counts["characters"] += len(word) + 1
                if typed == word or len(word) < 3 or fold(word) not in vocabulary:
                    continue
                kind = "real" if fold(typed) in vocabulary else "misspelt"
                counts[kind] += 1
                counts[f"{kind} open"] += offered(sessions[True], before + typed, word, [])
                found = sessions[True].corrections(before + typed + " ", k=3, threshold=0.0)
                read = [fold(suggestion.text.strip()) for suggestion in found]
                counts[f"{kind} finished"] += fold(word) in read
                counts[f"{kind} first"] += fold(word) in read[:1]
                for typos, session in sessions.items():
                    counts[f"{kind} keys {typos}"] += keystrokes(session, before, typed, word, [])
                counts[f"{kind} characters"] += len(word) + 1
    plain, written = (statistics.mean(row[i] for row in cost) for i in (0, 1))
    print(f"{len(cost)} sources, clean text: savings lost {plain:.2f} (plain) {written:.2f} (text) points at k=3")
    if clean_only:
        return
    print(f"{RATE:.0%} of letters hit; counts {dict(counts)}")
    for kind in ("misspelt", "real"):
        total = counts[kind]
        rates = {name: f"{100 * counts[f'{kind} {name}'] / total:.1f} %" for name in ("open", "finished", "first")}
        print(f"{kind}: {total} words, intended word among three: {rates}")
    for kind in ("", "misspelt ", "real "):
        saved = {
            t: f"{100 * (1 - counts[f'{kind}keys {t}'] / counts[f'{kind}characters']):.1f} %" for t in (False, True)
        }
        print(f"keystroke savings, {kind or 'all '}words, without and with: {saved}")
    for typos, seconds in times.items():
        values = sorted(seconds)
        quantiles = [values[int(len(values) * share)] * 1e6 for share in (0.5, 0.9, 0.99)]
        print(f"us a letter, typos={typos}: p50, p90, p99 " + " ".join(f"{value:.0f}" for value in quantiles))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--clean-only", action="store_true")
    arguments = parser.parse_args()
    main(arguments.paths, arguments.words, arguments.clean_only)
