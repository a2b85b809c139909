"""Prints the figures of docs/typists.md: words a minute of simulated people, with and without suggestions.

python scripts/measure_typists.py FILES --lines --plot docs/typists.png
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from foretype.runtime import load
from foretype.runtime.bench.publishing.plot import check_plot, new_figure
from foretype.runtime.evaluation.documents import LIST_LENGTHS, Document
from foretype.runtime.evaluation.typing_speed import SETTINGS, THRESHOLDS, TODAY, Setting, evaluate_typists
from foretype.runtime.evaluation.typist import PROFILES, Typist
from foretype.runtime.files.atomic import replacing
from foretype.runtime.model import Model
from foretype.runtime.text.corpus import find_files
from foretype.tui.commands.evaluation import read_text

KEYS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
"""Seconds for a key, with everything else as on a phone; choosing takes as long as a key."""
LOOKS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
CAREFUL = Setting(1, 0.5)
"""One word, and only if it is more likely than not."""


def measure(files: list[Path], limit: int, lines: bool, bundle: str | None, plot: Path | None) -> None:
    """Let all typists type `files` in the letters-only form, and print four tables."""
    if plot is not None:
        check_plot(plot)
    model = load(bundle)
    documents = [document for file in find_files(files) for document in read_text(file, limit, lines)]
    figures = evaluate_typists(model, documents, "plain", PROFILES).figures()["typists"]
    print(
        "| typist | none | k=3 | time saved % | keys saved % | words taken % | best k, threshold | wpm | over k=3 % |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, typist in figures.items():
        now, best = _row(typist, TODAY), typist["best"]
        print(
            f"| {name} | {typist['without']:.1f} | {now['words_per_minute']:.1f} | "
            f"{now['time_saved']:+.1f} ({_interval(now['time_saved_interval'])}) | {now['keystrokes_saved']:+.1f} | "
            f"{100 * now['accepted']:.0f} | {best['k']}, {best['threshold']:g} | {best['words_per_minute']:.1f} | "
            f"{typist['over_today']:+.1f} ({_interval(typist['over_today_interval'])}) |"
        )
    print(f"\n| k, threshold | {' | '.join(PROFILES)} |\n|---|{'---|' * len(PROFILES)}")
    for setting in SETTINGS:
        cells = " | ".join(f"{_row(figures[name], setting)['time_saved']:+.1f}" for name in PROFILES)
        print(f"| {setting.k}, {setting.threshold:g} | {cells} |", flush=True)
    phone = PROFILES["phone"]
    by_key = {f"{key:g}": replace(phone, key=key, choose=phone.choose - phone.key + key) for key in KEYS}
    keys = _saved(model, documents, by_key)
    print("\n| seconds a key | k=3, 0 | k=1, 0.5 |\n|---|---|---|")
    for name, (today, careful) in keys.items():
        print(f"| {name} | {today:+.1f} | {careful:+.1f} |")
    by_looks = {f"{name} {looks:g}": replace(PROFILES[name], looks=looks) for looks in LOOKS for name in PROFILES}
    looked = _saved(model, documents, by_looks)
    print(f"\n| looks | {' | '.join(PROFILES)} |\n|---|{'---|' * len(PROFILES)}")
    for looks in LOOKS:
        cells = " | ".join(f"{looked[f'{name} {looks:g}'][0]:+.1f}" for name in PROFILES)
        print(f"| {looks:g} | {cells} |")
    if plot is not None:
        _plot(plot, figures, keys)


def _saved(model: Model, documents: list[Document], typists: Mapping[str, Typist]) -> dict[str, list[float]]:
    """Time saved by each typist in percent, with today's setting and the careful one."""
    settings = (TODAY, CAREFUL)
    figures = evaluate_typists(model, documents, "plain", typists, settings).figures()["typists"]
    return {name: [_row(figures[name], setting)["time_saved"] for setting in settings] for name in typists}


def _row(typist: dict[str, Any], setting: Setting) -> dict[str, Any]:
    return next(row for row in typist["settings"] if (row["k"], row["threshold"]) == setting)


def _interval(bounds: list[float]) -> str:
    return f"{bounds[0]:+.1f} to {bounds[1]:+.1f}"


def _plot(path: Path, figures: dict[str, Any], keys: dict[str, list[float]]) -> None:
    figure = new_figure(9, 3.4)
    by_threshold, by_key = figure.subplots(1, 2)
    for color, name in enumerate(PROFILES):
        for k, line in zip(LIST_LENGTHS, (":", "-", "--"), strict=True):
            saved = [_row(figures[name], Setting(k, threshold))["time_saved"] for threshold in THRESHOLDS]
            label = name if k == TODAY.k else None
            by_threshold.plot(THRESHOLDS, saved, line, color=f"C{color}", label=label, linewidth=1.2)
    by_threshold.set_xlabel("threshold (dotted: k=1, solid: 3, dashed: 5)")
    for column, setting in enumerate((TODAY, CAREFUL)):
        label = f"k={setting.k}, threshold {setting.threshold:g}"
        by_key.plot(KEYS, [saved[column] for saved in keys.values()], marker=".", label=label)
    by_key.set_xscale("log")
    by_key.set_xticks(KEYS, [f"{key:g}" for key in KEYS])
    by_key.minorticks_off()
    by_key.set_xlabel("seconds for a key, all else as on a phone")
    for axes in (by_threshold, by_key):
        axes.axhline(0, color="gray", linewidth=0.8)
        axes.set_ylabel("time saved, %")
        axes.legend(fontsize="small")
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", help="Text files or folders.")
    parser.add_argument("--limit", type=int, default=0, help="Words of each file; 0 for all.")
    parser.add_argument("--lines", action="store_true", help="Treat each line as a document.")
    parser.add_argument("--bundle", help="Name or folder of a bundle.")
    parser.add_argument("--plot", type=Path, help="A PNG, SVG or PDF file.")
    measure(**vars(parser.parse_args()))
