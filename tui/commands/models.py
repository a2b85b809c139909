"""The `foretype models` commands, which list, install and remove models, and choose the default."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from foretype.tui.commands.basic import EngineOption, JsonOption, info, model_names, print_json

models = typer.Typer(name="models", help="List, install and remove models; choose the default.")


NameArgument = Annotated[str, typer.Argument(help="Name of a model.", autocompletion=model_names)]


@models.callback(invoke_without_command=True)
def _list_by_default(context: typer.Context) -> None:
    """List, install and remove models; choose the default."""
    if context.invoked_subcommand is None:
        list_models()


@models.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models: name, size and description; * marks the default."""
    from rich.console import Console
    from rich.table import Table

    from foretype.runtime.files.installed import listed_models

    found = listed_models()
    if as_json:
        print_json([_plain(asdict(model)) for model in found])
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for model in found:
        mark = "* " if model.default else "  "
        where = "" if model.bundled else " (installed)"
        text = model.fault or model.description or "no description"
        table.add_row(mark + model.name, f"{model.bytes / 1e6:.1f} MB", text + where)
    Console(highlight=False, markup=False).print(table)


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return facts | {"folder": str(facts["folder"])}


@models.command("show")
def show(name: NameArgument, engine: EngineOption = "auto", as_json: JsonOption = False) -> None:
    """Show what a model is, like `foretype info`: engine, sizes, training text and figures."""
    from foretype.runtime.files.finding import folder_of

    info(folder_of(name), engine, as_json)


@models.command("install")
def install_model(
    source: Annotated[Path, typer.Argument(help="Bundle to install: a folder, or a .tar.gz, .tar.xz or .zip of it.")],
    name: Annotated[str, typer.Option("--name", help="Use this name instead of that in the manifest.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the installed model of that name.")] = False,
) -> None:
    """Install a bundle after verifying the checksum of each file. Nothing in it is executed."""
    from foretype.runtime.files.installed import install

    name = install(source, name, replace=replace)
    print(f"installed {name}: --bundle {name} uses it, `foretype models default {name}` makes it the default")


@models.command("remove")
def remove_model(name: NameArgument) -> None:
    """Remove an installed model."""
    from foretype.runtime.files.finding import DEFAULT_BUNDLE
    from foretype.runtime.files.installed import remove

    was_default = remove(name)
    print(f"removed {name}" + (f"; the default is {DEFAULT_BUNDLE} again" if was_default else ""))


@models.command("default")
def default_model(
    name: Annotated[str, typer.Argument(help="Name of a model; none: print it.", autocompletion=model_names)] = "",
) -> None:
    """Choose the model that the pad and the commands use by default."""
    from foretype.runtime.files.finding import DEFAULT_BUNDLE
    from foretype.runtime.files.installed import default_name, set_default

    if name:
        set_default(name)
    else:
        print(default_name() or DEFAULT_BUNDLE)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.add_typer(models, name="models")
