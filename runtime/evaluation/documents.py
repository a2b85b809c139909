"""The input of an evaluation: documents, and their words as keystroke savings count them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Document = Sequence[str]
"""The lines of one document."""

LIST_LENGTHS = (1, 3, 5)
"""Numbers of suggestions shown at once for which an evaluation reports figures."""

WORD = re.compile(r"(?:[^\W_]|['\u2019-])+")
_NOT_PLAIN = re.compile(r"(?:[^\w']|[\d_])+")


def plain(line: str) -> str:
    """`line` in the plain form of text-entry studies: lower case, only letters, apostrophes and single spaces."""
    return _NOT_PLAIN.sub(" ", line.replace("\u0130", "i").lower().replace("\u2019", "'")).strip()


def words_of(line: str) -> Iterator[tuple[int, str, int]]:
    """Each word of `line`: where it starts, the word, and 1 if a space follows it, else 0.

    >>> list(words_of("Well, no"))
    [(0, 'Well', 0), (6, 'no', 0)]
    """
    for match in WORD.finditer(line):
        yield match.start(), match.group(), int(line[match.end() : match.end() + 1] == " ")


def count_words(document: Document) -> int:
    """The number of words in `document`, as keystroke savings count them."""
    return sum(1 for line in document for _ in WORD.finditer(line))
