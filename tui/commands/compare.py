"""The commands `train compare`, which compares all models, and `train standard`, which compares with published ones."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import JsonOption, print_json
from foretype.tui.commands.train import NEEDS_TRAIN, SetOption, read_settings
from foretype.tui.training_screen import display


def compare(
    files: Annotated[list[Path], typer.Argument(help="Text files or folders to train on, also .xz and .gz.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the comparison; a stopped comparison continues.")],
    valid: Annotated[list[Path], typer.Option(help="Text to fit blend weights on.")],
    test: Annotated[list[Path], typer.Option(help="Text to measure on; it is never trained on.")],
    only: Annotated[
        list[str] | None, typer.Option(help="Train only models whose names contain this; may be repeated.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="Read the weights of the sources from this recipe.")] = None,
    words: Annotated[int | None, typer.Option(help="Train every model on this many words.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Set the vocabulary size, in tokens.")] = None,
    passes: Annotated[int | None, typer.Option(help="Train neural models for this many passes.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Limit the training time of each neural model.")] = None,
    test_words: Annotated[int | None, typer.Option(help="Measure on this many words of each test source.")] = None,
    jobs: Annotated[int, typer.Option(help="Train this many models in parallel, on one thread each.", min=1)] = 1,
    plot: Annotated[Path | None, typer.Option(help="Plot keystroke savings by size to this PNG file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train every model of the ladder on the same text and print one table. A stopped comparison continues."""
    options = dict(locals())
    try:
        from foretype.export.compare.comparison import Budget, Comparison
        from foretype.export.compare.comparison_report import markdown
        from foretype.export.compare.comparison_report import plot as draw
        from foretype.export.compare.ladder import choose
        from foretype.runtime.files.atomic import write_json, write_text
        from foretype.runtime.files.figures import check_plot
        from foretype.train.recipe import read_recipe
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    if plot:
        check_plot(plot)
    given = {item.name: options.get(item.name) for item in fields(Budget)}
    budget = Budget(**{name: value for name, value in given.items() if value is not None})
    weights = read_recipe(recipe).weights if recipe else {}
    rungs = choose(only or [])
    comparison = Comparison(out, budget, files, valid, test, weights)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("models", total=len(rungs))
        comparison.run(rungs, jobs, lambda name: progress.update(task, advance=1, description=name))
    results = comparison.results(rungs)
    write_json(out / "table.json", {"budget": asdict(budget), "models": results})
    write_text(out / "table.md", markdown(results))
    if plot:
        draw(results, plot)
    if as_json:
        print_json({"models": results})
    else:
        print(markdown(results), end="")


def standard(
    text: Annotated[Path, typer.Argument(help="Folder with *.train.*, *.valid.* and *.test.*, split by spaces.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; a stopped run continues.")],
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an n-gram model and an LSTM on a standard text, and compare their perplexities with published ones."""
    try:
        from foretype.train.studies.standard_benchmark import measure_standard_text, standard_recipe
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    with display() as progress:
        figures = measure_standard_text(text, out, standard_recipe(read_settings(assignments)), progress)
    if as_json:
        print_json(figures)
        return
    neural = figures["neural"]
    table = Table("test perplexity", f"{figures['text']}, {figures['vocabulary']:,} tokens", box=None)
    table.add_row(f"{figures['ngram']['test']:.1f}", f"foretype: {figures['recipe']['ngram']['order']}-gram")
    ours = f"foretype: LSTM, {neural['parameters'] / 1e6:.1f} M parameters, {neural['passes']:.0f} passes"
    table.add_row(f"{neural['test']:.1f}", f"{ours}, {neural['seconds'] / 60:.0f} min")
    for name, value in figures["published"].items():
        table.add_row(f"{value:.1f}", name)
    Console(width=100).print(table)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("train compare")(compare)
    app.command("train standard")(standard)
