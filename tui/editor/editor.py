"""The editor widget: a text, a cursor, a selection, and the screen rows that show them."""

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
    """Edits a text that wraps at the width of the widget.

    buffer: the text. cursor: where the next edit happens. mark: the other end of the selection, or None. history: the
    changes that can be undone. ghost: grey text after the cursor that is not part of the text.

    All edits go through `change`, and all moves of the cursor through `move`. Override `changed` to see every edit.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "editor--cursor",
        "editor--ghost",
        "editor--selection",
        "editor--symbol",
    }
    DEFAULT_CSS = """
    Editor {
        width: 1fr;
        height: 1fr;
        & .editor--cursor { text-style: reverse; }
        & .editor--ghost { color: $foreground 45%; }
        & .editor--selection { background: $primary 40%; }
        & .editor--symbol { color: $warning; }
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
        self.goal: int | None = None  # the cell that vertical moves aim for
        self._top = Row(0, 0, 0)
        self._rows: list[Row] | None = None

    # --- The text

    @property
    def text(self) -> str:
        return self.buffer.text

    @property
    def selection(self) -> tuple[Place, Place]:
        """The start and end of the selection. Both are the cursor if nothing is selected."""
        mark = self.cursor if self.mark is None else self.mark
        return min(mark, self.cursor), max(mark, self.cursor)

    @property
    def selected_text(self) -> str:
        return self.buffer.between(*self.selection)

    def change(self, text: str, start: Place, end: Place, kind: str = "edit", cursor: Place | None = None) -> Change:
        """Replace the text between `start` and `end` by `text`. Puts the cursor after it, or at `cursor`."""
        before = self.cursor
        made = self.buffer.replace(start, end, text)
        self.cursor = self.buffer.clamp(made.end if cursor is None else cursor)
        self.mark = None
        if made.removed != made.inserted:
            self.history.record(made, before, self.cursor, kind)
        self._after_change([made], kind)
        return made

    def insert(self, text: str, kind: str = "edit") -> Change:
        """Replace the selection by `text`, or insert it at the cursor."""
        return self.change(text, *self.selection, kind)

    def undo(self) -> None:
        """Undo the last batch of changes."""
        batch = self.history.undo()
        if batch is not None:
            changes = [change.inverse() for change in reversed(batch.changes)]
            self._travel(changes, batch.before, batch.kind)

    def redo(self) -> None:
        """Redo the batch of changes that was undone last."""
        batch = self.history.redo()
        if batch is not None:
            self._travel(batch.changes, batch.after, batch.kind)

    def _travel(self, changes: Sequence[Change], cursor: Place, kind: str) -> None:
        for change in changes:
            self.buffer.make(change)
        self.cursor, self.mark = self.buffer.clamp(cursor), None
        self._after_change(changes, kind, travelled=True)

    def _after_change(self, changes: Sequence[Change], kind: str, travelled: bool = False) -> None:
        self.ghost = ""  # it continued a text that is gone
        self.goal = None
        self._show_cursor()
        self.changed(changes, kind, travelled)
        self.post_message(self.Changed())

    def changed(self, changes: Sequence[Change], kind: str, travelled: bool) -> None:
        """Called after each edit. kind: what made it. travelled: whether this undoes or redoes it."""

    def show_text(self, text: str) -> None:
        """Show another text, with an empty history."""
        self.buffer.lines = text.split("\n")
        self.history.clear()
        self.cursor, self.mark, self._top = self.buffer.end, None, Row(0, 0, 0)
        self._after_change([], "open")

    # --- The cursor

    def cursor_on_screen(self) -> Offset:
        """The screen cell of the cursor."""
        layout = self.wrapping
        row = layout.row_at(self.cursor)
        rows = self.visible_rows()
        y = rows.index(row) if row in rows else 0
        return self.content_region.offset + Offset(layout.cell_of(self.cursor, row), y)

    def move(self, place: Place, select: bool = False, goal: int | None = None) -> None:
        """Move the cursor to a place.

        select: extend the selection to there. goal: the cell that later vertical moves aim for.
        """
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
        """The layout at this width, except one cell for the cursor after a full row."""
        return Layout(self.buffer, self.content_size.width - 1)

    def _show_cursor(self) -> None:
        """Scroll as little as needed to make the cursor visible, then draw."""
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
        """Draw all rows again. Rows that look the same are taken from a cache."""
        self._rows = None
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Scroll down by `rows` rows (up if negative)."""
        self._top = self.wrapping.moved(self._top, rows)
        self.redraw()

    def visible_rows(self) -> list[Row]:
        """The visible rows, from the top."""
        if self._rows is None:
            layout = self.wrapping
            self._top = layout.row_at(self.buffer.clamp((self._top.line, self._top.start)))
            self._rows = _first(layout, self._top, self.content_size.height)
        return self._rows

    def render_line(self, y: int) -> Strip:
        """Draw one row of the widget."""
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
    """The first `height` rows from `top` on; fewer at the end of the text."""
    rows: list[Row] = []
    for row in layout.from_row(top):
        if len(rows) == height:
            break
        rows.append(row)
    return rows
