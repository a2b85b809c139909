"""The command `adapt`, which fine-tunes a model on the user's own text; it needs the `train` extra."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from foretype.runtime.errors import BundleError, ConfigError, ForetypeError
from foretype.runtime.files.finding import DEFAULT_BUNDLE, folder_of, models_folder
from foretype.tui.commands.basic import JsonOption, model_names, print_json
from foretype.tui.commands.train import NEEDS_TRAIN

ENDING = "-mine"
"""The adapted model of `en` is called `en-mine`."""


def adapt(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Your text: mbox, Maildir, chat export, Markdown, plain text, or folders of them."),
    ] = None,
    me: Annotated[
        list[str] | None, typer.Option("--me", help="Your name or address in mail and chats; may be repeated.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="Name of the model to adapt.", autocompletion=model_names)
    ] = None,
    bound: Annotated[
        float, typer.Option(min=0, max=100, help="Accept this rise of the perplexity on general text, in percent.")
    ] = 15.0,
    minutes: Annotated[float, typer.Option(min=0.01, help="Train for at most this long.")] = 10.0,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the adapted model, and use the other again.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Adapt a model to the text that you wrote, and use it from now on.

    The adapted model is kept only if it saves more keystrokes on a part of your text that it was not trained on, and
    is hardly worse on general text. --remove undoes it. See docs/adapting.md.
    """
    base = bundle or _base_of_default()
    name = base + ENDING
    if remove:
        _remove(name, base)
        return
    if not files:
        raise typer.BadParameter("name files or folders with your text", param_hint="FILES")
    try:
        from foretype.export.adapt_bundle import AdaptConfig, adapt_bundle
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    from foretype.runtime.files.installed import install, set_default
    from foretype.runtime.files.user_folder import make_private_folder
    from foretype.train.adapt.own_text import read_own_text

    folder = folder_of(base)
    config = AdaptConfig(minutes=minutes, bound=bound / 100)
    documents = read_own_text(files, me or ())
    make_private_folder(models_folder())
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        tempfile.TemporaryDirectory(prefix=".", dir=models_folder()) as temporary,
    ):
        task = progress.add_task("reading", total=None)
        out = Path(temporary) / name
        out.mkdir(mode=0o700)
        found = adapt_bundle(folder, documents, out, config, lambda text: progress.update(task, description=text))
        faults = found.faults(config.bound)
        if not faults:
            install(out, name, replace=True)
            if _base_of_default() == base:
                set_default(name)
    if as_json:
        print_json({"name": name, "kept": not faults, **found.to_json()})
    else:
        low, high = found.interval
        print(
            f"keystrokes saved on {found.judged:,} words of yours: {found.saved:.1f} %, {found.gain:+.1f} points "
            f"({low:+.1f} to {high:+.1f}); perplexity on general text {100 * found.rise:+.1f} %"
        )
        if not faults:
            print(f"kept as {name}; `foretype adapt --remove` removes it")
    if faults:
        raise ForetypeError(f"not kept: {'; '.join(faults)}")


def _base_of_default() -> str:
    """The model that is used where none is named, or the one that it was adapted from."""
    from foretype.runtime.files.installed import default_folder

    folder = default_folder()
    return folder.name.removesuffix(ENDING) if folder else DEFAULT_BUNDLE


def _remove(name: str, base: str) -> None:
    from foretype.runtime.files.installed import remove, set_default

    try:
        was_default = remove(name)
    except BundleError:
        raise ConfigError(f"{base} was not adapted; there is nothing to remove") from None
    if was_default:
        set_default(base)
    print(f"removed {name}" + (f"; the default is {base} again" if was_default else ""))


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("adapt")(adapt)
