"""The actions of keys in the editor: moving, deleting, editing lines, the clipboard."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from foretype.tui.editor import motions
from foretype.tui.editor.buffer import Buffer, Place
from foretype.tui.editor.editor import Editor
from foretype.tui.editor.graphemes import TAB

_MOTIONS: dict[str, Callable[[Buffer, Place], Place]] = {
    "left": motions.left,
    "right": motions.right,
    "word_left": motions.word_left,
    "word_right": motions.word_right,
    "line_start": motions.line_start,
    "line_end": motions.line_end,
    "text_start": lambda buffer, place: (0, 0),
    "text_end": lambda buffer, place: buffer.end,
}
_ROWS = ("up", "down", "page_up", "page_down")

_AROUND = 200
"""Number of lines above and below the cursor that are checked for their indentation."""

MOTIONS = (*_MOTIONS, *_ROWS)
"""Names for `EditorActions.motion`."""


class EditorActions(Editor):
    """An editor with the actions of keys, each in a method `action_NAME`."""

    def motion(self, name: str, select: bool = False) -> None:
        """Move the cursor. With `select`, extend the selection to it. name: one of `MOTIONS`."""
        if name in _ROWS:
            self._move_rows(name, select)
        elif self.mark is not None and not select and name in ("left", "right"):
            self.move(self.selection[name == "right"])
        else:
            self.move(_MOTIONS[name](self.buffer, self.cursor), select)

    def _move_rows(self, name: str, select: bool) -> None:
        rows = 1 if name in ("up", "down") else max(1, self.content_size.height - 1)
        layout = self.wrapping
        here = layout.row_at(self.cursor)
        goal = layout.cell_of(self.cursor, here) if self.goal is None else self.goal
        row = layout.moved(here, -rows if name in ("up", "page_up") else rows)
        place = layout.place_at(row, goal)
        if row == here:  # on the first or last row, move to the start or end of the text
            place = self.buffer.end if name in ("down", "page_down") else (0, 0)
        self.move(place, select, goal)

    # --- Deleting

    def _delete_to(self, place: Place, kind: str) -> None:
        start, end = self.selection if self.mark is not None else sorted((place, self.cursor))
        if start != end:
            self.change("", start, end, kind)

    def action_delete_left(self) -> None:
        self._delete_to(motions.left(self.buffer, self.cursor), "delete_left")

    def action_delete_right(self) -> None:
        self._delete_to(motions.right(self.buffer, self.cursor), "delete_right")

    def action_delete_word_left(self) -> None:
        self._delete_to(motions.word_left(self.buffer, self.cursor), "delete_word")

    def action_delete_word_right(self) -> None:
        self._delete_to(motions.word_right(self.buffer, self.cursor), "delete_word")

    def action_delete_to_line_start(self) -> None:
        line, column = self.cursor
        self._delete_to((line, 0) if column else motions.left(self.buffer, self.cursor), "delete_line")

    def action_delete_to_line_end(self) -> None:
        end = motions.line_end(self.buffer, self.cursor)
        self._delete_to(end if end != self.cursor else motions.right(self.buffer, self.cursor), "delete_line")

    # --- Lines

    def _selected_lines(self) -> tuple[int, int]:
        """The first and last line that the selection touches."""
        start, end = self.selection
        return start[0], end[0] - (end[1] == 0 and end[0] > start[0])

    def action_duplicate_line(self) -> None:
        """Copy the selected lines below themselves."""
        first, last = self._selected_lines()
        block = self.buffer.lines[first : last + 1]
        place, end = self.cursor, (last, len(self.buffer.lines[last]))
        self.change("\n" + "\n".join(block), end, end, cursor=(place[0] + len(block), place[1]))

    def action_move_line_up(self) -> None:
        self._move_lines(-1)

    def action_move_line_down(self) -> None:
        self._move_lines(1)

    def _move_lines(self, by: int) -> None:
        first, last = self._selected_lines()
        upper, lower = first + min(by, 0), last + max(by, 0)
        if upper < 0 or lower >= len(self.buffer.lines):
            return
        lines = self.buffer.lines[upper : lower + 1]
        moved = [*lines[1:], lines[0]] if by < 0 else [lines[-1], *lines[:-1]]
        mark, (row, column) = self.mark, self.cursor
        end = (lower, len(self.buffer.lines[lower]))
        self.change("\n".join(moved), (upper, 0), end, "move_line", (row + by, column))
        self.mark = None if mark is None else (mark[0] + by, mark[1])

    def action_indent(self) -> None:
        """Indent the selected lines, or insert up to the next tab stop. Uses spaces, or tabs if the text does."""
        first, last = self._selected_lines()
        tab = self._uses_tabs()
        if self.mark is None or first == last:
            row = self.wrapping.row_at(self.cursor)
            self.insert("\t" if tab else " " * (TAB - self.wrapping.cell_of(self.cursor, row) % TAB), "indent")
        else:
            unit = "\t" if tab else " " * TAB
            self._each_line(first, last, lambda line: unit + line if line else line)

    def _uses_tabs(self) -> bool:
        """Whether the first indented line near the cursor is indented by a tab."""
        line = self.cursor[0]
        around = self.buffer.lines[max(0, line - _AROUND) : line + _AROUND]
        return next((text[0] == "\t" for text in around if text[:1] in (" ", "\t") and text.strip()), False)

    def action_unindent(self) -> None:
        """Remove a tab, or up to one tab stop of spaces, from the start of each selected line."""
        self._each_line(*self._selected_lines(), _unindented)

    def _each_line(self, first: int, last: int, step: Callable[[str], str]) -> None:
        lines = self.buffer.lines[first : last + 1]
        changed = [step(line) for line in lines]
        if changed == lines:
            return
        (row, column), mark = self.cursor, self.mark
        column += len(changed[row - first]) - len(lines[row - first]) if first <= row <= last else 0
        self.change("\n".join(changed), (first, 0), (last, len(lines[-1])), "indent", (row, max(0, column)))
        if mark is not None:
            self.mark = self.buffer.clamp(mark)

    # --- Selection and clipboard

    def action_select_all(self) -> None:
        self.mark = (0, 0)
        self.move(self.buffer.end, select=True)

    def action_copy(self) -> None:
        """Copy the selection. Without one, do nothing."""
        if self.selected_text:
            self.app.copy_to_clipboard(self.selected_text)

    def action_cut(self) -> None:
        """Cut the selection, or the whole line if nothing is selected."""
        if self.mark is None:
            line = self.cursor[0]
            last = line + 1 == len(self.buffer.lines)
            self.mark, self.cursor = (line, 0), self.buffer.end if last else (line + 1, 0)
        if self.selected_text:
            self.action_copy()
            self.insert("", "cut")

    def action_paste(self) -> None:
        self.paste(self.app.clipboard)

    def paste(self, text: str) -> None:
        """Replace the selection by text from elsewhere."""
        if text:
            self.history.checkpoint()
            self.insert(text.replace("\r\n", "\n").replace("\r", "\n"), "paste")

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.paste(event.text)

    def on_click(self, event: events.Click) -> None:
        """Select a word on a double click, a line on a triple click."""
        if event.chain == 2:
            start, end = motions.word_around(self.buffer, self.cursor)
        elif event.chain == 3:
            start, end = (self.cursor[0], 0), motions.line_end(self.buffer, self.cursor)
        else:
            return
        self.mark = start
        self.move(end, select=True)

    # --- History

    def action_undo(self) -> None:
        self.undo()

    def action_redo(self) -> None:
        self.redo()


def _unindented(line: str) -> str:
    if line.startswith("\t"):
        return line[1:]
    return line[min(TAB, len(line) - len(line.lstrip(" "))) :]
