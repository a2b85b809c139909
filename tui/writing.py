"""`foretype eval --writing` and `--typist`: misspelt words, phrases and typing speed, over all sources together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from foretype.runtime.evaluation.keystrokes import Mode
from foretype.runtime.evaluation.typing_speed import SETTINGS, TODAY, evaluate_typists
from foretype.runtime.evaluation.typist import find_typists
from foretype.runtime.evaluation.writing import PhraseUse, Slips, evaluate_phrases, evaluate_slips
from foretype.runtime.model import Model
from foretype.runtime.suggesting.phrases import CONFIDENCE
from foretype.runtime.text.corpus import find_files
from foretype.tui.commands.evaluation import read_text


def evaluate_writing(
    model: Model, paths: list[Path], limit: int = 0, lines: bool = False, layout: str = "qwerty"
) -> dict[str, Any]:
    """Measure typo tolerance and phrases over all sources together, and return the figures as JSON values."""
    slips, phrases = Slips(), PhraseUse()
    console = Console(stderr=True)
    for file in track(find_files(paths), "writing", console=console, disable=not sys.stderr.isatty()):
        documents = read_text(file, limit, lines)
        evaluate_slips(model, documents, slips, layout=layout)
        evaluate_phrases(model, documents, result=phrases)
    return {"slips": slips.figures(), "phrases": {"confidence": CONFIDENCE, **phrases.figures()}}


def print_writing(report: dict[str, Any]) -> None:
    """Print the result of `evaluate_writing`."""
    console = Console(soft_wrap=True)
    slips, phrases = report["slips"], report["phrases"]
    console.print(f"Slips at {slips['rate']:.0%} of the letters, three words offered:".replace("%", " %"))
    for kind, name in (("misspelt", "misspelt words"), ("real_words", "words that became others")):
        figures = slips[kind]
        console.print(
            f"  {figures['words']} {name}: the intended one among three in {100 * figures['among_three_at_end']:.1f} % "
            f"after the last letter, {100 * figures['among_three_finished']:.1f} % after the space "
            f"(first {100 * figures['first_finished']:.1f} %); savings {figures['savings']:.1f} %, "
            f"with exact prefixes {figures['savings_exact_prefixes']:.1f} %"
        )
    console.print(
        f"  all words: savings {slips['savings']:.1f} %, with exact prefixes {slips['savings_exact_prefixes']:.1f} %"
    )
    for key, name in (("microseconds", "a letter"), ("microseconds_exact_prefixes", "with exact prefixes")):
        if slips[key]:
            console.print(f"  {name}: " + ", ".join(f"{q} {value:.0f} µs" for q, value in slips[key].items()))
    console.print(
        f"Phrases: savings {phrases['savings']:.1f} %, word by word {phrases['savings_words']:.1f} % (k=1); "
        f"{phrases['offered']} offered, {100 * phrases['wrong']:.1f} % not right to the end, "
        f"{100 * phrases['right_words']:.1f} % of their words right"
    )


def evaluate_typing(
    model: Model, paths: list[Path], name: str, limit: int = 0, lines: bool = False, layout: str = "qwerty"
) -> dict[str, Any]:
    """Let the typist `name` ("all" for each) type all sources together, and return the figures as JSON values.

    Raises ConfigError if there is no such typist.
    """
    typists = find_typists(name)
    documents = [document for file in find_files(paths) for document in read_text(file, limit, lines)]
    report: dict[str, Any] = {"bundle": model.bundle.name, "engine": model.engine}
    modes: tuple[Mode, ...] = ("plain", "text")
    for mode in modes:
        described = f"typing, {mode}"
        tracked = track(documents, described, console=Console(stderr=True), disable=not sys.stderr.isatty())
        report[mode] = evaluate_typists(model, tracked, mode, typists, SETTINGS, layout=layout).figures()
    return report


def print_typing(report: dict[str, Any]) -> None:
    """Print the result of `evaluate_typing`: a row for each typist and form of the text."""
    table = Table(
        title=f"{report['bundle']}, engine {report['engine']}: words a minute",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in ("typist", "form"):
        table.add_column(column)
    today = f"k={TODAY.k}"
    for column in ("none", today, "time\nsaved %", "keys\nsaved %", "words\ntaken %", "best", "best k,\nthreshold"):
        table.add_column(column, justify="right")
    for mode in ("plain", "text"):
        for name, figures in report[mode]["typists"].items():
            now = next(row for row in figures["settings"] if (row["k"], row["threshold"]) == TODAY)
            best = figures["best"]
            table.add_row(
                name,
                mode,
                *(f"{speed:.1f}" for speed in (figures["without"], now["words_per_minute"])),
                *(f"{now[key]:+.1f}" for key in ("time_saved", "keystrokes_saved")),
                f"{100 * now['accepted']:.0f}",
                f"{best['words_per_minute']:.1f}",
                f"{best['k']}, {best['threshold']:g}",
            )
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    console.print(f"Shares are of {today}, threshold {TODAY.threshold:g}. --json has every k and threshold.")
