"""The typing pad: a text, suggestions at the cursor, and a status line."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rich.console import RenderableType
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from foretype.runtime import Model
from foretype.runtime.personal.store import Store
from foretype.tui.pad.candidate_row import CandidateRow
from foretype.tui.pad.document import PadError, TextFile
from foretype.tui.pad.help import HelpScreen
from foretype.tui.pad.recovery import SUFFIX, rescue
from foretype.tui.pad.themes import DARK, LIGHT, light_terminal
from foretype.tui.pad.typing_area import TypingArea

_SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
"""Signals that ask the pad to stop; its text is brought to safety first. Windows has no SIGHUP."""


def run_pad(path: Path | None, model: Model, store: Store | None = None, private: bool = False) -> None:
    """Opens the pad on `path` (None: a text without a name yet) and returns when the user quits.

    store: learns what is typed and adds to the suggestions; None for none.
    private: whether nothing is learned until the user switches.

    Raises:
        PadError: the file cannot be opened, or the pad had to stop; the message says where unsaved text went.
    """
    pad = Pad(TextFile.open(path) if path is not None else None, model, store, private)
    try:
        pad.run()
    except BaseException as error:
        pad.stop_for(_in_words(error))
    if pad.stopped is not None:
        raise PadError(pad.stopped)


class Pad(App[None]):
    """The application around one `TypingArea`.

    stopped: why the pad stopped without being asked and where unsaved text is; None while all is well.
    """

    CSS_PATH = "pad.tcss"
    TITLE = "Foretype"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (60, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", priority=True),
        Binding("ctrl+q", "quit", priority=True),
        Binding("ctrl+t", "toggle_dark"),
        Binding("ctrl+p", "toggle_private"),
        Binding("f1,ctrl+g", "help"),
        Binding("escape", "leave_prompt"),
    ]

    def __init__(self, file: TextFile | None, model: Model, store: Store | None = None, private: bool = False) -> None:
        super().__init__()
        self.stopped: str | None = None
        self._file = file
        self._model = model
        self._changed = False
        self._told = False
        self._quit_asked = False
        self._seconds: float | None = None
        self._replaces: Path | None = None  # the file that the name prompt warned of
        self.area = TypingArea(file.text if file else "", model.session(store=store, private=private))
        self._has_store = store is not None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = LIGHT.name if light_terminal() else DARK.name

    def compose(self) -> ComposeResult:
        yield self.area
        yield CandidateRow(id="candidates")
        with Horizontal(id="prompt"):
            yield Label("Save as")
            yield Input(id="name", compact=True, select_on_focus=False)
        yield Static(id="notice", classes="warning", markup=False)
        with Horizontal(id="status"):
            yield Static(id="file", markup=False)
            yield Static(id="facts", markup=False)
            yield Static("F1 keys", id="hint", markup=False)
        yield Static(id="message", markup=False)

    def on_mount(self) -> None:
        self._watch_signals()
        self.area.focus()
        self.tell(self._greeting(), "warning")
        self._show_status()

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, self._on_signal, name)
            except NotImplementedError:  # Windows: Python's own handler hands the signal to the loop
                signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(self._on_signal, name))

    def _greeting(self) -> str:
        """What is to be known about the file before typing; "" when nothing is."""
        if self._file is None:
            return ""
        path = self._file.path
        left = path.with_name(path.name + SUFFIX)
        if left.exists():
            return f"{left.name} holds text rescued from an earlier run"
        if self._file.mixed:
            return f"{path.name} ends its lines in more than one way; saving makes them all alike"
        return ""

    # --- Status line and messages

    def tell(self, message: str, kind: str = "") -> None:
        """Shows one line in the status line's place until the next key; `kind`: "", "warning", "error"."""
        self._told = bool(message)
        line = self.query_one("#message", Static)
        line.set_classes(kind)
        line.update(message)
        line.display = bool(message)
        self.query_one("#status").display = not message

    def _show_status(self) -> None:
        notice = self.query_one("#notice", Static)
        told = self.area.session.notice
        notice.display = told is not None  # the model may fall back at any time
        notice.update(f"! {told}")
        name = self._file.path.name if self._file else "(no name)"
        self.query_one("#file", Static).update(f"● {name}" if self._changed else name)
        time = "" if self._seconds is None else f" · {_duration(self._seconds)}"
        saved = f"{self.area.account.saved:.0%}".replace("%", " %")
        private = "private · " if self._has_store and self.area.session.private else ""
        self.query_one("#facts", Static).update(f"{private}{self._model.engine}{time} · {saved} saved")

    def on_typing_area_suggested(self, event: TypingArea.Suggested) -> None:
        self._seconds = event.seconds
        self.query_one(CandidateRow).show(event.words, event.ghost)
        self._show_status()

    def on_typing_area_failed(self, event: TypingArea.Failed) -> None:
        self.tell(f"no suggestions: {event.error}", "error")

    def on_text_area_changed(self) -> None:
        self._changed = True
        self._show_status()

    async def on_event(self, event: events.Event) -> None:
        """A key takes the last message away and, unless it is Ctrl+Q again, the question whether to quit."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            if self._told:
                self.tell("")
            self._quit_asked = self._quit_asked and event.key == "ctrl+q"
        await super().on_event(event)

    # --- Saving and quitting

    def action_save(self) -> None:
        """Saves without asking; a text without a name asks for one."""
        if self.area.has_focus:
            self._after_typing(self._save_or_ask)

    def _after_typing(self, step: Callable[[], None]) -> None:
        """Takes `step` once the keys pressed before have become text: those may still wait in the text area."""
        self.area.call_later(step)

    def _save_or_ask(self) -> None:
        if self._file is None:
            self._ask_name()
        else:
            self._save(self._file)

    def _save(self, file: TextFile) -> None:
        """Saves the text as `file`, the pad's file from then on; where that fails, asks for another name."""
        try:
            file.save(self.area.text)
        except PadError as error:
            self._ask_name(str(file.path))
            self.tell(str(error), "error")
            return
        self._file = file
        self._changed = False
        self._show_status()
        self.area.focus()
        self.tell(f"Saved {file.path.name}")

    def _ask_name(self, name: str = "") -> None:
        """Puts the question for a name in the place of the candidates, until the text has the focus again."""
        self._replaces = None
        self.query_one("#prompt").display = True
        self.query_one("#candidates").display = False
        field = self.query_one("#name", Input)
        field.value = name
        field.cursor_position = len(name)
        field.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is self.area:
            self.query_one("#prompt").display = False
            self.query_one("#candidates").display = True

    def action_leave_prompt(self) -> None:
        self.area.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Saves under the name given; one that another file bears must be given twice."""
        path = Path(event.value.strip()).expanduser()
        if not event.value.strip():
            self.area.focus()
        elif self._file is not None and path == self._file.path:
            self._save(self._file)
        elif path.exists() and path != self._replaces:
            self._replaces = path
            self.tell(f"{path} exists: Enter again replaces it, Esc goes back", "warning")
        else:
            self._save(TextFile(path))

    async def action_quit(self) -> None:
        """Quits; unsaved text is given up only when asked twice."""
        self._after_typing(self._quit_or_ask)

    def _quit_or_ask(self) -> None:
        if self._quit_asked or not self._unsaved():
            self.exit()
        else:
            self._quit_asked = True
            self.tell("Unsaved changes: Ctrl+Q again quits, Ctrl+S saves", "warning")

    def _unsaved(self) -> bool:
        return self.area.text != (self._file.text if self._file else "")

    # --- Other keys

    def action_accept(self, number: int) -> None:
        self.area.action_accept(number)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.area.session.notice))

    def action_toggle_dark(self) -> None:
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_toggle_private(self) -> None:
        """Stops learning from what is typed, or goes on with it."""
        if not self._has_store:
            self.tell("Nothing is learned here: the pad was opened without a personal store", "warning")
            return
        self.area.session.private = not self.area.session.private
        self._show_status()
        self.tell("Private: nothing is learned now" if self.area.session.private else "What you type is learned again")

    def on_unmount(self) -> None:
        self.area.session.finish()

    # --- Stopping without being asked

    def stop_for(self, reason: str) -> None:
        """Brings unsaved text to safety, once, and notes in `stopped` why and where."""
        if self.stopped is not None:
            return
        self.stopped = reason
        if self._unsaved():
            path = self._file.path if self._file else None
            data = (self._file or TextFile(Path())).encode(self.area.text)
            try:
                place = rescue(data, path)
                self.stopped += f"; unsaved text is in {place}"
            except OSError as error:
                self.stopped += f"; unsaved text could not be kept: {error}"

    def _on_signal(self, name: str) -> None:
        self.stop_for(f"stopped by {name}")
        # With the terminal gone, leaving it in good order can wait for ever.
        watchdog = threading.Timer(3.0, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        self.exit(return_code=1)

    def _fatal_error(self) -> None:
        """Textual calls this on an exception that nothing caught, to show a traceback."""
        self.stop_for(_in_words(self._exception))
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Textual calls this when it can read the keys no longer."""
        self.stop_for("the terminal is gone")
        self._close_messages_no_wait()


def _in_words(error: BaseException | None) -> str:
    return f"the pad stopped on an internal error ({type(error).__name__}: {error})"


def _duration(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 0.9995e-3 else f"{seconds * 1e3:.1f} ms"
