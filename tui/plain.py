"""The pad without a full screen: one line in, one line out, for screen readers, switches and simple terminals.

You write a line, and Enter adds it to the text. Then the words that may come next are said, each with its number; a
number alone takes one. With `--scan`, they are said one at a time, and Enter alone takes the one said last: that is all
that a single switch can do.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from foretype.runtime import Model, Suggestion
from foretype.runtime.mixture import Models
from foretype.runtime.personal.store import Store
from foretype.runtime.spacing import accept
from foretype.runtime.text_session import TextSession
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.files.recovery import RecoveryFile

_HELP = """Write a line and press Enter: it is added to the text.
1, 2 or 3    takes that word
Enter alone  begins a new line, or with --scan takes the word said last
:read        reads the last line        :text   reads all
:undo        takes the last step back   :save [FILE]
:quit        ends                       :help   these commands"""

_CHOICES = 3


def run_plain(arguments: Sequence[str], model: Model | Models, store: Store | None, private: bool, scan: float) -> None:
    """Write in a file line by line until `:quit` or the end of the input.

    scan: seconds for which each word is on offer to a single switch; 0 says all words at once.

    Raises:
        PadError: the file cannot be opened.
    """
    file = TextFile.open(Path(arguments[0])) if arguments else None
    session = model.session(store=store, private=private)
    PlainPad(session, file, sys.stdin, sys.stdout, scan).run()


class PlainPad:
    """A text that is written line by line, and what is said of it."""

    def __init__(self, session: TextSession, file: TextFile | None, source: TextIO, out: TextIO, scan: float) -> None:
        self._session = session
        self._file = file
        self._source = source
        self._out = out
        self._scan = scan
        self.text = file.text if file else ""
        self._saved = self.text
        self._steps: list[str] = []
        self._offers: Sequence[Suggestion] = ()
        self._said: int | None = None  # the offer that a switch takes
        self._copy = RecoveryFile(file.path if file else None)
        session.commit(self.text, after="", pasted=True)

    def run(self) -> None:
        """Read lines until the end."""
        self._say("Foretype. :help lists the commands.")
        if self._file is not None:
            self._say(f"{self._file.path.name}, {len(self.text.split())} words")
        self._offer()
        while (line := self._read()) is not None and line != ":quit":
            self._take(line)
        self._session.finish()
        if self.text != self._saved:
            self._say(f"Not saved; a copy is in {self._copy.write(self.text.split(chr(10)))}")
        else:
            self._copy.remove()

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def _read(self) -> str | None:
        """The next line; None at the end. With scanning, words are said meanwhile."""
        self._said = None
        if self._scan and self._offers:
            at = 0
            while not select.select([self._source], [], [], 0 if self._said is None else self._scan)[0]:
                self._said = at % len(self._offers)
                self._say(self._offers[self._said].text.strip())
                at += 1
        line = self._source.readline()
        return line.rstrip("\r\n") if line else None

    def _take(self, line: str) -> None:
        if line.startswith(":"):
            self._command(line)
        elif line.isdecimal() and 1 <= int(line) <= len(self._offers):
            self._accept(self._offers[int(line) - 1])
        elif not line and self._said is not None:
            self._accept(self._offers[self._said])
        else:
            self._add(line)

    def _accept(self, offer: Suggestion) -> None:
        self._steps.append(self.text)
        before, _ = accept(self.text, "", offer).apply(self.text, "")
        self._become(before, accepted=True)

    def _add(self, line: str) -> None:
        """Add what was written; nothing written begins a new line."""
        self._steps.append(self.text)
        self._become(self.text + (line or "\n"))

    def _become(self, text: str, accepted: bool = False) -> None:
        self.text = text
        self._session.commit(text, after="", accepted=accepted)
        self._copy.write(text.split("\n"))
        self._offer()

    def _offer(self) -> None:
        """Say the end of the text and the words that may come next."""
        self._offers = self._session.suggest(self.text[self.text.rfind("\n\n") + 1 :], k=_CHOICES)
        if self._scan:
            return
        words = ", ".join(f"{number} {offer.text}" for number, offer in enumerate(self._offers, 1))
        self._say(words or "no words")

    def _command(self, line: str) -> None:
        name, _, value = line.partition(" ")
        if name == ":help":
            self._say(_HELP)
        elif name == ":read":
            self._say(self.text.rstrip("\n").rpartition("\n")[2])
        elif name == ":text":
            self._say(self.text)
        elif name == ":undo" and self._steps:
            self.text = self._steps.pop()
            self._session.commit(self.text, after="", pasted=True)
            self._say("taken back")
            self._offer()
        elif name == ":undo":
            self._say("nothing to take back")
        elif name == ":save":
            self._save(value.strip())
        else:
            self._say(f"{name} is no command; :help lists them")

    def _save(self, name: str) -> None:
        if name:
            self._file = TextFile(Path(name).expanduser())
        if self._file is None:
            self._say("Say where: :save FILE")
            return
        self._file.save(self.text)
        self._saved = self.text
        self._copy.remove()
        self._say(f"Saved {self._file.path.name}")
