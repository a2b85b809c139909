"""An application that rescues its text whatever happens, and draws only what changed."""

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
"""Signals that stop the pad. It rescues its text first. Windows has no SIGHUP."""


class SafeApp(App[None]):
    """Rescues unsaved text on signals and errors.

    stopped: why the application stopped unasked, and where unsaved text is; None while all is well.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stopped: str | None = None
        self._diff = ScreenDiff()

    def rescue(self) -> Path | None:
        """Save a copy of unsaved text and return its path; None if nothing is unsaved. Raises OSError."""
        return None

    def watch_signals(self) -> None:
        """Make signals that would end the process stop the application cleanly."""
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, self._on_signal, name)
            except NotImplementedError:  # Windows: Python's own handler passes the signal to the loop
                signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(self._on_signal, name))

    def stop_for(self, reason: str) -> None:
        """Rescue unsaved text, once, and record the reason and the path in `stopped`."""
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
        """Stop for an unexpected error."""
        self.stop_for(f"the pad stopped on an internal error ({type(error).__name__}: {error})")

    def _on_signal(self, name: str) -> None:
        self.stop_for(f"stopped by {name}")
        # If the terminal is gone, restoring it can take forever.
        watchdog = threading.Timer(3.0, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        self.exit(return_code=1)

    def _fatal_error(self) -> None:
        """Called by Textual on an uncaught exception, to show a traceback. Stops instead."""
        self.stop_for_error(self._exception)
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Called by Textual when it can no longer read keys."""
        self.stop_for("the terminal is gone")
        self._close_messages_no_wait()

    # --- Drawing

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Called by Textual to draw. Sends only the changed cells to the terminal."""
        if isinstance(renderable, CompositorUpdate) and self._driver is not None and not self._driver.is_inline:
            rows = screen._compositor.render_strips(self.size)
            renderable = _Cells(self._diff.update(rows, self.size, self.console))
        super()._display(screen, renderable)

    def on_resize(self) -> None:
        self._diff.forget()

    def action_redraw(self) -> None:
        """Draw the whole screen again, in case another program wrote on it."""
        self._diff.forget()
        self.screen.refresh()


class _Cells(CompositorUpdate):
    """An update that is already text for the terminal."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: object) -> str:
        return self._text
