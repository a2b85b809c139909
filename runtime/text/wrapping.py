"""Recognises text whose lines were broken at a fixed width, and joins them into paragraphs again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

_NARROWEST, _WIDEST = 30, 132
_FEWEST_BREAKS = 20
_SHARE = 0.5
"""Of the pairs of lines that must continue a paragraph. Texts of utterances stay below 0.3."""
_TOLERANCE = 3
"""Characters by which a line may stay below the width although the next word would fit."""
_LONGEST_DOCUMENT = 400
"""Paragraphs after which a document ends, so that a book without section breaks need not fit in memory."""


def wrap_width(lines: Sequence[str]) -> int | None:
    """Return the width at which `lines` were broken, or None if their breaks mean something.

    Lines were broken at a width if most of them have no room for the first word of the next line.
    """
    lengths = sorted(len(line) for line, following in pairwise(lines) if line.strip() and following.strip())
    if len(lengths) < _FEWEST_BREAKS:
        return None
    width = lengths[int(0.95 * len(lengths))]
    if not _NARROWEST <= width <= _WIDEST:
        return None
    broken = sum(_continues(line, following, width) for line, following in pairwise(lines))
    return width if broken >= _SHARE * len(lengths) else None


def join_paragraphs(lines: Iterable[str], width: int) -> Iterator[str]:
    """Yield the paragraphs of `lines`, which were broken at `width`; an empty line ends a document.

    A blank line ends a paragraph, two end a document. So does an indented line start a paragraph, and a line that has
    room for the first word of the next one ends it. A hyphen at the end of a line is kept, without a space after it.
    """
    paragraph, last, blank, paragraphs = "", "", 0, 0
    for line in lines:
        if not line.strip():
            blank += 1
            continue
        if paragraph and not blank and _continues(last, line, width):
            hyphen = paragraph[-1] == "-" and paragraph[-2:-1].isalpha()
            paragraph += ("" if hyphen else " ") + line.strip()
        else:
            if paragraph:
                yield paragraph
                paragraphs += 1
                if blank > 1 or paragraphs == _LONGEST_DOCUMENT:
                    yield ""
                    paragraphs = 0
            paragraph = line.strip()
        last, blank = line, 0
    if paragraph:
        yield paragraph


def _continues(line: str, following: str, width: int) -> bool:
    """Whether `following` continues the paragraph of `line`."""
    if not line.strip() or not following.strip() or (following[0].isspace() and not line[0].isspace()):
        return False
    return len(line.rstrip()) + 1 + len(following.split(maxsplit=1)[0]) >= width - _TOLERANCE
