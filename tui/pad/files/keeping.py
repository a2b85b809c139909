"""Keeps the text of the pad safe: its file, the copy of unsaved text, and changes by other programs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from foretype.tui.editor.editor import Editor
from foretype.tui.pad.files.document import PadError, TextFile
from foretype.tui.pad.files.recovery import RecoveryFile
from foretype.tui.pad.files.undo_file import read_history, write_history

COPY_AFTER = 0.4
"""Seconds from the first unsaved change until the copy is written. Writing takes some more time."""


class Keeping:
    """The file of one editor and the copy of its unsaved text.

    file: None for a text without a name. overwrites: whether the next save may overwrite changes by other programs.
    """

    def __init__(self, editor: Editor, file: TextFile | None, beside: bool = False, undo_file: bool = False) -> None:
        """beside: keep the copy beside the document. undo_file: keep the undo history on disk."""
        if undo_file and file is not None:
            editor.history.restore(read_history(file.path, file.text))
        self.file = file
        self.overwrites = False
        self._editor = editor
        self._beside = beside
        self._undo_file = undo_file
        self._copy = RecoveryFile(file.path if file else None, beside)
        self._saved_state: object = editor.history.state
        self._copied_state: object = editor.history.state
        self._copying: asyncio.Task[None] | None = None

    @property
    def path(self) -> Path | None:
        return self.file.path if self.file else None

    @property
    def changed(self) -> bool:
        """Whether there are unsaved changes. Checks only the undo history, which is fast in large texts."""
        return self._editor.history.state != self._saved_state

    def unsaved(self) -> bool:
        """Whether the text differs from the saved text."""
        return self.changed and self._editor.text != (self.file.text if self.file else "")

    def note_opened(self, file: TextFile | None, saved: bool = True) -> None:
        """Note that the editor now shows another file, or its file as another program left it.

        saved: whether the text in the editor is the content of the file.
        """
        self._copy.remove()
        self.file = file
        self._copy = RecoveryFile(file.path if file else None, self._beside)
        self._saved_state = self._editor.history.state if saved else None

    def save(self, file: TextFile) -> None:
        """Save the text as `file`, which becomes the editor's file. Raises PadError."""
        file.save(self._editor.text)
        self.overwrites = False
        self.note_opened(file)

    def theirs(self) -> TextFile | None:
        """The file as another program left it; None if it did not change, may be overwritten, or cannot be read."""
        if self.file is None or self.overwrites:
            return None
        try:
            return self.file.theirs()
        except PadError:
            return None

    def keep_history(self) -> None:
        """Write the undo history to disk if the settings ask for it and everything is saved."""
        if self._undo_file and self.file is not None and not self.unsaved():
            with suppress(OSError):
                write_history(self.file.path, self.file.text, self._editor.history)

    # --- The copy

    def note_change(self) -> None:
        """Note that the text has changed. A copy of it is on disk within a second."""
        if self._copying is None or self._copying.done():
            self._copying = asyncio.get_running_loop().create_task(self._copy_soon())

    async def _copy_soon(self) -> None:
        while self._copied_state != self._editor.history.state:
            await asyncio.sleep(COPY_AFTER)
            self._copied_state = self._editor.history.state
            if not self.changed:
                self._copy.remove()
                continue
            lines = self._editor.buffer.lines.copy()
            try:
                await asyncio.to_thread(self._copy.write, lines)
            except OSError:
                self._copied_state = None  # try again at the next change
                return

    def copy_now(self) -> Path:
        """Write the copy at once and return its path. Raises OSError."""
        return self._copy.write(self._editor.buffer.lines)

    def forget_copy(self) -> None:
        """Remove the copy, because its text was saved or discarded."""
        if self._copying is not None:
            self._copying.cancel()
        self._copy.remove()
