"""Prints two bundles side by side, source by source, as a Markdown table (docs/evaluation.md).

foretype eval ../shared/corpus/test --limit 600 --lines --json --bundle OLD > old.json     (and so on)
python scripts/compare_evaluations.py --lines old.json new.json --running old-running.json new-running.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from foretype.tui.commands.evaluation import enough_words

SAME_BOOKS = ("openstax", "standard_ebooks", "standard_ebooks_2")
"""Sources whose test text is parts of books with other parts in the training text, so that names are known."""


def cell(sources: dict[str, Any], name: str) -> str:
    figures = sources[name]["plain"]
    low, high = figures["k3_interval"]
    return f"{figures['k3']:.1f} ({low:.1f}-{high:.1f})"


def mean(sources: dict[str, Any], names: list[str], mode: str) -> float:
    return float(sum(sources[name][mode]["k3"] for name in names) / len(names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", nargs=2, type=Path, required=True, help="reports with --lines: old, new")
    parser.add_argument("--running", nargs=2, type=Path, required=True, help="reports without: old, new")
    options = parser.parse_args()
    read = [json.loads(path.read_text(encoding="utf-8")) for path in (*options.lines, *options.running)]
    reports = [report["sources"] for report in read]
    print("| source | lines, before | lines, now | running, before | running, now |\n|---|---|---|---|---|")
    for name in sorted(reports[0]):
        mark = " *" if name in SAME_BOOKS else ""
        print(f"| {name}{mark} | " + " | ".join(cell(sources, name) for sources in reports) + " |")
    enough = enough_words(read[-1]["limit"])
    names = [name for name, figures in reports[-1].items() if figures["plain"]["words"] >= enough]
    others = [name for name in names if name not in SAME_BOOKS]
    for kind, chosen in (("", names), (" without *", others)):
        for mode in ("plain", "text") if chosen else ():
            means = " | ".join(f"{mean(sources, chosen, mode):.1f}" for sources in reports)
            print(f"| mean of {len(chosen)}{kind}, {mode} | {means} |")


if __name__ == "__main__":
    main()
