"""The languages that Foretype knows something about: their names, keyboards and spaces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """What a language asks of a typing program, beyond words.

    name: in English. own_name: in the language itself. layout: its usual keyboard, one of
    `runtime.typos.keyboards.LAYOUTS`. spaced_marks: marks that have a space before them, as French has before "?".
    """

    name: str
    own_name: str
    layout: str = "qwerty"
    spaced_marks: frozenset[str] = frozenset()


LANGUAGES: dict[str, Language] = {
    "en": Language("English", "English"),
    "de": Language("German", "Deutsch", "qwertz"),
    "fr": Language("French", "français", "azerty", frozenset(";:!?»")),
    "es": Language("Spanish", "español", "spanish"),
    "it": Language("Italian", "italiano", "italian"),
    "pt": Language("Portuguese", "português", "portuguese"),
    "nl": Language("Dutch", "Nederlands"),
    "pl": Language("Polish", "polski"),
    "sv": Language("Swedish", "svenska", "nordic"),
    "fi": Language("Finnish", "suomi", "nordic"),
    "tr": Language("Turkish", "Türkçe", "turkish"),
    "cs": Language("Czech", "čeština", "czech"),
    "ca": Language("Catalan", "català", "catalan"),
    "ru": Language("Russian", "русский", "russian"),
    "uk": Language("Ukrainian", "українська", "ukrainian"),
}
"""ISO 639-1 code -> language."""
UNKNOWN_LANGUAGE = Language("unknown", "unknown")
