"""Measures a mixture of two languages on text of each, and on text that changes between them (docs/languages.md).

python scripts/measure_mixture.py en=../shared/corpus/test/tatoeba.txt.xz de=../shared/languages/de/test/tatoeba.txt.xz
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.evaluation.keystrokes import Suggesting, evaluate_keystrokes
from foretype.runtime.mixture import Models
from foretype.runtime.text.vocabulary import Vocabulary
from foretype.tui.commands.evaluation import read_text

_WORDS = 3


class Mixed(Models):
    """Models as the evaluation takes them: its limit by vocabulary, not printed here, is that of the first."""

    @property
    def vocabulary(self) -> Vocabulary:
        return self.models[0].vocabulary


def saved(model: Suggesting, lines: Sequence[Sequence[str]]) -> float:
    """Keystrokes saved with three words shown, in percent."""
    return float(evaluate_keystrokes(model, lines, "plain").savings()["k3"])


def recognised(models: Models, name: str, lines: list[str]) -> float:
    """The share of the lines of at least four words whose language leads after three words, in percent."""
    right = total = 0
    for line in lines:
        words = line.split()
        if len(words) <= _WORDS:
            continue
        mixture = models.session()
        mixture.suggest(" ".join(words[:_WORDS]) + " ")
        total += 1
        right += mixture.leader == name
    return 100.0 * right / max(1, total)


def main(pairs: list[str], limit: int) -> None:
    """Print a Markdown table, a row for each text."""
    names, files = zip(*(pair.split("=", 1) for pair in pairs), strict=True)
    alone = [load(name) for name in names]
    mixed = Mixed(alone)
    measured: tuple[Suggesting, ...] = (*alone, mixed)
    texts = [read_text(Path(file), limit, lines=True) for file in files]
    print("| text | " + " | ".join(names) + f" | {'+'.join(names)} | recognised after {_WORDS} words |")
    print("|---" * (len(names) + 3) + "|")
    for model, name, lines in zip(alone, names, texts, strict=True):
        cells = [f"{saved(each, lines):.1f}" for each in measured]
        share = recognised(mixed, model.name, [line[0] for line in lines])
        print(f"| {name} | {' | '.join(cells)} | {share:.0f} % |")
    turns = [[line[0] for line in group] for group in zip(*texts, strict=False)]
    cells = [f"{saved(each, turns):.1f}" for each in measured]
    print(f"| lines in turn | {' | '.join(cells)} | |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="MODEL=FILE", help="A model and a text in its language.")
    parser.add_argument("--limit", type=int, default=1000, help="Words of each text; 0 for all.")
    main(**vars(parser.parse_args()))
