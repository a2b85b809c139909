"""Charts of many results for the HTML page, as SVG that stands inside it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from foretype.runtime.bench.publishing.plot import BUDGET_US, new_figure
from foretype.runtime.bench.result import Measurement, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def svg_charts(results: Sequence[Result]) -> list[str]:
    """The charts that `results` have data for. Raises ConfigError if matplotlib is not installed."""
    pairs = [(result, measurement) for result in results for measurement in result.measurements]
    pairs.sort(key=lambda pair: pair[1].boundary.p50_us.median)
    several = len({result.device.name for result in results}) > 1
    named = [(f"{result.device.cpu}: {m.label}" if several else m.label, m) for result, m in pairs]
    charts = [_svg(named, _latencies, 1.5 + 0.35 * len(named))]
    if any(m.first_peak_bytes for _, m in named):
        charts.append(_svg(named, _budget, 5))
    if any(m.sustained for _, m in named):
        charts.append(_svg(named, _over_time, 4))
    return charts


def _svg(
    named: Sequence[tuple[str, Measurement]],
    draw: Callable[[Axes, Sequence[tuple[str, Measurement]]], None],
    height: float,
) -> str:
    figure = new_figure(9, height)
    draw(figure.subplots(), named)
    text = io.StringIO()
    figure.savefig(text, format="svg")
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _latencies(axes: Axes, named: Sequence[tuple[str, Measurement]]) -> None:
    places = range(len(named))
    axes.barh(places, [m.boundary.p99_us.median for _, m in named], color="C0", alpha=0.35, label="p99")
    axes.barh(places, [m.boundary.p50_us.median for _, m in named], color="C0", label="p50")
    axes.set_yticks(places, [name for name, _ in named])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(BUDGET_US, color="grey", linewidth=0.8)
    axes.set(xlabel="suggestion at a word boundary, microseconds (grey: 20 ms)")
    axes.legend(fontsize="small")


def _budget(axes: Axes, named: Sequence[tuple[str, Measurement]]) -> None:
    for number, (name, m) in enumerate(named):
        if m.first_peak_bytes:
            axes.plot(
                m.boundary.p99_us.median, m.first_peak_bytes.median / 1e6, "o", color=f"C{number % 10}", label=name
            )
    axes.set_xscale("log")
    axes.set(xlabel="suggestion at a word boundary, p99, microseconds", ylabel="memory at the first suggestion, MB")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _over_time(axes: Axes, named: Sequence[tuple[str, Measurement]]) -> None:
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
