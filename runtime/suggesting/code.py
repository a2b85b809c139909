"""Suggest names inside Markdown code: a code fence or `inline code` gets only names from the text itself.

A language model of prose does not know identifiers, and is confidently wrong there.
"""

from __future__ import annotations

import re

from foretype.runtime.suggestion import Suggestion

_REACH = 32_768
"""Characters before the cursor that are searched for names."""
_SHORTEST = 3
"""Length of the shortest name worth offering."""
_LONGEST = 128
"""Letters of the longest name that is looked for."""
_TYPED = re.compile(r"[^\W\d]\w*$")


class CodeReader:
    """Tells whether a text ends inside code. Reads only the lines that changed since the previous text."""

    def __init__(self) -> None:
        self._lines = ""  # the finished lines
        self._fence = ""  # the marks of the fence that is open after them

    def read(self, text: str) -> str | None:
        """Return the name at the end of `text` ("" if there is none) inside code; None if `text` ends in prose."""
        begin = text.rfind("\n") + 1
        if len(self._lines) != begin or not text.startswith(self._lines):
            known = len(self._lines) if len(self._lines) <= begin and text.startswith(self._lines) else 0
            self._fence = _fence_after(text[known:begin], self._fence if known else "")
            self._lines = text[:begin]
        line = text[begin:]
        inline = line.count("`") % 2 == 1 and not line.startswith("```")
        if not inline and not self._fence:
            return None
        typed = _TYPED.search(line[-_LONGEST:])
        return typed.group() if typed else ""


def names_of_code(text: str, typed: str) -> list[Suggestion]:
    """Return the names in `text` that continue `typed`, its last letters: most frequent first, then most recent."""
    if not typed:
        return []
    before = text[-_REACH : len(text) - len(typed)]
    counts: dict[str, int] = {}
    for match in re.finditer(rf"{typed}\w+", before):
        name, begin = match.group(), match.start()
        within = begin and (before[begin - 1].isalnum() or before[begin - 1] == "_")
        if len(name) >= _SHORTEST and not within:
            counts[name] = counts.pop(name, 0) + 1  # keeps the most recent name last
    total = sum(counts.values())
    names = sorted(reversed(counts.items()), key=lambda pair: -pair[1])  # noqa: C414
    return [Suggestion(name, uses / total, len(typed)) for name, uses in names]


def _fence_after(lines: str, fence: str) -> str:
    """Return the marks of the fence that is open after these lines (CommonMark 0.31, section 4.5); "" if none is.

    fence: the marks of the fence that is open before them.
    """
    for begin, end in _runs(lines):
        mark, rest = lines[begin:end], lines[end : lines.find("\n", end)]
        if not fence:
            fence = "" if mark[0] == "`" and "`" in rest else mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip():
            fence = ""
    return fence


def _runs(lines: str) -> list[tuple[int, int]]:
    """Return start and end of each run of three or more backticks or tildes that begins a line."""
    # `str.find` skips most of the text; a pattern would look at each line.
    found = []
    for character in "`~":
        begin = lines.find(3 * character)
        while begin >= 0:
            end = begin + 3
            while lines.startswith(character, end):
                end += 1
            indent = lines[lines.rfind("\n", 0, begin) + 1 : begin]
            if len(indent) <= 3 and not indent.strip(" "):
                found.append((begin, end))
            begin = lines.find(3 * character, end)
    return sorted(found)
