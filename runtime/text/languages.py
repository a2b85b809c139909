"""The languages that Foretype knows something about: their names, keyboards and spaces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """What a language asks of a typing program, beyond words.

    name: in English. layout: its usual keyboard, one of `runtime.typos.keyboards.LAYOUTS`. spaced_marks: marks that
    have a space before them, as French has before "?".
    """

    name: str
    layout: str = "qwerty"
    spaced_marks: frozenset[str] = frozenset()


LANGUAGES: dict[str, Language] = {
    "en": Language("English"),
    "de": Language("German", "qwertz"),
    "fr": Language("French", "azerty", frozenset(";:!?»")),
    "es": Language("Spanish", "spanish"),
    "it": Language("Italian", "italian"),
    "pt": Language("Portuguese", "portuguese"),
    "nl": Language("Dutch"),
    "pl": Language("Polish"),
    "sv": Language("Swedish", "nordic"),
    "fi": Language("Finnish", "nordic"),
    "tr": Language("Turkish", "turkish"),
    "cs": Language("Czech", "czech"),
    "ca": Language("Catalan", "catalan"),
    "ru": Language("Russian", "russian"),
    "uk": Language("Ukrainian", "ukrainian"),
}
"""ISO 639-1 code -> language."""
UNKNOWN_LANGUAGE = Language("unknown")
