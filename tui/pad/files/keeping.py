"""What keeps the text of the pad safe: its file, the copy of unsaved text, and what other programs do to the file."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from foretype.tui.editor.editor import Editor
from foretype.tui.pad.files.document import PadError, TextFile
from foretype.tui.pad.files.recovery import RecoveryFile
from foretype.tui.pad.files.undo_file import read_history, write_history

COPY_AFTER = 0.4
"""Seconds after the first unsaved change until the copy is written; writing takes some more."""


class Keeping:
    """The file of one editor and the copy of its unsaved text.

    file: None for a text without a name. overwrites: whether the next save may replace what another program wrote.
    """

    def __init__(self, editor: Editor, file: TextFile | None, beside: bool = False, undo_file: bool = False) -> None:
        """beside: whether the copy lies beside the document. undo_file: whether the undo history is kept on disk."""
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
        """Whether there are unsaved changes, by the undo history alone: fast in large texts."""
        return self._editor.history.state != self._saved_state

    def unsaved(self) -> bool:
        """Whether the text differs from what was saved."""
        return self.changed and self._editor.text != (self.file.text if self.file else "")

    def note_opened(self, file: TextFile | None, saved: bool = True) -> None:
        """The editor shows another file now, or its file as another program left it.

        saved: whether the text in the editor is what the file holds.
        """
        self._copy.remove()
        self.file = file
        self._copy = RecoveryFile(file.path if file else None, self._beside)
        self._saved_state = self._editor.history.state if saved else None

    def save(self, file: TextFile) -> None:
        """Save the text as `file`, the editor's file from then on. Raises PadError."""
        file.save(self._editor.text)
        self.overwrites = False
        self.note_opened(file)

    def theirs(self) -> TextFile | None:
        """The file as another program left it; None if nobody else changed it, or it cannot be read."""
        if self.file is None or self.overwrites:
            return None
        try:
            return self.file.theirs()
        except PadError:
            return None

    def keep_history(self) -> None:
        """Keep the undo history on disk if the settings ask for it and all is saved."""
        if self._undo_file and self.file is not None and not self.unsaved():
            with suppress(OSError):
                write_history(self.file.path, self.file.text, self._editor.history)

    # --- The copy

    def note_change(self) -> None:
        """The text has changed: a copy of it is on disk within a second."""
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
                self._copied_state = None  # tried again with the next change
                return

    def copy_now(self) -> Path:
        """Write the copy at once and return where it lies. Raises OSError."""
        return self._copy.write(self._editor.buffer.lines)

    def forget_copy(self) -> None:
        """Remove the copy: its text was saved or given up."""
        if self._copying is not None:
            self._copying.cancel()
        self._copy.remove()
