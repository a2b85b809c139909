"""A real terminal for tests: a program on a pseudo-terminal, its screen kept by pyte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyte


class Terminal:
    """A program running in a terminal of `columns` x `rows`; `screen` is what a person would see."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        folder: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **env},
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def type(self, keys: str) -> None:
        """Sends `keys` as a terminal would; Ctrl+S is "\\x13", Alt+1 is "\\x1b1"."""
        os.write(self._master, keys.encode())

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def wait(self, condition: Callable[[list[str]], bool], seconds: float = 30) -> list[str]:
        """Reads what the program draws until `condition` holds for the screen's lines, and returns them."""
        deadline = time.monotonic() + seconds
        while not condition(self.lines):
            if time.monotonic() > deadline:
                raise AssertionError("the screen never came to this:\n" + "\n".join(self.lines))
            self._read(0.05)
        return self.lines

    def shows(self, text: str) -> list[str]:
        """Waits until `text` stands on the screen."""
        return self.wait(lambda lines: any(text in line for line in lines))

    def settle(self, seconds: float = 0.4) -> None:
        """Read until nothing has come for so long."""
        while self._read(seconds):
            pass

    def exit_code(self, seconds: float = 30) -> int:
        """Waits for the program's end, reading what it still has to say."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        while self._read(0.05):
            pass
        return self.process.wait(timeout=1)

    def hang_up(self) -> None:
        """Closes the terminal, as closing its window does."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux: the program has closed its side
            return False
        self._stream.feed(data)
        return bool(data)


@contextlib.contextmanager
def terminal(
    command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24), folder: Path | None = None
) -> Iterator[Terminal]:
    """A `Terminal` that is gone, with its program, at the end of the block. folder: where the program starts."""
    running = Terminal(command, env, *size, folder)
    try:
        yield running
    finally:
        running.close()
