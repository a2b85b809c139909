"""`foretype info`: prints a model card for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_MEGABYTE = 1e6


def print_card(facts: Mapping[str, Any]) -> None:
    """Print the result of `Model.info`: sizes, figures, limits and sources."""
    card, figures = facts["card"], facts["figures"]
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    size = sum(number or 0 for number in facts["bytes"].values()) / _MEGABYTE
    graph = f"{facts['precision']} graph on {facts['provider']}, " if facts["precision"] else ""
    rows = [
        ("model", f"{facts['name']} ({facts['path']})"),
        ("what it is", card.get("description")),
        ("engine", f"{facts['engine']}: {graph}{facts['ngram_order']}-gram tables"),
        ("notice", facts["notice"]),
        ("size", f"{size:.1f} MB, {facts['vocabulary']:,} words"),
        *_figures(figures),
        ("trained on", card.get("trained_on")),
        ("limits", card.get("limits")),
        ("licence", card.get("licence")),
    ]
    for name, value in rows:
        if value:
            table.add_row(name, str(value))
    console = Console(highlight=False)
    console.print(table)
    if card.get("sources"):
        console.print("\nSources")
        sources = Table.grid(padding=(0, 2))
        for source in card["sources"]:
            sources.add_row(*(str(source.get(part, "")) for part in ("name", "what", "licence")))
        console.print(sources)
    console.print("\n--json prints every figure.")


def _figures(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The most important figures, as rows of the card."""
    mean = figures.get("evaluation", {}).get("blend", {}).get("mean")
    if not mean:
        return []
    saved = (
        f"{mean['plain']['k3']:.1f} % of keystrokes with three words offered (plain text, {mean['sources']} sources)"
    )
    return [("saves", saved), ("perplexity", f"{mean['tokens']['perplexity']:.1f} per word")]
