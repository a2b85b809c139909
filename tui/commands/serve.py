"""`foretype serve`: answers other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretype.tui.commands.basic import BundleOption, EngineOption, chosen


def serve(
    bundle: BundleOption = None,
    engine: EngineOption = "auto",
    socket: Annotated[
        Path | None, typer.Option("--socket", help="Listen at this Unix socket, not on standard input.")
    ] = None,
    idle: Annotated[
        float,
        typer.Option("--idle", min=0, help="With --socket: end after so many seconds without a client; 0: never."),
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
    server = Server(chosen(bundle), engine, rest=rest)  # type: ignore[arg-type]
    if socket is None:
        server.serve_standard()
    else:
        server.serve_socket(socket, idle)


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command("serve")(serve)
