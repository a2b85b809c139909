"""Finds and replaces in a text, plain or by regular expression, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from foretype.runtime.errors import ConfigError
from foretype.tui.editor.buffer import Buffer, Place

Match = tuple[Place, Place]
"""The start and end of a match."""


def compile_pattern(text: str, regular: bool) -> re.Pattern[str]:
    """Compile a search pattern. It ignores case unless it contains capitals.

    Raises ConfigError if it is not a valid regular expression.
    """
    flags = re.IGNORECASE if text == text.lower() else 0
    try:
        return re.compile(text if regular else re.escape(text), flags)
    except re.error as error:
        raise ConfigError(f"{text!r} is no regular expression: {error}") from error


def matches(buffer: Buffer, pattern: re.Pattern[str]) -> Iterator[Match]:
    """Yield all matches that are not empty, in order."""
    for row, line in enumerate(buffer.lines):
        for found in pattern.finditer(line):
            if found.end() > found.start():
                yield (row, found.start()), (row, found.end())


def next_match(buffer: Buffer, pattern: re.Pattern[str], place: Place) -> Match | None:
    """The first match at or after a place, or else the first one in the text."""
    rows = len(buffer.lines)
    for step in range(rows + 1):
        row = (place[0] + step) % rows
        for found in pattern.finditer(buffer.lines[row], place[1] if step == 0 else 0):
            if found.end() > found.start():
                return (row, found.start()), (row, found.end())
    return None


def previous_match(buffer: Buffer, pattern: re.Pattern[str], place: Place) -> Match | None:
    """The last match that ends at or before a place, or else the last one in the text."""
    rows = len(buffer.lines)
    for step in range(rows + 1):
        row = (place[0] - step) % rows
        found = [match for match in pattern.finditer(buffer.lines[row]) if match.end() > match.start()]
        if step == 0:
            found = [match for match in found if match.end() <= place[1]]
        if found:
            return (row, found[-1].start()), (row, found[-1].end())
    return None


def replacement(pattern: re.Pattern[str], line: str, match: Match, text: str, regular: bool) -> str:
    """The text that replaces a match. With a regular expression, `\\1` is its first group.

    Raises ConfigError if the replacement names a group that does not exist.
    """
    if not regular:
        return text
    found = pattern.match(line, match[0][1])
    try:
        return found.expand(text) if found else text
    except (re.error, IndexError) as error:
        raise ConfigError(f"{text!r} is no replacement: {error}") from error


def replace_all(buffer: Buffer, pattern: re.Pattern[str], text: str, regular: bool) -> tuple[str, int]:
    """Return the text with every match replaced, and their number. Raises ConfigError like `replacement`."""
    count = 0
    lines = []
    for row, line in enumerate(buffer.lines):
        parts, last = [], 0
        for found in pattern.finditer(line):
            if found.end() > found.start():
                match = ((row, found.start()), (row, found.end()))
                parts += [line[last : found.start()], replacement(pattern, line, match, text, regular)]
                last = found.end()
                count += 1
        lines.append("".join([*parts, line[last:]]))
    return "\n".join(lines), count
