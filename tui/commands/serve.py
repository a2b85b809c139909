"""`foretype serve`: answers other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import BundleOption, EngineOption, chosen

if TYPE_CHECKING:
    from foretype.runtime.serving.server import Server


def serve(
    bundle: BundleOption = None,
    engine: EngineOption = "auto",
    socket: Annotated[
        Path | None, typer.Option("--socket", help="Listen at this Unix socket, not on standard input.")
    ] = None,
    http: Annotated[
        int | None,
        typer.Option("--http", min=0, max=65535, help="Listen for WebSockets at this port of 127.0.0.1; 0: any."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", help="With --http: let this website connect: https://example.org. Repeatable."),
    ] = None,
    idle: Annotated[
        float,
        typer.Option(
            "--idle", min=0, help="Without clients, end a socket or WebSocket server after so many seconds; 0: never."
        ),
    ] = 600.0,
    rest: Annotated[
        float, typer.Option("--rest", min=0.1, help="Free the memory of a field that is unused for so many seconds.")
    ] = 60.0,
) -> None:
    """Answer other programs: JSON-RPC 2.0, one message per line (docs/serving.md). Learn nothing unless they ask."""
    from foretype.runtime.engines.loading import ENGINES
    from foretype.runtime.serving.server import Server

    if engine not in ENGINES:
        raise typer.BadParameter(f"{engine!r}; choose from {', '.join(ENGINES)}", param_hint="--engine")
    if socket is not None and http is not None:
        raise typer.BadParameter("choose one of --socket and --http", param_hint="--http")
    if origin and http is None:
        raise typer.BadParameter("needs --http", param_hint="--origin")
    server = Server(chosen(bundle), engine, rest=rest)  # type: ignore[arg-type]
    if http is not None:
        _serve_http(server, http, origin or [], idle)
    elif socket is not None:
        server.serve_socket(socket, idle)
    else:
        server.serve_standard()


def _serve_http(server: Server, port: int, origins: list[str], idle: float) -> None:
    try:
        server.serve_http(port, origins, idle, lambda line: print(f"foretype: {line}", file=sys.stderr, flush=True))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "websockets":
            raise
        raise ForetypeError("--http needs `pip install 'foretype[http]'`") from error


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command("serve")(serve)
