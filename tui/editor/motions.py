"""Cursor movements: each function returns the new place."""

from __future__ import annotations

from foretype.tui.editor.buffer import Buffer, Place
from foretype.tui.editor.graphemes import next_boundary, next_word, previous_boundary, previous_word


def left(buffer: Buffer, place: Place) -> Place:
    """Move back by one grapheme cluster; from the start of a line to the end of the line above."""
    line, column = place
    if column == 0:
        return (line - 1, len(buffer.lines[line - 1])) if line else place
    return line, previous_boundary(buffer.lines[line], column)


def right(buffer: Buffer, place: Place) -> Place:
    """Move forward by one grapheme cluster; from the end of a line to the start of the line below."""
    line, column = place
    if column >= len(buffer.lines[line]):
        return (line + 1, 0) if line + 1 < len(buffer.lines) else place
    return line, next_boundary(buffer.lines[line], column)


def word_left(buffer: Buffer, place: Place) -> Place:
    """Move to the start of the previous word, across line ends."""
    line, column = place
    return left(buffer, place) if column == 0 else (line, previous_word(buffer.lines[line], column))


def word_right(buffer: Buffer, place: Place) -> Place:
    """Move to the end of the next word, across line ends."""
    line, column = place
    if column >= len(buffer.lines[line]):
        return right(buffer, place)
    return line, next_word(buffer.lines[line], column)


def line_start(buffer: Buffer, place: Place) -> Place:
    """Move to the first character after the indentation or, from there, to the start of the line."""
    text = buffer.lines[place[0]]
    indent = len(text) - len(text.lstrip())
    return place[0], 0 if place[1] == indent or indent == len(text) else indent


def line_end(buffer: Buffer, place: Place) -> Place:
    """Move to the end of the line."""
    return place[0], len(buffer.lines[place[0]])


def word_around(buffer: Buffer, place: Place) -> tuple[Place, Place]:
    """The start and end of the word at a place; the place itself twice if there is no word."""
    line, column = place
    text = buffer.lines[line]
    end = next_word(text, previous_word(text, min(column + 1, len(text)))) if text else 0
    start = previous_word(text, end)
    return ((line, start), (line, end)) if start <= column <= end else (place, place)
