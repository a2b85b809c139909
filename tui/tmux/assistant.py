"""The background process: watches the active pane, and shows what may come next under it."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import sys
from pathlib import Path

from foretype.runtime import Model
from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.user_folder import data_folder
from foretype.runtime.mixture import Models
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text_session import TextSession
from foretype.tui.tmux.control import ControlClient, TmuxError, tmux
from foretype.tui.tmux.display import KEYS, remember, restore, show
from foretype.tui.tmux.typed_line import PANE_FORMAT, Pane, is_quiet, typed_text

_ROWS = 12
"""Rows above the cursor's in which a wrapped line is followed."""
_SETTLES = 0.005
"""Seconds to wait for more output: programs draw a key's effect in pieces."""
_LOOKS_AGAIN = 1.0
"""Seconds after which the pane is looked at without output: another one may have become active."""


def state_path(socket: str) -> Path:
    """Where the user's own settings of the tmux server at `socket` are kept while suggestions are on."""
    name = hashlib.sha256(socket.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return data_folder() / "tmux" / f"{name}.json"


class Assistant:
    """Suggestions for the active pane of one tmux session. Learns nothing: a screen is not its user's text alone."""

    def __init__(self, model: Model | Models, socket: str, session: str, shells: bool) -> None:
        """shells: whether words are offered in shells as well."""
        self._session: TextSession = model.session()
        self._client = ControlClient(socket, session)
        self._shells = shells
        self._shown: tuple[str, tuple[str, ...]] | None = None

    def run(self) -> None:
        """Watch until tmux ends. Raises TmuxError then."""
        self._client.run(("set-option", "-g", "status", "2"))
        while True:
            self._update()
            ready, _, _ = select.select([self._client], [], [], _LOOKS_AGAIN)
            while ready or self._client.pending:
                if any(notice.startswith("%exit") for notice in self._client.notices()):
                    raise TmuxError("tmux has ended")
                ready, _, _ = select.select([self._client], [], [], _SETTLES)

    def _update(self) -> None:
        """Show what may come next in the active pane, if that has changed."""
        pane = Pane.parse(self._client.run(("display-message", "-p", PANE_FORMAT))[0][0])
        typed = "" if is_quiet(pane, self._shells) else self._typed(pane)
        offers: list[Suggestion] = []
        if typed.strip():
            try:
                offers = list(self._session.suggest(typed, k=len(KEYS)))
            except ForetypeError:
                offers = []
        state = pane.id + typed, tuple(offer.text for offer in offers)
        if state != self._shown:
            self._shown = state
            self._client.run(*show(offers, typed, pane.id))

    def _typed(self, pane: Pane) -> str:
        first = max(0, pane.row - _ROWS)
        rows = self._client.run(("capture-pane", "-p", "-t", pane.id, "-S", str(first)))[0]
        here = pane.row - first + 1
        return typed_text(rows[:here], pane, below=rows[here:])

    def close(self) -> None:
        self._client.close()


def serve(model: Model | Models, socket: str, session: str, shells: bool) -> None:
    """Show suggestions until tmux ends or the process is told to stop; then the user's own settings come back."""
    path = state_path(socket)
    restore(path)  # what an earlier process left when it was killed
    remember(socket, path)
    path.with_suffix(".pid").write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    assistant = Assistant(model, socket, session, shells)
    try:
        assistant.run()
    except (TmuxError, SystemExit, KeyboardInterrupt):
        pass
    finally:
        assistant.close()
        restore(path)
        path.with_suffix(".pid").unlink(missing_ok=True)


def running(socket: str) -> int | None:
    """The process that shows suggestions in the server at `socket`; None if there is none."""
    try:
        process = int(state_path(socket).with_suffix(".pid").read_text())
        os.kill(process, 0)
    except (OSError, ValueError):
        return None
    return process


def this_server() -> tuple[str, str]:
    """The socket of the tmux server in which this process runs, and its session. Raises TmuxError outside tmux."""
    socket = os.environ.get("TMUX", "").split(",")[0]
    if not socket:
        raise TmuxError("no tmux here: run this inside tmux, or name its socket with --socket")
    return socket, tmux(socket, "display-message", "-p", "#{session_name}").strip()
