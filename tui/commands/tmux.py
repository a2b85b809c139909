"""`foretype tmux`: shows suggestions in every program that runs in tmux."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import EngineOption, ModelsOption, load_several

_STARTS = 20.0
"""Seconds to wait for the background process to start or to end."""

tmux_app = typer.Typer(name="tmux", help="Show suggestions in every program that runs in tmux.")

SocketOption = Annotated[str, typer.Option("--socket", help="Use the tmux server at this socket, not the current one.")]
SessionOption = Annotated[str, typer.Option("--session", help="Watch this session, not the current one.")]
ShellsOption = Annotated[bool, typer.Option("--shells", help="Offer words in shells as well.")]


def _server(socket: str, session: str) -> tuple[str, str]:
    from foretype.tui.tmux.assistant import this_server
    from foretype.tui.tmux.control import tmux

    if not socket:
        return this_server()
    return socket, session or tmux(socket, "display-message", "-p", "#{session_name}").strip()


@tmux_app.command("on")
def on(
    bundle: ModelsOption = None,
    engine: EngineOption = "auto",
    socket: SocketOption = "",
    session: SessionOption = "",
    shells: ShellsOption = False,
) -> None:
    """Show three words under the active pane. Alt+1 to 3 type one, Alt+Right types the first. Nothing is learned."""
    from foretype.tui.tmux.assistant import running

    socket, session = _server(socket, session)
    if running(socket) is not None:
        print("suggestions are on already")
        return
    command = [sys.executable, "-m", "foretype.tui.cli", "tmux", "watch", "--socket", socket, "--session", session]
    command += ["--engine", engine, *(["--bundle", str(bundle)] if bundle else []), *(["--shells"] if shells else [])]
    watcher = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    end = time.monotonic() + _STARTS
    while running(socket) is None and time.monotonic() < end:
        if watcher.poll() is not None:
            said = watcher.stderr.read().decode(errors="replace").strip() if watcher.stderr else ""
            raise ForetypeError(said.removeprefix("foretype: ") or "the background process ended at once")
        time.sleep(0.05)
    print("suggestions are on; `foretype tmux off` ends them")


@tmux_app.command("off")
def off(socket: SocketOption = "") -> None:
    """Stop suggestions, and restore your status line and keys, even after a crash."""
    from foretype.tui.tmux.assistant import running, state_path
    from foretype.tui.tmux.display import restore

    socket, _ = _server(socket, "")
    process = running(socket)
    if process is not None:
        os.kill(process, signal.SIGTERM)
        end = time.monotonic() + _STARTS
        while running(socket) is not None and time.monotonic() < end:
            time.sleep(0.02)
    restore(state_path(socket))
    print("suggestions are off")


@tmux_app.command("status")
def status(socket: SocketOption = "") -> None:
    """Show whether suggestions are on."""
    from foretype.tui.tmux.assistant import running

    socket, _ = _server(socket, "")
    process = running(socket)
    print("suggestions are off" if process is None else f"suggestions are on (process {process})")


@tmux_app.command("watch", hidden=True)
def watch(
    socket: SocketOption,
    session: SessionOption,
    bundle: ModelsOption = None,
    engine: EngineOption = "auto",
    shells: ShellsOption = False,
) -> None:
    """Show suggestions in the foreground until tmux ends."""
    from foretype.tui.tmux.assistant import serve

    serve(load_several(bundle, engine), socket, session, shells)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.add_typer(tmux_app, name="tmux")
