"""Keyboard layouts: which keys lie side by side, so that hitting a neighbouring key costs less than hitting another."""

from __future__ import annotations

from functools import lru_cache

from foretype.runtime.errors import ConfigError

LAYOUTS: dict[str, tuple[str, ...]] = {
    "qwerty": ("qwertyuiop", "asdfghjkl;'", "zxcvbnm"),
    "qwertz": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "azerty": ("azertyuiop", "qsdfghjklmù", "wxcvbn"),
    "spanish": ("qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "catalan": ("qwertyuiop", "asdfghjklñç", "zxcvbnm"),
    "portuguese": ("qwertyuiop", "asdfghjklç", "zxcvbnm"),
    "italian": ("qwertyuiopè", "asdfghjklòàù", "zxcvbnm"),
    "nordic": ("qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
    "czech": ("qwertzuiopú", "asdfghjklů", "yxcvbnm"),
    "turkish": ("qwertyuıopğü", "asdfghjklşi", "zxcvbnmöç"),
    "russian": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "ukrainian": ("йцукенгшщзхї", "фівапролджєґ", "ячсмитьбю"),
    "dvorak": ("',.pyfgcrl", "aoeuidhtns-", ";qjkxbmwvz"),
}
"""Name -> the three rows of letter keys, from the top, each from its leftmost key."""

_OFFSETS = (0.0, 0.25, 0.75)
"""How far each row is shifted to the right of the top row, in keys."""
_REACH = 1.3
"""Keys whose centres are at most this far apart are neighbours: a key in the middle has six."""


@lru_cache
def neighbours(layout: str) -> dict[str, str]:
    """Map each letter to the letters on the keys around it. Raises ConfigError if the layout is unknown.

    >>> neighbours("qwerty")["g"], neighbours("dvorak")["e"]
    ('tyfhvb', '.poujk')
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"layout is {layout!r}; choose from {', '.join(LAYOUTS)}")
    places = {
        key: (column + offset, float(row))
        for row, (keys, offset) in enumerate(zip(LAYOUTS[layout], _OFFSETS, strict=True))
        for column, key in enumerate(keys)
    }
    return {
        key: "".join(
            other for other, (a, b) in places.items() if other != key and (a - x) ** 2 + (b - y) ** 2 <= _REACH**2
        )
        for key, (x, y) in places.items()
    }
