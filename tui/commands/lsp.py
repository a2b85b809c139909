"""`foretype lsp`: the language server, for editors to start."""

from __future__ import annotations

import typer

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import EngineOption, ModelsOption, ProviderOption, load_several


def lsp(bundle: ModelsOption = None, engine: EngineOption = "auto", provider: ProviderOption = "cpu") -> int:
    """Serve an editor over standard input and output, by the Language Server Protocol; see docs/editors.md."""
    try:
        from foretype.runtime.lsp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise ForetypeError("the language server needs `pip install 'foretype[lsp]'`") from error
    return serve(load_several(bundle, engine, provider))


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command("lsp")(lsp)
