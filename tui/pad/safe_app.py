"""An application that brings its text to safety whatever happens, and draws only what changed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.screen import Screen

from foretype.tui.pad.screen_diff import ScreenDiff

_SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
"""Signals that ask the pad to stop; its text is brought to safety first. Windows has no SIGHUP."""


class SafeApp(App[None]):
    """stopped: why the application stopped without being asked and where unsaved text is; None while all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped: str | None = None
        self._diff = ScreenDiff()

    def rescue(self) -> Path | None:
        """Bring unsaved text to safety and return where it is; None if there is none. Raises OSError."""
        return None

    def watch_signals(self) -> None:
        """Have signals that end the process stop the application in good order."""
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, self._on_signal, name)
            except NotImplementedError:  # Windows: Python's own handler hands the signal to the loop
                signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(self._on_signal, name))

    def stop_for(self, reason: str) -> None:
        """Bring unsaved text to safety, once, and note in `stopped` why and where."""
        if self.stopped is not None:
            return
        self.stopped = reason
        try:
            place = self.rescue()
        except OSError as error:
            self.stopped += f"; unsaved text could not be kept: {error}"
        else:
            if place is not None:
                self.stopped += f"; unsaved text is in {place}, and offered when you open it again"

    def stop_for_error(self, error: BaseException | None) -> None:
        """Stop for an error that nobody expected."""
        self.stop_for(f"the pad stopped on an internal error ({type(error).__name__}: {error})")

    def _on_signal(self, name: str) -> None:
        self.stop_for(f"stopped by {name}")
        # With the terminal gone, leaving it in good order can wait for ever.
        watchdog = threading.Timer(3.0, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        self.exit(return_code=1)

    def _fatal_error(self) -> None:
        """Textual calls this on an exception that nothing caught, to show a traceback."""
        self.stop_for_error(self._exception)
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Textual calls this when it can read the keys no longer."""
        self.stop_for("the terminal is gone")
        self._close_messages_no_wait()

    # --- Drawing

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Textual calls this to draw; only cells that changed go to the terminal."""
        if isinstance(renderable, CompositorUpdate) and self._driver is not None and not self._driver.is_inline:
            rows = screen._compositor.render_strips(self.size)
            renderable = _Cells(self._diff.update(rows, self.size, self.console))
        super()._display(screen, renderable)

    def on_resize(self) -> None:
        self._diff.forget()

    def action_redraw(self) -> None:
        """Draw the whole screen again, whatever another program wrote on it."""
        self._diff.forget()
        self.screen.refresh()


class _Cells(CompositorUpdate):
    """An update that is text for the terminal already."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: object) -> str:
        return self._text
