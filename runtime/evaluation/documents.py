"""What an evaluation reads: documents and their words, as keystroke savings count them."""

from __future__ import annotations

import re
from collections.abc import Sequence

Document = Sequence[str]
"""The lines of one document."""

LIST_LENGTHS = (1, 3, 5)
"""How many suggestions are shown at once, in the figures of an evaluation."""

WORD = re.compile(r"(?:[^\W_]|['\u2019-])+")
_NOT_PLAIN = re.compile(r"[^a-z']+")


def plain(line: str) -> str:
    """`line` in the plain form of text-entry studies: lower case, only a-z, apostrophes and single spaces."""
    return _NOT_PLAIN.sub(" ", line.lower().replace("\u2019", "'")).strip()


def count_words(document: Document) -> int:
    """Words of `document` as keystroke savings count them."""
    return sum(1 for line in document for _ in WORD.finditer(line))
