"""The commands `train` and `export`, which need the `train` extra."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from foretype.runtime.errors import ConfigError, ForetypeError
from foretype.tui.commands.basic import JsonOption, print_json

NEEDS_TRAIN = "this command needs the training packages: pip install 'foretype[train]'"

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set a value, such as model.hidden_size=512; may be repeated."),
]


class Display:
    """Shows the progress of a run on standard error: a line for each measurement, a bar for the neural training."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None)
        self._perplexity = ""

    def step(self, message: str) -> None:
        self._progress.update(self._task, description=message)

    def training(self, report: Any, total_tokens: int) -> None:
        measured = report.validation_perplexity is not None
        if measured:
            self._perplexity = f"  validation perplexity {report.validation_perplexity:.1f}"
        text = f"loss {report.loss:.3f}  {report.tokens_per_second:,.0f} tokens/s{self._perplexity}"
        if measured:
            self._progress.console.print(f"{report.tokens / 1e6:8.2f} M tokens  {text}")
        self._progress.update(self._task, description=text, total=total_tokens, completed=report.tokens)


@contextmanager
def display(*, quiet: bool = False) -> Iterator[Display]:
    """Show a display during a `with` block. Only its lines remain afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as progress:
        yield Display(progress)


def read_settings(assignments: list[str] | None, **training: Any) -> dict[str, Any]:
    """Parse the assignments of --set, and add the training settings that have their own option, unless they are None.

    Raises typer.BadParameter if a text is not an assignment.
    """
    from foretype.train.recipe import parse_settings

    named = [f"training.{name}={value}" for name, value in training.items() if value is not None]
    try:
        return parse_settings([*(assignments or []), *named])
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from error


def train(
    files: Annotated[list[Path], typer.Argument(help="Text files or folders; .xz and .gz are decompressed.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; created if it does not exist.")],
    valid: Annotated[
        list[Path] | None, typer.Option(help="Text to measure on. By default, one line in fifty is held out.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Use a preset: tiny (at most 3 MB), base (25 MB) or large (for a GPU).")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Read settings from this TOML file. --resume uses those of the run by default.")
    ] = None,
    assignments: SetOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    tokens: Annotated[int | None, typer.Option(help="Train the neural model on this many tokens.")] = None,
    device: Annotated[str | None, typer.Option(help="Train on this device: auto, cpu or cuda.")] = None,
    threads: Annotated[int | None, typer.Option(help="Use this many CPU threads; 0 for PyTorch's default.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fix initialisation and data order.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Plot the curves to OUT/curves.png.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model: vocabulary, n-gram tables and neural model.

    A run that was stopped or killed continues with --resume. Settings come from a preset or a recipe; --set overrides
    them, and the options below override --set. `foretype --help` lists related commands, such as `train plot`.
    """
    try:
        from foretype.train.curves import CURVES, read_curves
        from foretype.train.neural.training.processes import join
        from foretype.train.pipeline import RUN, Run
        from foretype.train.recipe import PRESETS, make_recipe, read_recipe, stored_recipe
        from foretype.train.recipe import preset as read_preset
        from foretype.train.studies import plots
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    if preset and recipe:
        raise typer.BadParameter("a preset is a recipe; give only one of the two", param_hint="--preset, --recipe")
    if preset and preset not in PRESETS:
        raise typer.BadParameter(f"{preset!r}; choose from {', '.join(PRESETS)}", param_hint="--preset")
    picture = out / "curves.png"
    if plot:
        plots.check_plot(picture)
    given = read_settings(assignments, tokens=tokens, device=device, threads=threads, seed=seed)
    if preset:
        settings = read_preset(preset, given)
    elif recipe:
        settings = read_recipe(recipe, given)
    elif resume and (out / RUN).exists():
        settings = stored_recipe(out / RUN, given)
    else:
        settings = make_recipe({}, given)
    run = Run(out, settings, files, valid or [], resume=resume)
    leads = join().leads
    with display(quiet=not leads) as progress:
        report = run.train(progress)
    if not leads:  # Of several processes started by torchrun, only one prints.
        return
    if plot:
        plots.plot_curves(read_curves(out / CURVES), picture, settings.name)
    if as_json:
        print_json(report)
    else:
        print(f"n-gram: validation perplexity {report['ngram']['validation_perplexity']:.1f}")
        print(f"neural: validation perplexity {report['neural']['validation_perplexity']:.1f}")
        print(f"next: foretype export {out} --out BUNDLE")


