"""What a person is writing, read from the screen: the line up to the cursor, without its prompt."""

from __future__ import annotations

import os
import re
import termios
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
_SECRET = re.compile(
    r"(?i)\b(pass(word|phrase|code)|pin|secret|token|otp|verification code|passwort|kennwort|passphrase|mot de passe"
    r"|contraseña|senha|parola|wachtwoord|hasło|heslo|lösenord|adgangskode|salasana|şifre|пароль)\b[^:]*:\s*$"
)
"""A question for a secret. A program on this machine is also known by its terminal, which shows no typed letters."""
_CHAT_COMMAND = re.compile(r"^/\w*$")
_SHELLS = frozenset({"bash", "zsh", "fish", "sh", "dash", "ksh", "tcsh", "nu"})
_QUIET = frozenset(
    {"mc", "ranger", "nnn", "lf", "vifm", "less", "more", "man", "most", "top", "htop", "btop", "tig", "tmux"}
)
"""Programs whose screen is no text of their user's."""
_MODAL = frozenset(
    {"vi", "vim", "vim.basic", "vim.tiny", "vim.nox", "vimdiff", "nvim", "hx", "helix", "git", "mutt", "neomutt"}
)
"""Programs that take letters as commands until they say that they insert them. git and mutt start such an editor."""
_INSERTS = re.compile(
    r"^-- (?!VISUAL|SELECT)[^-]+ --|\b(INSERT|REPLACE|INS)\b|\^G (Help|Hilfe)"
    r"|^(Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp): "
)
"""What they say on their last rows then: vim in any language, its status lines, Helix; nano always; mutt at Subject."""


PANE_FORMAT = "#{pane_id} #{cursor_x} #{cursor_y} #{pane_width} #{pane_in_mode} #{pane_tty} #{pane_current_command}"
"""What tmux is asked for about a pane."""


class Pane(NamedTuple):
    """The active pane.

    id: "%3". column, row: of the cursor. width: cells. tty: its terminal, "/dev/pts/4". command: what runs there.
    in_mode: whether it scrolls back.
    """

    id: str
    column: int
    row: int
    width: int
    tty: str
    command: str
    in_mode: bool

    @classmethod
    def parse(cls, line: str) -> Pane:
        """Read a line in `PANE_FORMAT`."""
        pane, column, row, width, in_mode, tty, command = [*line.split(" ", 6), ""][:7]
        return cls(pane, int(column), int(row), int(width), tty, command, in_mode != "0")


def is_quiet(pane: Pane, shells: bool) -> bool:
    """Whether nothing is offered in this pane. shells: whether shells are written in as well."""
    return pane.in_mode or pane.command in _QUIET or (pane.command in _SHELLS and not shells) or _hides_typing(pane.tty)


def _hides_typing(tty: str) -> bool:
    """Whether the terminal reads lines without showing them: a program asks for a secret."""
    try:
        terminal = os.open(tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        local = termios.tcgetattr(terminal)[3]
    except termios.error:
        return False
    finally:
        os.close(terminal)
    return bool(local & termios.ICANON) and not local & termios.ECHO


def typed_text(rows: Sequence[str], pane: Pane, below: Sequence[str] = ()) -> str:
    """The text before the cursor: its line, joined where it wraps, without prompts; "" where no words are wanted.

    rows: the rows of the screen down to that of the cursor. below: those under it.
    """
    if not rows or (pane.command in _MODAL and not any(_INSERTS.search(row) for row in [*rows, *below][-2:])):
        return ""
    line = set_cell_size(rows[-1], pane.column)
    for row in reversed(rows[:-1]):
        if cell_len(row) < pane.width:
            break
        line = row + line
    if _SECRET.search(line):
        return ""
    for prompt in _PROMPTS:
        line = line[found.end() :] if (found := prompt.match(line)) else line
    return "" if _CHAT_COMMAND.match(line) else line
