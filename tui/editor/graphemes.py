"""Grapheme clusters: what readers see as one character. The cursor moves between them.

Clusters follow Unicode Standard Annex 29, as implemented by `wcwidth`. Widths are those that Rich draws.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from wcwidth import grapheme_boundary_before, iter_graphemes

TAB = 4
"""Number of cells between tab stops."""

_REACH = 64
"""Number of code points to search for a cluster boundary. Longer clusters are cut."""


def next_boundary(line: str, column: int) -> int:
    """The end of the cluster that starts at `column`.

    >>> next_boundary("e\\u0301a", 0), next_boundary("ab", 2)
    (2, 2)
    """
    piece = line[column : column + _REACH]
    if piece[:2].isascii():
        return min(column + 1, len(line))
    return column + len(next(iter_graphemes(piece)))


def previous_boundary(line: str, column: int) -> int:
    """The start of the cluster that ends at `column`.

    >>> previous_boundary("e\\u0301a", 2), previous_boundary("ab", 0)
    (0, 0)
    """
    start = max(0, column - _REACH)
    piece = line[start:column]
    if piece[-2:].isascii():
        return max(0, column - 1)
    return start + int(grapheme_boundary_before(piece, len(piece)))


def boundary_at_or_before(line: str, column: int) -> int:
    """The last cluster boundary at or before `column`."""
    if column <= 0 or column >= len(line) or line[column - 1 : column + 1].isascii():
        return max(0, min(column, len(line)))
    start = previous_boundary(line, column)
    return column if next_boundary(line, start) <= column else start


def previous_word(line: str, column: int) -> int:
    """The start of the word before `column`."""
    while column > 0 and not _in_word(line[column - 1]):
        column -= 1
    while column > 0 and _in_word(line[column - 1]):
        column -= 1
    return column


def next_word(line: str, column: int) -> int:
    """The end of the word after `column`."""
    while column < len(line) and not _in_word(line[column]):
        column += 1
    while column < len(line) and _in_word(line[column]):
        column += 1
    return column


def _in_word(character: str) -> bool:
    return not (character.isascii() and not character.isalnum() and character not in "_'") and not character.isspace()


@lru_cache(4096)
def clusters(text: str) -> tuple[str, ...]:
    """Split a text into clusters."""
    return tuple(text) if text.isascii() else tuple(iter_graphemes(text))


@lru_cache(4096)
def shown(cluster: str) -> tuple[str, int]:
    """The drawn form of a cluster that is not a tab, and its width in cells.

    Control characters become symbols, so that no file can control the terminal.

    >>> shown("a"), shown("\\x1b"), shown("\\u200b")
    (('a', 1), ('␛', 1), ('·', 1))
    """
    code = ord(cluster[0])
    if code < 32:
        return chr(0x2400 + code), 1
    if code == 127:
        return "␡", 1
    if 128 <= code < 160:
        return "�", 1
    width = cell_len(cluster)
    return (cluster, width) if width else ("·", 1)


def width_of(cluster: str, at: int) -> int:
    """The width of a cluster, in cells, if it starts at cell `at`."""
    return TAB - at % TAB if cluster == "\t" else shown(cluster)[1]
