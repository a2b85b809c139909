"""What a person is writing, read from the screen: the line up to the cursor, without its prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

_PROMPTS = (
    re.compile(r"^\[?\d\d:\d\d(:\d\d)?\]?\s*<[^>]+>\s"),
    re.compile(r"^\[[^\]]*\]\s"),  # irssi: [#channel]
    re.compile(r"^<[^>]{1,30}>\s"),
    re.compile(r"^\S*[$#%❯»]\s"),
    re.compile(r"^(>>>|\.\.\.|In \[\d+\]:|>)\s"),
    re.compile(r"^[\w.@-]{1,30}:\s"),  # nick:
)
_SECRET = re.compile(r"(?i)\b(pass(word|phrase|code)|pin|secret|token|otp|verification code)\b[^:]*:\s*$")
_SHELLS = frozenset({"bash", "zsh", "fish", "sh", "dash", "ksh", "tcsh", "nu"})
_QUIET = frozenset(
    {"mc", "ranger", "nnn", "lf", "vifm", "less", "more", "man", "most", "top", "htop", "btop", "tig", "tmux"}
)
"""Programs whose screen is no text of their user's."""


PANE_FORMAT = "#{pane_id} #{cursor_x} #{cursor_y} #{pane_width} #{pane_in_mode} #{pane_current_command}"
"""What tmux is asked for about a pane."""


class Pane(NamedTuple):
    """The active pane.

    id: "%3". column, row: of the cursor. width: cells. command: what runs there. in_mode: whether it scrolls back.
    """

    id: str
    column: int
    row: int
    width: int
    command: str
    in_mode: bool

    @classmethod
    def parse(cls, line: str) -> Pane:
        """Read a line in `PANE_FORMAT`."""
        pane, column, row, width, in_mode, command = [*line.split(" ", 5), ""][:6]
        return cls(pane, int(column), int(row), int(width), command, in_mode != "0")


def is_quiet(pane: Pane, shells: bool) -> bool:
    """Whether nothing is offered in this pane. shells: whether shells are written in as well."""
    return pane.in_mode or pane.command in _QUIET or (pane.command in _SHELLS and not shells)


def typed_text(rows: Sequence[str], pane: Pane) -> str:
    """The text before the cursor: its line, joined where it wraps, without the prompt; "" where a secret is asked for.

    rows: the rows of the screen down to that of the cursor.
    """
    if not rows:
        return ""
    line = set_cell_size(rows[-1], pane.column)
    for row in reversed(rows[:-1]):
        if cell_len(row) < pane.width:
            break
        line = row + line
    if _SECRET.search(line):
        return ""
    for prompt in _PROMPTS:
        found = prompt.match(line)
        if found is not None:
            return line[found.end() :]
    return line
