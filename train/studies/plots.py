"""Draws plots to image files: the curves of a run, and gradients by distance. Needs the extra `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from foretype.runtime.files.figures import new_figure, save_figure
from foretype.train.curves import Row

_PANELS = {
    "loss, nats": ("loss",),
    "perplexity": ("perplexity", "validation_perplexity"),
    "gradient norm": ("gradient_norm",),
    "learning rate": ("learning_rate",),
    "tokens per second": ("tokens_per_second",),
}


def plot_curves(rows: Sequence[Row], path: Path, title: str = "") -> None:
    """Draw the curves of a run by tokens seen, one panel each. Raises ConfigError like `new_figure`."""
    figure = new_figure(8, 10, path)
    figure.suptitle(title)
    panels = figure.subplots(len(_PANELS), sharex=True)
    for panel, (label, columns) in zip(panels, _PANELS.items(), strict=True):
        for column in columns:
            points = [(row["tokens"], row[column]) for row in rows if row[column] is not None]
            panel.plot([tokens / 1e6 for tokens, _ in points], [value for _, value in points], ".-")
        if len(columns) > 1:
            panel.set_yscale("log")
            panel.legend(["training", "validation"])
        panel.set_ylabel(label)
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("million tokens")
    save_figure(figure, path)


def plot_gradients(profiles: Mapping[str, tuple[Sequence[float], Sequence[float]]], path: Path) -> None:
    """Draw gradient norms by distance, relative to the norm at distance 1.

    profiles: model name -> norms at distances 1, 2, ... at initialisation and after training. Raises ConfigError like
    `new_figure`.
    """
    figure = new_figure(8, 5, path)
    axes = figure.subplots()
    for number, (name, pair) in enumerate(profiles.items()):
        for norms, style, when in zip(pair, ("--", "-"), ("at initialisation", "trained"), strict=True):
            distances = range(1, len(norms) + 1)
            relative = [norm / norms[0] for norm in norms]
            axes.semilogy(distances, relative, style, color=f"C{number}", label=f"{name}, {when}")
    axes.axhline(0.01, color="grey", linewidth=0.8)
    axes.set_ylim(bottom=1e-8)
    axes.set_xlabel("distance, steps")
    axes.set_ylabel("gradient norm relative to distance 1")
    axes.legend()
    axes.grid(alpha=0.3)
    save_figure(figure, path)
