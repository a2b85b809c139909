"""Code in Markdown: inside a code fence or `inline code` only words of the text itself are offered.

A language model of prose knows nothing of identifiers, and is wrong there with confidence.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from foretype.runtime.suggestion import Suggestion

_REACH = 65_536
"""Characters before the cursor that are looked at."""
_SHORTEST = 3
"""Letters of a word that is worth offering."""
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)[^\n`]*$", re.MULTILINE)
_NAME = re.compile(r"[^\W\d]\w*")
_TYPED = re.compile(r"[^\W\d]\w*$")


class Code(NamedTuple):
    """text: what stands before the cursor. typed: the name that it ends in, "" where it ends in none."""

    text: str
    typed: str


def code_before(text: str) -> Code | None:
    """The end of `text`, where it ends inside code; None where it ends in prose."""
    start = max(0, len(text) - _REACH)
    if text.find("`", start) < 0 and text.find("~~~", start) < 0:
        return None
    end = text[start:]
    line = end[end.rfind("\n") + 1 :]
    if not (_is_fenced(end[: len(end) - len(line)]) or (line.count("`") % 2 and not line.startswith("```"))):
        return None
    typed = _TYPED.search(line)
    return Code(end, typed.group() if typed else "")


def words_of_code(code: Code, k: int) -> list[Suggestion]:
    """At most `k` names of the text that go on from the typed letters, those written most first, then the last ones."""
    if not code.typed:
        return []
    before = code.text[: len(code.text) - len(code.typed)]
    counts: dict[str, int] = {}
    for match in _NAME.finditer(before):
        name = match.group()
        if len(name) >= _SHORTEST and len(name) > len(code.typed) and name.startswith(code.typed):
            counts[name] = counts.pop(name, 0) + 1  # the last written comes last
    latest_first = list(counts)[::-1]
    best = sorted(latest_first, key=lambda name: -counts[name])[:k]
    total = sum(counts.values())
    return [Suggestion(name, counts[name] / total, len(code.typed)) for name in best]


def _is_fenced(lines: str) -> bool:
    """Whether a fence is open after these whole lines."""
    fence = ""
    for match in _FENCE.finditer(lines):
        mark = match.group(1)
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and match.group().strip() == mark:
            fence = ""
    return fence != ""
