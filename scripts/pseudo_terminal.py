"""A program on a pseudo-terminal of a given size, for the scripts that drive or record one."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence


def start(
    command: Sequence[str], columns: int, rows: int, env: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start `command` in a terminal with true colour; returns its process and the other end of the terminal.

    env: what its environment has beside this one.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    return process, master
