"""What tmux shows and which keys it has while suggestions are on, and how both come back afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.user_folder import make_private_folder
from foretype.runtime.suggestion import Suggestion
from foretype.tui.tmux.control import TmuxError, tmux

KEYS = ("M-1", "M-2", "M-3")
GHOST_KEY = "M-Right"
_OPTIONS = ("status", "status-format[1]")

Command = tuple[str, ...]


def remember(socket: str, path: Path) -> None:
    """Keep the user's own status line and key bindings in a file, before they are changed."""
    options = {name: _option(socket, name) for name in _OPTIONS}
    bindings = [line for key in (*KEYS, GHOST_KEY) for line in _bindings(socket, key)]
    make_private_folder(path.parent)
    write_json(path, {"socket": socket, "options": options, "bindings": bindings})


def restore(path: Path) -> None:
    """Put the user's own status line and bindings back, and remove the file. Does nothing without it."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        socket, options, bindings = kept["socket"], kept["options"], kept["bindings"]
    except (OSError, ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return
    try:
        for key in (*KEYS, GHOST_KEY):
            tmux(socket, "unbind-key", "-q", "-n", key)
        for name, value in options.items():
            tmux(socket, *(["set-option", "-g", name, value] if value is not None else ["set-option", "-gu", name]))
        for line in bindings:
            tmux(socket, "source-file", "-", lines=line + "\n")
    except TmuxError:
        pass  # the server has ended, and its options with it
    path.unlink(missing_ok=True)


def show(offers: Sequence[Suggestion], typed: str, pane: str) -> list[Command]:
    """The commands that show `offers` and bind their keys, so that accepting one needs nothing but tmux.

    typed: the text before the cursor.
    """
    words = "   ".join(f"{number} {_plain(offer.text)}" for number, offer in enumerate(offers, 1))
    commands: list[Command] = [("set-option", "-g", "status-format[1]", f"#[align=left] {words}")]
    for number, key in enumerate(KEYS):
        commands.append(_bind(key, offers[number] if number < len(offers) else None, typed, pane))
    ghost = offers[0] if offers and offers[0].ghost(typed) else None
    return [*commands, _bind(GHOST_KEY, ghost, typed, pane)]


def _bind(key: str, offer: Suggestion | None, typed: str, pane: str) -> Command:
    if offer is None:
        return ("unbind-key", "-q", "-n", key)
    send = ("send-keys", "-t", pane)
    rest = offer.ghost(typed)
    erase = (*send, "-N", str(offer.replaces), "BSpace", ";") if offer.replaces and not rest else ()
    return ("bind-key", "-n", key, *erase, *send, "-l", (rest or offer.text) + " ")


def _plain(text: str) -> str:
    return text.replace("#", "##")


def _option(socket: str, name: str) -> str | None:
    """The user's global value of an option; None where it is the default."""
    value = tmux(socket, "show-options", "-gqv", name).removesuffix("\n")
    return value or None


def _bindings(socket: str, key: str) -> list[str]:
    try:
        lines = tmux(socket, "list-keys", "-T", "root", key)
    except TmuxError:
        return []
    return [line for line in lines.splitlines() if line.startswith("bind-key")]
