"""Formats the results of a comparison as a Markdown table and a plot of keystroke savings by size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretype.runtime.files.figures import new_figure, save_figure

_COLUMNS = (
    ("model", lambda row: row["name"]),
    ("parameters", lambda row: _millions(row["parameters"])),
    ("bundle", lambda row: f"{row['bytes'] / 1e6:.2f} MB"),
    ("training", lambda row: _duration(row["training_seconds"])),
    ("perplexity", lambda row: f"{row['perplexity']:.1f}"),
    ("top-1", lambda row: _percent(row, "top1")),
    ("top-3", lambda row: _percent(row, "top3")),
    ("keystrokes saved", lambda row: f"{row['keystroke_savings']:.1f}"),
    ("p50", lambda row: _microseconds(row, "any_p50")),
    ("p99", lambda row: _microseconds(row, "any_p99")),
)
"""Heading and cell of each column. Times are those of a suggestion after any keystroke."""


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M"


def _percent(row: dict[str, Any], name: str) -> str:
    return f"{100 * row[name]:.1f}" if name in row else ""


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _microseconds(row: dict[str, Any], name: str) -> str:
    value = row.get("microseconds", {}).get(name)
    return "" if value is None else f"{value:.0f} us" if value < 1000 else f"{value / 1000:.1f} ms"


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """Format the table: one numbered line for each model, in the order of `results`."""
    head = " | ".join(name for name, _ in _COLUMNS)
    lines = [f"| | {head} |", "|---:|---|" + "---:|" * (len(_COLUMNS) - 1)]
    for number, row in enumerate(results, start=1):
        lines.append(f"| {number} | " + " | ".join(cell(row) for _, cell in _COLUMNS) + " |")
    return "\n".join(lines) + "\n"


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw keystroke savings by bundle size to `path`, with the numbers of the table.

    Raises ConfigError if matplotlib is not installed.
    """
    figure = new_figure(9, 6, path)
    axes = figure.add_subplot()
    for family, marker in (("n-gram", "s"), ("neural", "o"), ("characters", "D"), ("blend", "^")):
        rows = [(number, row) for number, row in enumerate(results, start=1) if row["family"] == family]
        sizes = [row["bytes"] / 1e6 for _, row in rows]
        savings = [row["keystroke_savings"] for _, row in rows]
        axes.scatter(sizes, savings, marker=marker, s=14, label=family)
        for (number, _), *place in zip(rows, sizes, savings, strict=True):
            axes.annotate(str(number), tuple(place), (3, 2), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", xlabel="bundle, MB", ylabel="keystrokes saved, % (three suggestions)")
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, path)
