"""Draws a comparison of systems: their keystroke savings with 95 % intervals. Needs the extra `plots`."""

from __future__ import annotations

from pathlib import Path

from foretype.runtime.evaluation.peers.report import TITLES
from foretype.runtime.evaluation.peers.results import Report
from foretype.runtime.files.figures import new_figure, save_figure


def draw(report: Report, path: Path) -> None:
    """Draw one panel for each condition, the best system on top. Raises ConfigError like `check_plot`."""
    panels = len(report.systems[0].conditions)
    figure = new_figure(5 * min(2, panels), (1 + 0.3 * len(report.systems)) * ((panels + 1) // 2), path)
    axes = figure.subplots((panels + 1) // 2, min(2, panels), squeeze=False, sharex=True).ravel()
    for number, panel in enumerate(axes[:panels]):
        rows = sorted(((one.name, one.conditions[number]) for one in report.systems), key=lambda row: row[1].savings)
        values = [figures.savings for _, figures in rows]
        errors = [[f.savings - f.low for _, f in rows], [f.high - f.savings for _, f in rows]]
        colours = ["C1" if name.startswith("foretype") else "C0" for name, _ in rows]
        panel.barh([name for name, _ in rows], values, xerr=errors, color=colours)
        panel.set_title(TITLES[rows[0][1].mode, rows[0][1].context])
        panel.set_xlabel("keystroke savings, %")
    for panel in axes[panels:]:
        panel.remove()
    save_figure(figure, path)
