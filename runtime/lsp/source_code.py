"""Finds comments, docstrings and strings of source code: a simple scan for what opens and closes them.

It knows no grammar: a quote in a regular expression of JavaScript may mislead it until the end of the line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_STRING, _COMMENT = "string", "comment"
_LINE_END = r"\n"


class Syntax:
    """How comments and strings of a group of languages open and close.

    parts: for each kind of text, whether it is a comment or a string, and the patterns that open and close it.
    """

    def __init__(self, *parts: tuple[str, str, str]) -> None:
        self.opens = re.compile("|".join(f"(?P<p{number}>{opens})" for number, (_, opens, _) in enumerate(parts)))
        self.kinds = [kind for kind, _, _ in parts]
        self.closes = [re.compile(closes) for _, _, closes in parts]


def _quoted(mark: str) -> tuple[str, str, str]:
    """A string on one line."""
    return _STRING, mark, rf"(?:\\.|[^{mark}\\\n])*(?P<end>[{mark}\n])"


_SLASHES = (_COMMENT, r"//[/!]*", _LINE_END)
_BLOCK = (_COMMENT, r"/\*+!?", r"\*/")
_HASH = (_COMMENT, r"#+!?", _LINE_END)
_C = Syntax(_SLASHES, _BLOCK, _quoted('"'))
_JAVASCRIPT = Syntax(_SLASHES, _BLOCK, _quoted('"'), _quoted("'"), (_STRING, "`", r"(?:\\.|[^`\\])*(?P<end>`)"))
_PYTHON = Syntax((_COMMENT, r'"""', r'"""'), (_COMMENT, "'''", "'''"), _HASH, _quoted('"'), _quoted("'"))
_SHELL = Syntax((_COMMENT, r"(?:^|(?<=\s))#+", _LINE_END), _quoted('"'), _quoted("'"))
SYNTAXES = {
    "python": _PYTHON,
    **dict.fromkeys(("javascript", "javascriptreact", "typescript", "typescriptreact", "tsx", "jsx"), _JAVASCRIPT),
    **dict.fromkeys(("c", "cpp", "c++", "rust", "go"), _C),
    **dict.fromkeys(("shellscript", "sh", "bash", "zsh", "shell"), _SHELL),
}
"""Language identifier -> syntax."""
_MARGIN = re.compile(r"^[ \t]*(?:\*(?!/)[ \t]?)?", re.MULTILINE)
_MARK = re.compile(r"^[ \t]*(?://[/!]*|#+!?)[ \t]?")


class _Open(NamedTuple):
    """A comment or string that is open at the end of a text.

    part: its number in the syntax. mark: where its opening mark starts. start: where its content starts.
    """

    part: int
    mark: int
    start: int


def comment_at(syntax: Syntax, before: str, after: str, comments: bool, strings: bool) -> tuple[str, str] | None:
    """Return the text of the comment, docstring or string between `before` and `after`, on both sides of the place.

    Comments on lines of their own directly above a comment belong to it. Marks and margins are left out. Returns None
    if the place is in code, or in a kind of text that is not wanted.

    comments, strings: which kinds are wanted; docstrings count as comments.
    """
    found = _open_at_end(syntax, before)
    if found is None:
        return None
    kind, closes = syntax.kinds[found.part], syntax.closes[found.part]
    if not (strings if kind == _STRING else comments):
        return None
    text = before[found.start :]
    close = closes.search(after)
    rest = after if close is None else after[: close.start("end") if "end" in closes.groupindex else close.start()]
    if kind == _COMMENT and closes.pattern == _LINE_END:
        above = before[: before.rfind("\n", 0, found.mark) + 1]
        own_line = not before[len(above) : found.mark].strip()
        text = (_lines_above(above, before[found.mark : found.start]) if own_line else "") + text.removeprefix(" ")
    elif kind == _COMMENT:
        text = _MARGIN.sub("", text)
    return text, rest


def _open_at_end(syntax: Syntax, text: str) -> _Open | None:
    position = 0
    while (opening := syntax.opens.search(text, position)) is not None:
        part = int((opening.lastgroup or "p0")[1:])
        closing = syntax.closes[part]
        closed = (closing.match if "end" in closing.groupindex else closing.search)(text, opening.end())
        if closed is None:
            return _Open(part, opening.start(), opening.end())
        position = closed.end()
    return None


def _lines_above(above: str, mark: str) -> str:
    """The text of the comment lines at the end of `above` that start with the same character as `mark`."""
    lines: list[str] = []
    for line in reversed(above.splitlines()):
        if not line.lstrip().startswith(mark[0]) or (found := _MARK.match(line)) is None:
            break
        lines.append(line[found.end() :])
    return "".join(f"{line}\n" for line in reversed(lines))
