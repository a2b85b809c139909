"""Recognise abbreviations that end in a full stop, so that it does not end a sentence."""

from __future__ import annotations

import re
from enum import Enum

_TITLES = "Mr|Mrs|Ms|Mx|Dr|Prof|St|Sr|Sra|Jr|Rev|Hon|Capt|Sgt|Lt|Col|Gen"
_OTHERS = "vs|etc|approx|cf|incl|viz|resp"
# "e.g.", "p.m.", "U.S."; a postscript begins a sentence.
_LETTERS = r"(?!P\.S\.)(?:[^\W\d_]\.){2,}"
_PATTERN = re.compile(rf"(?<![^\s(])(?:({_TITLES})\.|(?:{_OTHERS})\.|{_LETTERS})$", re.IGNORECASE)
_LONGEST = 12


class Abbreviation(Enum):
    """What follows the abbreviation: a name after a title ("Mr."), the rest of the sentence after others ("e.g.")."""

    TITLE = 1
    OTHER = 2


def abbreviation_before(text: str, end: int) -> Abbreviation | None:
    """Return the kind of abbreviation that ends at position `end` of `text`; None if there is none.

    >>> abbreviation_before("Dear Mr.", 8), abbreviation_before("fruit, e.g.", 11), abbreviation_before("So do I.", 8)
    (<Abbreviation.TITLE: 1>, <Abbreviation.OTHER: 2>, None)
    """
    if end == 0 or text[end - 1] != ".":
        return None
    found = _PATTERN.search(text, max(0, end - _LONGEST), end)
    return None if found is None else Abbreviation.TITLE if found.group(1) else Abbreviation.OTHER
