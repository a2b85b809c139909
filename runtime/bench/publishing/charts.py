"""Charts of many results: SVG that stands inside the HTML page, and the chart of a sweep."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foretype.runtime.bench.publishing.plot import BUDGET_US, check_plot, new_figure, save
from foretype.runtime.bench.result import Measurement, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Named = Sequence[tuple[str, Measurement]]
"""Measurements by the names that a chart gives them."""


def svg_charts(results: Sequence[Result]) -> list[str]:
    """The charts that `results` have data for. Raises ConfigError if matplotlib is not installed."""
    named = _named(results)
    charts = [_svg(_panel(_latencies, named, 1.5 + 0.35 * len(named))), _svg(_budget(named))]
    if any(m.sustained for _, m in named):
        charts.append(_svg(_panel(_over_time, named, 4)))
    return charts


def plot_budget(result: Result, path: Path) -> None:
    """Draw latency against memory and bytes to `path`. Raises ConfigError like `check_plot`."""
    check_plot(path)
    save(_budget(_named([result])), path)


def _named(results: Sequence[Result]) -> _Named:
    """All measurements with their names, fastest word boundary first."""
    pairs = [(result, measurement) for result in results for measurement in result.measurements]
    pairs.sort(key=lambda pair: pair[1].boundary.p50_us.median)
    several = len({result.device.name for result in results}) > 1
    names = [f"{result.device.cpu}: {m.label}" if several else m.label for result, m in pairs]
    # Between two dollar signs matplotlib expects a formula.
    return [(name.replace("$", r"\$"), m) for name, (_, m) in zip(names, pairs, strict=True)]


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with warnings.catch_warnings():
        # Matplotlib's remarks on names that are too long or that its font lacks; the table above the charts has them.
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(text, format="svg")
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _panel(draw: Callable[[Axes, _Named], None], named: _Named, height: float) -> Figure:
    figure = new_figure(9, height)
    draw(figure.subplots(), named)
    return figure


def _latencies(axes: Axes, named: _Named) -> None:
    places = range(len(named))
    axes.barh(places, [m.boundary.p99_us.median for _, m in named], color="C0", alpha=0.35, label="p99")
    axes.barh(places, [m.boundary.p50_us.median for _, m in named], color="C0", label="p50")
    axes.set_yticks(places, [name for name, _ in named])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(BUDGET_US, color="grey", linewidth=0.8)
    axes.set(xlabel="suggestion at a word boundary, microseconds (grey: 20 ms)")
    axes.legend(fontsize="small")


def _budget(named: _Named) -> Figure:
    """Latency against memory, and against the bytes of the bundle: what fits a budget lies left of it and below.

    A number marks each configuration. Filled marks have a quality, and the darker, the more keystrokes they save.
    """
    figure = new_figure(9, 4.5 + 0.18 * len(named))
    from matplotlib.lines import Line2D

    lines = [f"{number}  {name}{f': {m.quality}' if m.quality else ''}" for number, (name, m) in enumerate(named, 1)]
    savings = [m.quality.keystroke_savings for _, m in named if m.quality]
    shades = (min(savings) - 1, max(savings) + 1) if savings else (0.0, 1.0)
    latencies = [m.boundary.p99_us.median for _, m in named]
    panels = figure.subplots(1, 2, sharex=True)
    for axes, head in zip(panels, ("memory at the first suggestion, MB", "bundle, MB"), strict=True):
        for number, (_, m) in enumerate(named, 1):
            memory = m.first_peak_bytes.median if m.first_peak_bytes else None
            size = memory if axes is panels[0] else m.bundle_bytes
            if size is None:
                continue
            place = m.boundary.p99_us.median, size / 1e6
            if m.quality:
                saved, (low, high) = m.quality.keystroke_savings, shades
                axes.scatter(*place, c=[saved], vmin=low, vmax=high, cmap="viridis_r", zorder=3)
            else:
                axes.plot(*place, "o", markeredgecolor="grey", markerfacecolor="none")
            axes.annotate(str(number), place, (4, 4), textcoords="offset points", fontsize="small")
        axes.set_xscale("log" if latencies and max(latencies) > 8 * min(latencies) > 0 else "linear")
        axes.set(xlabel="word boundary, p99, microseconds", ylabel=head)
        if axes.has_data():
            axes.set_ylim(0, max(1.1 * axes.dataLim.ymax, 1e-3))
        axes.grid(alpha=0.3)
    figure.legend(
        handles=[Line2D([], [], linestyle="none", label=line) for line in lines],
        loc="outside lower left",
        handlelength=0,
        fontsize="small",
        title="filled: quality recorded; the darker, the more keystrokes saved",
    )
    return figure


def _over_time(axes: Axes, named: _Named) -> None:
    for number, (name, m) in enumerate(named):
        if m.sustained:
            minutes = [interval.start_s / 60 for interval in m.sustained]
            color = f"C{number % 10}"
            axes.plot(
                minutes, [interval.boundary_p50_us for interval in m.sustained], color=color, label=f"{name}: p50"
            )
            axes.plot(minutes, [interval.boundary_p99_us for interval in m.sustained], ":", color=color, label="p99")
    axes.set_yscale("log")
    axes.set(xlabel="minutes of typing without a pause", ylabel="word boundary, microseconds")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
