"""Writes a comparison as Markdown: a table for each condition, with ties, and one of what each system costs.

A page takes it between two comments, which stay: `<!-- comparison -->` and `<!-- end of comparison -->` hold the whole
report, `<!-- summary of comparison -->` and `<!-- end of summary of comparison -->` one small table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from foretype.runtime.errors import ConfigError
from foretype.runtime.evaluation.peers.results import Difference, Figures, Measured, Report

TITLES = {
    ("plain", "lines"): "Letters only, single lines",
    ("plain", "running"): "Letters only, running text",
    ("text", "lines"): "As written, single lines",
    ("text", "running"): "As written, running text",
}


def markdown(report: Report) -> str:
    """The whole report."""
    parts = (
        [_condition(report, number) for number in range(len(report.systems[0].conditions))] if report.systems else []
    )
    if report.systems:
        parts.append(_costs(report.systems))
    if report.skipped:
        parts.append("\n".join(["Skipped:", "", *(f"- {one.name}: {one.reason}" for one in report.skipped)]))
    sources = ", ".join(f"{source.name} ({source.lines} lines, {source.words:,} words)" for source in report.sources)
    parts.append(f"Text: {sources}. {report.k} words offered. Foretype {report.version}, {report.machine}.")
    return "\n\n".join(parts) + "\n"


def summary(report: Report) -> str:
    """One table of all systems, best first: savings in each condition, time and memory."""
    titles = [TITLES[one.mode, one.context].lower() for one in report.systems[0].conditions]
    lines = [
        f"| keystrokes saved, % | {' | '.join(titles)} | p50, ms | memory, MB |",
        f"|---|{'---:|' * (len(titles) + 2)}",
    ]
    for one in sorted(report.systems, key=lambda one: -one.conditions[0].savings):
        savings = [f"{figures.savings:.1f}" for figures in one.conditions]
        memory = "" if one.memory_mb is None else f"{one.memory_mb:.0f}"
        lines.append(f"| {' | '.join([one.name, *savings, f'{one.p50_ms:.2f}', memory])} |")
    return "\n".join(lines) + "\n"


def read_page(path: Path) -> str:
    """The text of a page that has a place for the report or its summary. Raises ConfigError otherwise."""
    try:
        page = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not any(place.search(page) for place in _PLACES):
        raise ConfigError(f"{path}: no place for the report; expected the lines <!-- comparison -->, {_END}")
    return page


def placed(report: Report, page: str) -> str:
    """`page` with the report and the summary in their places."""
    for place, written in _PLACES.items():
        text = written(report).replace("\\", r"\\")  # or it would be taken for groups
        page = place.sub(rf"\1\n{text}\n\2", page)
    return page


def _condition(report: Report, number: int) -> str:
    """One condition: the systems, best first, each compared with the reference, and what ties beside that."""
    reference = report.systems[0].name
    rows = sorted(((system, system.conditions[number]) for system in report.systems), key=lambda row: -row[1].savings)
    condition = rows[0][1]
    here = [item for item in report.differences if (item.mode, item.context) == (condition.mode, condition.context)]
    against = {item.second: item for item in here if item.first == reference}
    lines = [
        f"### {TITLES[condition.mode, condition.context]}",
        "",
        f"| system | keystroke savings, % | 95 % interval | top-1, % | top-3, % | against {reference}, points |",
        "|---|---:|---|---:|---:|---|",
        *(_row(system, figures, against.get(system.name), reference) for system, figures in rows),
    ]
    ties = [f"{item.first} and {item.second}" for item in here if item.verdict == "tie" and item.first != reference]
    if ties:
        lines += ["", f"Other ties: {'; '.join(ties)}."]
    return "\n".join(lines)


def _row(system: Measured, figures: Figures, against: Difference | None, reference: str) -> str:
    if against is None:
        says = "reference"
    else:
        verdicts = {
            "ahead": f"{reference} ahead",
            "behind": f"**{system.name} ahead**",
            "tie": "tie",
            "unknown": "too few lines to tell",
        }
        # From the system's side; subtracted from 0 so that no difference reads -0.0.
        points, low, high = 0 - against.points, 0 - against.high, 0 - against.low
        difference = f"{points:+.1f} ({low:+.1f} to {high:+.1f})"
        says = f"{verdicts[against.verdict]}: {difference}"
    cells = (
        system.name,
        f"{figures.savings:.1f}",
        f"{figures.low:.1f} to {figures.high:.1f}",
        f"{figures.top1:.1f}",
        f"{figures.top3:.1f}",
        says,
    )
    return f"| {' | '.join(cells)} |"


def _costs(systems: Sequence[Measured]) -> str:
    lines = [
        "### Time and memory",
        "",
        "| system | p50, ms | p99, ms | load, s | memory, MB | peak, MB | data, MB | training, s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in systems:
        megabytes = None if one.bytes is None else one.bytes / 1e6
        numbers = (one.memory_mb, one.peak_mb, megabytes, one.trained_seconds)
        cells = [one.name, f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}", f"{one.load_seconds:.2f}"]
        lines.append(f"| {' | '.join([*cells, *('' if cell is None else f'{cell:.1f}' for cell in numbers)])} |")
    return "\n".join(lines)


_END = "<!-- end of comparison -->"
_PLACES: dict[re.Pattern[str], Callable[[Report], str]] = {
    re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL): written
    for name, written in (("comparison", markdown), ("summary of comparison", summary))
}
