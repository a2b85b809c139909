"""The colour themes of the pad, and the choice of the one that suits the terminal."""

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


CONTRAST = Theme(
    name="foretype-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff6060",
    success="#00ff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
)
THEMES = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST}


def theme_for(name: str) -> Theme:
    """The theme for a setting: a name in `THEMES`, or "auto" for the one that suits the terminal."""
    return THEMES.get(name) or (LIGHT if light_terminal() else DARK)


def light_terminal() -> bool:
    """Whether the terminal reports a white background in COLORFGBG."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"}
