"""Plots the latencies of a result: one curve per configuration, for letters and for word boundaries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foretype.runtime.bench.latency import Histogram
from foretype.runtime.bench.result import Result
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
BUDGET_US = 20_000.0
"""A suggestion within this time feels immediate: the usual budget in the field."""


def check_plot(path: Path) -> None:
    """Raise ConfigError if a plot cannot be drawn to `path`. Call it before long work."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: unknown image type; expected an ending of {', '.join(FORMATS)}")
    new_figure(1, 1)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches. Raises ConfigError if matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("plots need matplotlib: pip install 'foretype[plots]'") from error
    return Figure((width, height), layout="constrained")


def plot_latencies(result: Result, path: Path) -> None:
    """Draw the histograms of `result` to `path`, in the format of its suffix. Raises ConfigError like `check_plot`."""
    check_plot(path)
    figure = new_figure(8, 6)
    figure.suptitle(result.device.name, fontsize="medium")
    letters, boundaries = figure.subplots(2, sharex=True)
    for number, measurement in enumerate(result.measurements):
        for axes, latency in ((letters, measurement.letter), (boundaries, measurement.boundary)):
            label = f"{measurement.label}: p50 {latency.p50_us.median:,.0f} us, p99 {latency.p99_us.median:,.0f} us"
            axes.stairs(_shares(latency.histogram), latency.histogram.edges(), label=label, color=f"C{number % 10}")
        if measurement.floor:
            boundaries.axvline(measurement.floor.floor_us.median, color=f"C{number % 10}", linestyle=":")
    for axes, title in ((letters, "inside a word"), (boundaries, "word boundary (dotted: the memory floor)")):
        axes.axvline(BUDGET_US, color="grey", linewidth=0.8)
        axes.set_title(f"{title}; grey: 20 ms", fontsize="medium")
        axes.set_ylabel("share of keystrokes")
        axes.set_xscale("log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    boundaries.set_xlabel("time of a suggestion, microseconds")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write the figure to `path`, in the format of its suffix."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=150)


def _shares(histogram: Histogram) -> list[float]:
    total = sum(histogram.counts)
    return [count / total for count in histogram.counts]