def characters(
    files: Annotated[list[Path], typer.Argument(help="Text files or folders; .xz and .gz are decompressed.")],
    valid: Annotated[list[Path], typer.Option(help="Text to measure on.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; a stopped run continues.")],
    assignments: SetOption = None,
    tokens: Annotated[int | None, typer.Option(help="Train on this many characters.")] = None,
    threads: Annotated[int | None, typer.Option(help="Use this many CPU threads; 0 for PyTorch's default.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fix initialisation and data order.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model of characters, which finds words by a beam search within the typed letters."""
    try:
        from foretype.train.characters import character_recipe, train_characters
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    recipe = character_recipe(read_settings(assignments, tokens=tokens, threads=threads, seed=seed))
    with display() as progress:
        report = train_characters(out, files, valid, recipe, progress)
    if as_json:
        print_json(report)
    else:
        bits = math.log2(report["validation_perplexity"])
        print(f"{report['parameters']:,} parameters, {report['characters']} characters: {bits:.2f} bits per character")
        print(f"next: foretype export {out} --out BUNDLE")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle; must not exist.")],
    card: Annotated[Path | None, typer.Option(help="Model card in TOML: description, sources, licences.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Rare words, as scripts/build_lexicon.py writes them.")] = None,
    with_float: Annotated[bool, typer.Option("--float", help="Add the float32 graph, for GPUs.")] = False,
    bits: Annotated[int, typer.Option(help="Store each weight in 8 bits, or in 4, and print what that costs.")] = 8,
    as_json: JsonOption = False,
) -> None:
    """Export a run to a bundle. Its step graph is verified against the checkpoint on held-out text."""
    if bits not in (4, 8):
        raise typer.BadParameter(f"{bits}; choose from 4, 8", param_hint="--bits")
    by_characters = (run / "characters.json").is_file()
    if by_characters and (card or lexicon or with_float or bits != 8):
        raise typer.BadParameter("a model of characters has no card, lexicon, float graph or 4-bit weights")
    try:
        from foretype.export.precision_cost import record_costs
        from foretype.export.write_bundle import export_run
        from foretype.export.write_character_bundle import export_characters
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("export", total=None)

        def show(message: str) -> None:
            progress.update(task, description=message)

        if by_characters:
            figures = export_characters(run, out, show)
        else:
            figures = export_run(run, out, card, with_float, progress=show, bits=bits, lexicon=lexicon)
        if bits == 4:
            show("8 bits and 4 bits")
            figures["costs"] = {name: asdict(cost) for name, cost in record_costs(run, out).items()}
    if as_json:
        print_json(figures)
        return
    if by_characters:
        characters, plain = figures["characters"], figures["plain"]
        print(
            f"{out}: {characters['bits_per_character']:.2f} bits per character, perplexity "
            f"{characters['perplexity']:.1f} per word, {plain['k3']:.1f} % of keystrokes saved with three suggestions"
        )
        return
    precision = f"int{bits}"
    check = figures[precision]
    print(
        f"{out}: {precision} against the checkpoint: top-3 agreement {100 * check['top3_agreement']:.2f} %, "
        f"perplexity {check['graph_perplexity']:.2f} against {check['checkpoint_perplexity']:.2f}"
    )
    if bits == 4:
        _print_costs(figures["costs"])


def _print_costs(costs: dict[str, dict[str, float]]) -> None:
    table = Table("weights", "graph, MB", "perplexity", "keystrokes saved, %", "step, us", box=None)
    for precision, cost in costs.items():
        cells = (
            f"{cost['bytes'] / 1e6:.2f}",
            f"{cost['perplexity']:.2f}",
            f"{cost['keystroke_savings']:.1f}",
            f"{cost['step_microseconds']:.0f}",
        )
        table.add_row(precision, *cells)
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("train")(train)
    app.command("train characters")(characters)
    app.command("export")(export)
