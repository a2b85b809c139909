"""The commands that need the `train` extra: train and export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands import JsonOption, print_json

NEEDS_TRAIN = "this command needs the training packages: pip install 'foretype[train]'"


class _Display:
    """Progress of a run on standard error: lines for finished steps, a bar for the neural training."""

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


def train(
    files: Annotated[list[Path], typer.Argument(help="Text files or folders, .xz and .gz too.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; made if need be.")],
    valid: Annotated[
        list[Path] | None, typer.Option(help="Text to measure on; else one line in fifty is held out.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Settings in TOML; with --resume, those of the run are kept.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    tokens: Annotated[int | None, typer.Option(help="Tokens that the neural model is trained on.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; 0 for all.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes initialisation and data order.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model: vocabulary, n-gram tables and neural model. Killed at any moment, it goes on with --resume."""
    try:
        from foretype.train.pipeline import RUN, Run
        from foretype.train.recipe import Recipe, read_recipe, stored_recipe
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    if recipe:
        settings = read_recipe(recipe)
    elif resume and (out / RUN).exists():
        settings = stored_recipe(out / RUN)
    else:
        settings = Recipe()
    settings = settings.with_training(tokens=tokens, device=device, threads=threads, seed=seed)
    run = Run(out, settings, files, valid or [], resume=resume)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        report = run.train(_Display(progress))
    if as_json:
        print_json(report)
    else:
        print(f"n-gram: validation perplexity {report['ngram']['validation_perplexity']:.1f}")
        print(f"neural: validation perplexity {report['lstm']['validation_perplexity']:.1f}")
        print(f"next: foretype export {out} --out BUNDLE")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle; made new.")],
    card: Annotated[Path | None, typer.Option(help="Model card in TOML: description, sources, licences.")] = None,
    with_float: Annotated[bool, typer.Option("--float", help="Add the float32 graph, for GPUs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Export a run to a bundle: step graph, int8, verified against the checkpoint on held-out text."""
    try:
        from foretype.export.bundle import export_run
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("export", total=None)
        figures = export_run(run, out, card, with_float, lambda message: progress.update(task, description=message))
    if as_json:
        print_json(figures)
        return
    check = figures["int8"]
    print(
        f"{out}: int8 against the checkpoint: top-3 agreement {100 * check['top3_agreement']:.2f} %, "
        f"perplexity {check['graph_perplexity']:.2f} against {check['checkpoint_perplexity']:.2f}"
    )


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("train")(train)
    app.command("export")(export)
