"""The pad's two sets of colours, and which of them suits the terminal."""

from __future__ import annotations

import os

from textual.theme import Theme

DARK = Theme(
    name="foretype-dark",
    primary="#7aa2c8",
    secondary="#8aa39b",
    accent="#d8b26e",
    warning="#e0af68",
    error="#e06c75",
    success="#8fbf7f",
    foreground="#d5d9e0",
    background="#17191e",
    surface="#1d2026",
    panel="#252932",
)
LIGHT = Theme(
    name="foretype-light",
    primary="#2f6690",
    secondary="#5b7b6f",
    accent="#9a6a15",
    warning="#9a5b00",
    error="#b3262e",
    success="#3c7a2e",
    foreground="#24272c",
    background="#fbfaf7",
    surface="#f2f0eb",
    panel="#e6e3db",
    dark=False,
)


def light_terminal() -> bool:
    """Whether the terminal says, in COLORFGBG, that its background is white."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"}
