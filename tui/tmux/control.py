"""A client of tmux in control mode: commands and their answers, and what tmux says by itself.

tmux prints `%begin`, the answer and `%end` or `%error` for each command, in order, and lines such as `%output` between
them (tmux(1), "CONTROL MODE").
"""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Sequence

from foretype.runtime.errors import ForetypeError


class TmuxError(ForetypeError):
    """tmux is missing, does not run, or refused a command; the message is one line."""


def tmux(socket: str, *arguments: str, lines: str | None = None) -> str:
    """The output of one tmux command. lines: its standard input. Raises TmuxError if it fails."""
    try:
        result = subprocess.run(
            ["tmux", "-S", socket, *arguments],
            input=lines,
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise TmuxError("tmux is not installed") from error
    if result.returncode != 0:
        raise TmuxError(f"tmux {arguments[0]}: {' '.join(result.stderr.split()) or 'failed'}")
    return result.stdout


class ControlClient:
    """A client attached to one session. It draws nothing and does not change the size of its windows.

    pending: lines that tmux sent by itself and nobody read yet.
    """

    def __init__(self, socket: str, session: str) -> None:
        command = ["tmux", "-S", socket, "-C", "attach-session", "-f", "ignore-size", "-t", session]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._buffer = b""
        self.pending: deque[str] = deque()
        self._answer()  # that of attach-session

    def fileno(self) -> int:
        return self._out

    def run(self, *commands: Sequence[str]) -> list[list[str]]:
        """The lines that each command answers, all sent at once. Raises TmuxError if one fails or tmux has ended."""
        lines = "".join(" ".join(map(quote, command)) + "\n" for command in commands)
        try:
            os.write(self._in, lines.encode())
        except OSError as error:
            raise TmuxError("tmux has ended") from error
        return [self._answer() for _ in commands]

    def notices(self) -> list[str]:
        """What tmux said by itself since the last call; waits for the first line if there is none."""
        if not self.pending:
            self.pending.append(self._line())
        while b"\n" in self._buffer:
            self.pending.append(self._line())
        found = list(self.pending)
        self.pending.clear()
        return found

    def close(self) -> None:
        """Detach."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _answer(self) -> list[str]:
        found: list[str] = []
        while not (line := self._line()).startswith("%begin "):
            self.pending.append(line)
        while not (line := self._line()).startswith(("%end ", "%error ")):
            found.append(line)
        if line.startswith("%error "):
            raise TmuxError(f"tmux: {' '.join(found)}")
        return found

    def _line(self) -> str:
        while b"\n" not in self._buffer:
            data = os.read(self._out, 1 << 16)
            if not data:
                raise TmuxError("tmux has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")


def quote(argument: str) -> str:
    """An argument as tmux reads it, whatever characters it holds.

    >>> quote("status"), quote("it's"), quote("a b")
    ('status', '"it\\'s"', '"a b"')
    """
    if argument and all(letter.isalnum() or letter in "-_./:%@=[]," for letter in argument):
        return argument
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'
