"""The editor widget: a text, a cursor, a selection, and the rows of the screen that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.geometry import Offset, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from foretype.tui.editor.buffer import Buffer, Change, Place
from foretype.tui.editor.drawing import Colours, RowPicture, draw
from foretype.tui.editor.graphemes import boundary_at_or_before
from foretype.tui.editor.history import History
from foretype.tui.editor.layout import Layout, Row

_SCROLL_ROWS = 3


class Editor(Widget, can_focus=True):
    """A text that wraps at the width of the widget.

    buffer: the text. cursor: where it is edited. mark: the other end of the selection, or None. history: what can
    be undone. ghost: grey text behind the cursor that is no part of the text.

    All edits go through `change`, and all moves of the cursor through `move`; overriding `changed` sees every edit.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "editor--cursor",
        "editor--ghost",
        "editor--selection",
        "editor--symbol",
        "editor--scrollbar",
    }
    DEFAULT_CSS = """
    Editor {
        width: 1fr;
        height: 1fr;
        & .editor--cursor { text-style: reverse; }
        & .editor--ghost { color: $foreground 45%; }
        & .editor--selection { background: $primary 40%; }
        & .editor--symbol { color: $warning; }
        & .editor--scrollbar { color: $foreground 30%; }
    }
    """

    @dataclass
    class Changed(Message):
        """The text has changed."""

    @dataclass
    class Moved(Message):
        """The cursor or the selection has changed, but not the text."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.buffer = Buffer(text)
        self.history = History()
        self.cursor: Place = self.buffer.end
        self.mark: Place | None = None
        self.ghost = ""
        self.goal: int | None = None  # the cell that moves up and down aim at
        self._top = Row(0, 0, 0)
        self._rows: list[Row] | None = None

    # --- The text

    @property
    def text(self) -> str:
        return self.buffer.text

    @property
    def selection(self) -> tuple[Place, Place]:
        """The start and the end of what is selected; both are the cursor where nothing is."""
        mark = self.cursor if self.mark is None else self.mark
        return min(mark, self.cursor), max(mark, self.cursor)

    @property
    def selected_text(self) -> str:
        return self.buffer.between(*self.selection)

    def change(self, text: str, start: Place, end: Place, kind: str = "edit", cursor: Place | None = None) -> Change:
        """Put `text` in the place of what is between two places, and the cursor behind it, or at `cursor`."""
        before = self.cursor
        made = self.buffer.replace(start, end, text)
        self.cursor = self.buffer.clamp(made.end if cursor is None else cursor)
        self.mark = None
        if made.removed != made.inserted:
            self.history.record(made, before, self.cursor, kind)
        self._after_change([made], kind)
        return made

    def insert(self, text: str, kind: str = "edit") -> Change:
        """Put `text` in the place of the selection, or at the cursor."""
        return self.change(text, *self.selection, kind)

    def undo(self) -> None:
        """Take the last batch of changes back."""
        batch = self.history.undo()
        if batch is not None:
            changes = [change.inverse() for change in reversed(batch.changes)]
            self._travel(changes, batch.before, f"undo {batch.kind}")

    def redo(self) -> None:
        """Make the changes again that were taken back last."""
        batch = self.history.redo()
        if batch is not None:
            self._travel(batch.changes, batch.after, f"redo {batch.kind}")

    def _travel(self, changes: Sequence[Change], cursor: Place, kind: str) -> None:
        for change in changes:
            self.buffer.make(change)
        self.cursor, self.mark = self.buffer.clamp(cursor), None
        self._after_change(changes, kind)

    def _after_change(self, changes: Sequence[Change], kind: str) -> None:
        self.ghost = ""  # it went on from a text that is gone
        self.goal = None
        self._show_cursor()
        self.changed(changes, kind)
        self.post_message(self.Changed())

    def changed(self, changes: Sequence[Change], kind: str) -> None:
        """Called after each edit. kind: what made it; "undo" or "redo" and that, where it was undone or made again."""

    def show_text(self, text: str) -> None:
        """Show another text, with a history of its own."""
        self.buffer.lines = text.split("\n")
        self.history.clear()
        self.cursor, self.mark, self._top = self.buffer.end, None, Row(0, 0, 0)
        self._after_change([], "open")

    # --- The cursor

    def cursor_on_screen(self) -> Offset:
        """The cell of the screen at which the cursor stands."""
        layout = self.wrapping
        row = layout.row_at(self.cursor)
        rows = self.visible_rows()
        y = rows.index(row) if row in rows else 0
        return self.content_region.offset + Offset(layout.cell_of(self.cursor, row), y)

    def move(self, place: Place, select: bool = False, goal: int | None = None) -> None:
        """Put the cursor at a place. select: whether the selection reaches there."""
        if select and self.mark is None:
            self.mark = self.cursor
        elif not select:
            self.mark = None
        place = self.buffer.clamp(place)
        self.cursor = place[0], boundary_at_or_before(self.buffer.lines[place[0]], place[1])
        self.goal = goal
        self.ghost = ""
        self.history.checkpoint()
        self._show_cursor()
        self.post_message(self.Moved())

    # --- Rows of the screen

    @property
    def wrapping(self) -> Layout:
        """Where the lines wrap at this width; one cell is left for the cursor behind a full row."""
        return Layout(self.buffer, self.content_size.width - 1)

    def _show_cursor(self) -> None:
        """Scroll as little as needed to have the cursor in sight, and draw."""
        layout, height = self.wrapping, max(1, self.content_size.height)
        row = layout.row_at(self.cursor)
        top = layout.row_at(self.buffer.clamp((self._top.line, self._top.start)))
        if (row.line, row.start) <= (top.line, top.start):
            top = row
        elif row.line - top.line >= height or row not in _first(layout, top, height):
            top = layout.moved(row, 1 - height)
        self._top = top
        self.redraw()

    def redraw(self) -> None:
        """Draw all rows again; those that look the same cost nothing."""
        self._rows = None
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Move the text so many rows up (down, if negative) in the widget."""
        self._top = self.wrapping.moved(self._top, rows)
        self.redraw()

    def visible_rows(self) -> list[Row]:
        """The rows in sight, from the top."""
        if self._rows is None:
            layout = self.wrapping
            self._top = layout.row_at(self.buffer.clamp((self._top.line, self._top.start)))
            self._rows = _first(layout, self._top, self.content_size.height)
        return self._rows

    def render_line(self, y: int) -> Strip:
        """One row of the widget."""
        width = self.content_size.width
        rows = self.visible_rows()
        colours = self._colours()
        if y >= len(rows):
            return Strip.blank(width, colours.text)
        return draw(self._picture(rows[y]), width, colours)

    def _picture(self, row: Row) -> RowPicture:
        text = self.buffer.lines[row.line]
        start, end = self.selection
        here = (row.line, row.start), (row.line, row.end + 1)
        first, last = max(start, here[0]), min(end, here[1])
        selected = (first[1] - row.start, last[1] - row.start) if first < last else (0, 0)
        line, column = self.cursor
        wrapped = row.end < len(text)
        on_row = self.has_focus and line == row.line and row.start <= column <= row.end - wrapped
        cursor = column - row.start if on_row else None
        return RowPicture(text[row.start : row.end], selected, cursor, self.ghost if on_row else "")

    def _colours(self) -> Colours:
        names = ("selection", "cursor", "ghost", "symbol")
        return Colours(self.rich_style, *(self.get_component_rich_style(f"editor--{name}") for name in names))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, container.height)

    def on_resize(self) -> None:
        self._show_cursor()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    # --- The mouse

    def _place_under(self, event: events.MouseEvent) -> Place:
        offset = event.get_content_offset_capture(self)
        rows = self.visible_rows()
        row = rows[max(0, min(offset.y, len(rows) - 1))]
        return self.wrapping.place_at(row, max(0, offset.x)) if offset.y < len(rows) else self.buffer.end

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.focus()
        self.move(self._place_under(event), select=event.shift)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if event.button == 1 and self.app.mouse_captured is self:
            self.move(self._place_under(event), select=True)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def on_mouse_scroll_down(self) -> None:
        self.scroll_rows(_SCROLL_ROWS)

    def on_mouse_scroll_up(self) -> None:
        self.scroll_rows(-_SCROLL_ROWS)


def _first(layout: Layout, top: Row, height: int) -> list[Row]:
    """So many rows from `top` on, fewer at the end of the text."""
    rows: list[Row] = []
    for row in layout.from_row(top):
        if len(rows) == height:
            break
        rows.append(row)
    return rows
