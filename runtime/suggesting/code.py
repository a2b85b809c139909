"""Code in Markdown: inside a code fence or `inline code` only names of the text itself are offered.

A language model of prose knows nothing of identifiers, and is wrong there with confidence.
"""

from __future__ import annotations

import re

from foretype.runtime.suggestion import Suggestion

_REACH = 32_768
"""Characters before the cursor in which names are looked for."""
_SHORTEST = 3
"""Letters of a name that is worth offering."""
_TYPED = re.compile(r"[^\W\d]\w*$")


class CodeReader:
    """Tells where a text ends inside code, looking only at the lines that changed since the text before."""

    def __init__(self) -> None:
        self._lines = ""  # the finished ones
        self._fence = ""  # what opened the fence that is open after them

    def read(self, text: str) -> str | None:
        """The name that `text` ends in, "" where it ends in none, if it ends inside code; None if it ends in prose."""
        begin = text.rfind("\n") + 1
        if len(self._lines) != begin or not text.startswith(self._lines):
            known = len(self._lines) if len(self._lines) <= begin and text.startswith(self._lines) else 0
            self._fence = _fence_after(text[known:begin], self._fence if known else "")
            self._lines = text[:begin]
        line = text[begin:]
        inline = line.count("`") % 2 == 1 and not line.startswith("```")
        if not inline and not self._fence:
            return None
        typed = _TYPED.search(line)
        return typed.group() if typed else ""


def names_of_code(text: str, typed: str) -> list[Suggestion]:
    """The names of `text` that go on from `typed`, which it ends in: those written most first, then the last ones."""
    if not typed:
        return []
    before = text[-_REACH : len(text) - len(typed)]
    counts: dict[str, int] = {}
    for match in re.finditer(rf"{typed}\w+", before):
        name, begin = match.group(), match.start()
        within = begin and (before[begin - 1].isalnum() or before[begin - 1] == "_")
        if len(name) >= _SHORTEST and not within:
            counts[name] = counts.pop(name, 0) + 1  # the last written comes last
    total = sum(counts.values())
    names = sorted(reversed(counts.items()), key=lambda pair: -pair[1])  # noqa: C414
    return [Suggestion(name, uses / total, len(typed)) for name, uses in names]


def _fence_after(lines: str, fence: str) -> str:
    """What opened the fence that is open after these lines (CommonMark 0.31, section 4.5); "" where none is.

    fence: the same before them.
    """
    for begin, end in _runs(lines):
        mark, rest = lines[begin:end], lines[end : lines.find("\n", end)]
        if not fence:
            fence = "" if mark[0] == "`" and "`" in rest else mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip():
            fence = ""
    return fence


def _runs(lines: str) -> list[tuple[int, int]]:
    """Where the runs of three or more backticks or tildes stand that begin a line."""
    # Found by `find`: a pattern would look at each line.
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
