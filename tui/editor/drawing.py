"""Draws one row: text, selection, cursor, and the ghost text after the cursor."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from foretype.tui.editor.graphemes import clusters, shown, width_of


class Colours(NamedTuple):
    """The styles for the parts of a row."""

    text: Style
    selection: Style
    cursor: Style
    ghost: Style
    symbol: Style


class RowPicture(NamedTuple):
    """Everything that determines how a row looks.

    text: the text of the row. selected: start and end of the selected columns. cursor: the column of the cursor, or
    None. ghost: the text shown after the last column.
    """

    text: str
    selected: tuple[int, int] = (0, 0)
    cursor: int | None = None
    ghost: str = ""


@lru_cache(512)
def draw(picture: RowPicture, width: int, colours: Colours) -> Strip:
    """Draw `picture` as a strip of exactly `width` cells."""
    cells = _text_cells(picture, colours)
    ghost = list(clusters(picture.ghost))
    if picture.cursor is not None and picture.cursor >= len(picture.text):
        first = ghost.pop(0) if ghost else " "
        cells.append((shown(first)[0], colours.cursor))
    cells.extend((shown(cluster)[0], colours.ghost) for cluster in ghost)
    segments = [Segment(text, style) for text, style in _joined(cells)]
    return Strip(segments).adjust_cell_length(width, colours.text)


def _text_cells(picture: RowPicture, colours: Colours) -> list[tuple[str, Style]]:
    """The drawn form of each cluster, with its style."""
    start, end = picture.selected
    if picture.text.isascii() and picture.text.isprintable() and picture.cursor is None and start == end:
        return [(picture.text, colours.text)]
    cells = []
    at = column = 0
    for cluster in clusters(picture.text):
        wide = width_of(cluster, at)
        drawn = " " * wide if cluster == "\t" else shown(cluster)[0]
        style = colours.text if drawn == cluster or cluster == "\t" else colours.symbol
        if start <= column < end:
            style = colours.selection
        if column == picture.cursor:
            cells.append((drawn[:1] if cluster == "\t" else drawn, colours.cursor))
            drawn = drawn[1:] if cluster == "\t" else ""
        cells.append((drawn, style))
        at += wide
        column += len(cluster)
    return cells


def _joined(cells: list[tuple[str, Style]]) -> list[tuple[str, Style]]:
    """Join neighbours that have the same style."""
    joined: list[tuple[str, Style]] = []
    for text, style in cells:
        if joined and joined[-1][1] == style:
            joined[-1] = joined[-1][0] + text, style
        elif text:
            joined.append((text, style))
    return joined
