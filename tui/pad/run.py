"""Opens the pad on a file, a text without a name, or standard input."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from foretype.runtime import Model
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.mixture import Models
from foretype.runtime.personal.store import Store
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import PadError, TextFile
from foretype.tui.pad.files.opening import starts_at_top
from foretype.tui.pad.settings import Settings

_WITH_LINE = re.compile(r"(.+):(\d+)")
_STREAM = Path("standard input")


def place(arguments: list[str]) -> tuple[Path | None, int | None]:
    """Parse the arguments `FILE`, `+N FILE` or `FILE:N` into a file and a line.

    >>> place(["+12", "notes.txt"]), place(["no-such-file.txt:3"]), place([])
    ((PosixPath('notes.txt'), 12), (PosixPath('no-such-file.txt'), 3), (None, None))
    """
    line = None
    if arguments and re.fullmatch(r"\+\d+", arguments[0]):
        line = int(arguments[0])
        arguments = arguments[1:]
    if len(arguments) > 1:
        raise PadError(f"{' '.join(arguments)!r} are several files; the pad opens one")
    if not arguments:
        return None, line
    path = Path(arguments[0])
    found = _WITH_LINE.fullmatch(arguments[0])
    if found is not None and not path.exists():
        return Path(found[1]), int(found[2])
    return path, line


def run_pad(
    path: Path | None,
    model: Model | Models,
    store: Store | None = None,
    private: bool = False,
    settings: Settings | None = None,
    line: int | None = None,
    engine: EngineName = "auto",
) -> None:
    """Open the pad on `path` (None for a text without a name) and return when the user quits.

    store: learns what is typed and adds to the suggestions; None for no store.
    private: learn nothing until the user switches.
    line: the line where the cursor starts, counted from 1. None for the end of the text, or line 1 in a commit message.
    engine: the engine of models that the user chooses later.

    Raises:
        PadError: the file cannot be opened, or the pad had to stop. The message says where unsaved text is.
    """
    file = TextFile.open(path) if path is not None else None
    if path is not None and line is None and starts_at_top(path):
        line = 1
    _run(Pad(file, model, store, private, settings, line, engine))


def run_filter(
    model: Model | Models, store: Store | None, private: bool, settings: Settings, engine: EngineName = "auto"
) -> None:
    """Edit standard input in the pad, and write it to standard output when the user quits.

    Only text that was saved with Ctrl+S is written. If nothing was saved, the input is written unchanged.

    Raises:
        PadError: standard input is not text, there is no terminal to edit in, or the pad had to stop.
    """
    file = TextFile.decode(_STREAM, sys.stdin.buffer.read())
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise PadError("there is no terminal to edit standard input in") from error
    os.dup2(terminal, 0)
    stream = _Stream(file.path, file.text, file.newline, file.byte_order_mark, file.mixed, file.digest)
    _run(Pad(stream, model, store, private, settings, engine=engine))
    sys.stdout.buffer.write(stream.encode(stream.text))
    sys.stdout.buffer.flush()


class _Stream(TextFile):
    """Text from standard input. Saving keeps it for standard output."""

    def save(self, text: str) -> None:
        self.text = text

    def theirs(self) -> TextFile | None:
        return None


def _run(pad: Pad) -> None:
    try:
        pad.run()
    except BaseException as error:
        pad.stop_for_error(error)
    if pad.stopped is not None:
        raise PadError(pad.stopped)
