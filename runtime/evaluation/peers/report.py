"""Writes a comparison as Markdown: a table for each condition, with ties, and one of what each system costs."""

from __future__ import annotations

from collections.abc import Sequence

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
