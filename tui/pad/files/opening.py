"""Opens and saves files in the pad: names, copies of unsaved text, and files that other programs changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from foretype.runtime.lsp.languages import COMMIT_MESSAGES
from foretype.tui.pad.files.document import PadError, TextFile
from foretype.tui.pad.files.keeping import Keeping
from foretype.tui.pad.files.recovery import Unsaved, find, open_elsewhere
from foretype.tui.pad.screens.choice import ChoiceScreen, difference, preview
from foretype.tui.pad.settings import Settings
from foretype.tui.pad.typing.typing_area import TypingArea


def starts_at_top(path: Path) -> bool:
    """Whether the cursor starts on the first line of this file, as in commit messages of Git."""
    return path.name in COMMIT_MESSAGES


class Host(Protocol):
    """The application, as far as opening and saving need it."""

    area: TypingArea
    keeping: Keeping
    settings: Settings

    def tell(self, message: str, kind: str = "") -> None:
        """Show a message until the next key."""

    def ask(self, kind: str, label: str, value: str = "", path: bool = False) -> None:
        """Ask for a name."""

    def note_text(self) -> None:
        """Note that the editor shows another file, or its file got another name."""

    def push_screen(self, screen: ChoiceScreen, callback: Callable[[str | None], None]) -> Any:
        """Show a question over the text."""


class Opening:
    """The file actions of one pad."""

    def __init__(self, pad: Host) -> None:
        self._pad = pad
        self._replaces: Path | None = None  # the existing file that the prompt has warned about
        self._looking = False

    @property
    def is_commit_message(self) -> bool:
        path = self._pad.keeping.path
        return path is not None and starts_at_top(path)

    def greet(self) -> None:
        """Show warnings about the file before typing, and offer copies of its unsaved text."""
        pad, path = self._pad, self._pad.keeping.path
        file = pad.keeping.file
        if file is not None and file.mixed:
            pad.tell(
                f"{file.path.name} ends its lines in more than one way; they stay as they are (F5: all alike)",
                "warning",
            )
        if path is not None and (process := open_elsewhere(path)) is not None:
            pad.tell(f"{path.name} is open in another pad (process {process}), with unsaved changes", "warning")
        self.offer_copies(path, quiet=True)

    def offer_copies(self, path: Path | None, quiet: bool = False) -> None:
        """Offer the newest copy of unsaved text of a file, or of texts without a name.

        quiet: show no message if there is none.
        """
        pad = self._pad
        copies = find(path, pad.settings.recovery == "beside")
        if not copies:
            if not quiet:
                pad.tell("No unsaved text of earlier runs")
            return
        place, unsaved = copies[0]
        when = time.strftime("%d %B %H:%M", time.localtime(unsaved.written))
        if path is None and quiet:
            pad.tell(f"Unsaved text of {when}: choose “Show unsaved text” after F5", "warning")
            return
        if path is None:
            body = preview(unsaved.text)
        else:
            body = difference(pad.area.text, unsaved.text, ("the file", "unsaved text"))
        question = (
            f"Text of {when} was not saved. {len(copies) - 1} older copies wait."
            if copies[1:]
            else (f"Text of {when} was not saved.")
        )
        answers = {"r": "restore it", "d": "delete the copy"}
        pad.push_screen(ChoiceScreen(question, answers, body), lambda key: self._take_copy(key, place, unsaved))

    def _take_copy(self, answer: str | None, place: Path, unsaved: Unsaved) -> None:
        pad = self._pad
        if answer == "d":
            place.unlink(missing_ok=True)
            pad.tell("The copy is deleted")
        elif answer == "r":
            pad.area.history.checkpoint()
            pad.area.change(unsaved.text, (0, 0), pad.area.buffer.end, "open")
            try:
                pad.keeping.copy_now()
            except OSError:
                return
            place.unlink(missing_ok=True)
            pad.tell("Restored; Ctrl+Z takes it back, Ctrl+S saves it")

    # --- Saving

    def save(self) -> None:
        """Save, or ask for a name. Asks before it overwrites a file that another program changed."""
        file = self._pad.keeping.file
        if file is None:
            self._pad.ask("save", "Save as", path=True)
        elif not self.look_at_theirs():
            self._save(file)

    def save_as(self, path: Path) -> None:
        """Save under another name. An existing file is replaced only if its name is given twice."""
        file = self._pad.keeping.file
        if file is not None and path == file.path:
            self._save(file)
        elif path.exists() and path != self._replaces:
            self._replaces = path
            self._pad.tell(f"{path} exists: Enter again replaces it, Esc goes back", "warning")
        else:
            self._save(TextFile(path))

    def _save(self, file: TextFile) -> None:
        """Save the text as `file`. If that fails, ask for another name."""
        pad = self._pad
        try:
            pad.keeping.save(file)
        except PadError as error:
            self._replaces = None
            pad.ask("save", "Save as", str(file.path), path=True)
            pad.tell(str(error), "error")
            return
        pad.note_text()
        pad.area.focus()
        pad.tell(f"Saved {file.path.name}")

    def unify_line_ends(self) -> None:
        """Make all line ends alike, by replacing the carriage returns that a file with mixed line ends keeps."""
        pad = self._pad
        text = pad.area.text
        changed = text.replace("\r\n", "\n").replace("\r", "\n")
        if changed == text:
            pad.tell("All lines end alike")
            return
        pad.area.history.checkpoint()
        pad.area.change(changed, (0, 0), pad.area.buffer.end, "open", pad.area.cursor)
        if pad.keeping.file is not None:
            pad.keeping.file.mixed = False
        pad.tell("All lines end alike now; Ctrl+Z takes it back")

    # --- Another file, or the same as another program left it

    def open(self, path: Path) -> None:
        """Open another file instead of this one. Refuses if this one has unsaved changes."""
        pad = self._pad
        if pad.keeping.unsaved():
            pad.tell("Save or undo your changes first", "warning")
            return
        try:
            file = TextFile.open(path)
        except PadError as error:
            pad.tell(str(error), "error")
            return
        pad.area.show_text(file.text)
        if starts_at_top(path):
            pad.area.move((0, 0))
        pad.keeping.note_opened(file)
        pad.note_text()
        pad.area.focus()
        self.greet()

    def look_at_theirs(self) -> bool:
        """If another program changed the file, ask what to do. Returns whether it did."""
        pad = self._pad
        if self._looking:
            return True
        theirs = pad.keeping.theirs()
        if theirs is None:
            return False
        self._looking = True
        question = f"{theirs.path.name} was changed by another program."
        answers = {"k": "keep mine", "t": "take theirs", "b": "both, one after the other"}
        body = difference(theirs.text, pad.area.text, ("theirs", "mine"))
        pad.push_screen(ChoiceScreen(question, answers, body), lambda key: self._settle(key, theirs))
        return True

    def _settle(self, answer: str | None, theirs: TextFile) -> None:
        pad, mine = self._pad, self._pad.area.text
        self._looking = False
        if answer == "k":
            pad.keeping.overwrites = True
            pad.tell("Yours is kept: Ctrl+S writes it over theirs", "warning")
        elif answer in ("t", "b"):
            both = f"{mine}\n<<<<<<< theirs\n{theirs.text}" if answer == "b" else theirs.text
            pad.area.history.checkpoint()
            pad.area.change(both, (0, 0), pad.area.buffer.end, "open", pad.area.cursor)
            pad.area.history.checkpoint()
            pad.keeping.note_opened(theirs, saved=answer == "t")
            pad.note_text()
            pad.tell("Theirs is taken; Ctrl+Z brings yours back" if answer == "t" else "Both texts are here now")
