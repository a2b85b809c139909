"""The commands that study training: `train plot`, `train throughput` and `train probe-gradients`."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import JsonOption, print_json
from foretype.tui.commands.train import NEEDS_TRAIN, SetOption, read_settings
from foretype.tui.training_screen import display

if TYPE_CHECKING:
    from foretype.train.studies.gradient_study import Reach

DISTANCES = (1, 2, 5, 7, 10, 20, 50, 100, 150, 200)
"""The distances in the table. --json prints all."""


def plot(
    run: Annotated[Path, typer.Argument(help="Folder of a run, finished or not.")],
    out: Annotated[Path | None, typer.Option("--out", help="Plot to this file, not to curves.png in the run.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Plot the curves of a run: loss, perplexity, gradient norm, learning rate, tokens/s."""
    try:
        from foretype.train.curves import CURVES, read_curves
        from foretype.train.studies.plots import plot_curves
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    rows, picture = read_curves(run / CURVES), out or run / "curves.png"
    plot_curves(rows, picture, run.resolve().name)
    if as_json:
        print_json({"plot": str(picture), "curves": rows})
    else:
        print(f"{picture}: {len(rows)} measurements")


def throughput(
    assignments: SetOption = None,
    trials: Annotated[int, typer.Option(min=1, help="Measure each loop this many times, in turn.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Measure training in tokens/s on the CPU, and compare it with plain PyTorch loops of the same sizes.

    --set takes vocabulary.size and the settings of model and training.
    """
    try:
        from foretype.train.recipe import make_recipe
        from foretype.train.studies.training_speed import measure
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    recipe = make_recipe({}, read_settings(assignments))
    model = {"vocab_size": recipe.vocabulary.size, **recipe.model}
    with display() as progress:
        figures = measure(model=model, training=recipe.training, trials=trials, progress=progress.step)
    if as_json:
        print_json(figures)
        return
    print(f"{figures['threads']} threads, medians of {trials} trials")
    for name, speeds in figures["tokens_per_second"].items():
        print(f"{name}: {statistics.median(speeds):,.0f} tokens/s")
    for name, ratio in figures["ratio"].items():
        print(f"foretype / {name}: {ratio['median']:.1f} ({ratio['lowest']:.1f} to {ratio['highest']:.1f})")


def probe_gradients(
    files: Annotated[list[Path] | None, typer.Argument(help="Text to train the models on.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the models; stopped training continues.")
    ] = None,
    tokens: Annotated[int | None, typer.Option(help="Number of tokens to train each model on.")] = None,
    assignments: SetOption = None,
    runs: Annotated[
        list[Path] | None, typer.Option("--run", help="Folder of a trained run, instead of text; may be repeated.")
    ] = None,
    distance: Annotated[int, typer.Option(min=1, help="Number of steps to follow the gradient back.")] = 200,
    samples: Annotated[int, typer.Option(min=1, help="Number of positions in the text to average over.")] = 256,
    plot: Annotated[Path | None, typer.Option("--plot", help="Plot the norms to this image file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the vanishing gradient, its norm by distance, in a simple RNN, a GRU and an LSTM.

    Trains models of equal width on the same text, or reads trained runs. The simple RNN is trained twice, from
    PyTorch's uniform initial weights and from orthogonal ones.
    """
    if bool(files) == bool(runs):
        raise typer.BadParameter("give either text to train on, or trained runs with --run", param_hint="FILES")
    if files and out is None:
        raise typer.BadParameter("give a folder for the trained models", param_hint="--out")
    try:
        from foretype.runtime.files.figures import check_plot
        from foretype.train.studies import plots
        from foretype.train.studies.gradient_study import probe_recipe, probe_run, probe_trained
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    if plot:
        check_plot(plot)
    with display() as progress:
        if files and out:
            recipe = probe_recipe(read_settings(assignments, tokens=tokens))
            found = probe_trained(out, files, recipe, progress, distance, samples)
        else:
            found = [probe_run(run, distance, samples) for run in runs or []]
    if plot:
        plots.plot_gradients({reach.name: (reach.initial.tolist(), reach.trained.tolist()) for reach in found}, plot)
    if as_json:
        models = [reach.to_json() for reach in found]
        print_json({"distance": distance, "samples": samples, "models": models})
    else:
        _print_reach(found, distance)


def _print_reach(found: list[Reach], distance: int) -> None:
    table = Table(title="norm of dL_t / dh_(t-d): loss at step t, hidden state d steps before")
    table.add_column("d", justify="right")
    for reach in found:
        table.add_column(f"{reach.name}\ninitial", justify="right")
        table.add_column("\ntrained", justify="right")
    for at in (at for at in DISTANCES if at <= distance):
        table.add_row(str(at), *(f"{norms[at - 1]:.1e}" for reach in found for norms in (reach.initial, reach.trained)))
    table.add_section()
    facts = [reach.to_json() for reach in found]
    faded = [fact[when]["faded_at"] for fact in facts for when in ("initial", "trained")]
    table.add_row("1 % at", *(f"> {distance}" if at is None else str(at) for at in faded))
    # Keep a table in a file from being wrapped at 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    for fact in facts:
        perplexity = fact["validation_perplexity"]
        measured = "" if perplexity is None else f", validation perplexity {perplexity:.1f}"
        print(f"{fact['name']}: {fact['parameters']:,} parameters, {fact['tokens']:,} tokens{measured}")


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("train plot")(plot)
    app.command("train throughput")(throughput)
    app.command("train probe-gradients")(probe_gradients)
