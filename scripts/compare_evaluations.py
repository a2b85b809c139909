"""Prints two bundles side by side, source by source, as a Markdown table (docs/evaluation.md).

foretype eval ../shared/corpus/test --limit 600 --lines --json --bundle OLD > old.json     (and so on)
python scripts/compare_evaluations.py --lines old.json new.json --running old-running.json new-running.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def cell(sources: dict[str, Any], name: str) -> str:
    figures = sources[name]["plain"]
    low, high = figures["k3_interval"]
    return f"{figures['k3']:.1f} ({low:.1f}-{high:.1f})"


def mean(sources: dict[str, Any], mode: str) -> float:
    return float(sum(figures[mode]["k3"] for figures in sources.values()) / len(sources))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", nargs=2, type=Path, required=True, help="reports with --lines: old, new")
    parser.add_argument("--running", nargs=2, type=Path, required=True, help="reports without: old, new")
    options = parser.parse_args()
    reports = [json.loads(path.read_text(encoding="utf-8"))["sources"] for path in (*options.lines, *options.running)]
    print("| source | lines, before | lines, now | running, before | running, now |\n|---|---|---|---|---|")
    for name in sorted(reports[0]):
        print(f"| {name} | " + " | ".join(cell(sources, name) for sources in reports) + " |")
    for mode in ("plain", "text"):
        print(f"| mean, {mode} | " + " | ".join(f"{mean(sources, mode):.1f}" for sources in reports) + " |")


if __name__ == "__main__":
    main()
