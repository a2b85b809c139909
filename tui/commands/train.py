"""The commands `train` and `export`, which need the `train` extra."""

from __future__ import annotations

import math
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from foretype.runtime.errors import ConfigError, ForetypeError
from foretype.tui.commands.basic import JsonOption, print_json
from foretype.tui.training_screen import (
    Display,
    describe_bundle,
    display,
    finish,
    warn_of_overfitting,
)

NEEDS_TRAIN = "this command needs the training packages: pip install 'foretype[train]'"

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set a value, such as model.hidden_size=512; may be repeated."),
]


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


@contextmanager
def interruptible(stop: Callable[[], bool]) -> Iterator[None]:
    """Let Ctrl+C call `stop`, which may let the work end in order; if it returns False, interrupt at once."""

    def handle(number: int, frame: Any) -> None:
        if not stop():
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def train(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Text files or folders; .xz and .gz are decompressed.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run. By default, runs/ and the name of the first text.")
    ] = None,
    valid: Annotated[
        list[Path] | None, typer.Option(help="Text to measure on. By default, a part of the lines is held out.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Start from this model, such as en; good for small texts.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.0, help="Train for about this many minutes at most.")] = None,
    keep_lines: Annotated[
        bool, typer.Option("--lines", help="Keep every line break, also of paragraphs broken at a fixed width.")
    ] = False,
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
    threads: Annotated[int | None, typer.Option(help="Use this many CPU threads; 0 for the free cores.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fix initialisation and data order.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Plot the curves to OUT/curves.png.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model: vocabulary, n-gram tables and neural model, and the bundle of both in OUT/bundle.

    Settings follow from the text; a preset or a recipe replaces them, --set overrides single ones, and the options
    below override --set. A run that was stopped or killed continues with --resume. `foretype --help` lists related
    commands, such as `train plot`.
    """
    try:
        from foretype.export.write_bundle import export_run
        from foretype.runtime.files.figures import check_plot
        from foretype.train.curves import CURVES, read_curves
        from foretype.train.neural.training.processes import join
        from foretype.train.pipeline import Run
        from foretype.train.recipe import PRESETS, read_recipe
        from foretype.train.recipe import preset as read_preset
        from foretype.train.run_text import RUN
        from foretype.train.studies import plots
    except ImportError as error:
        raise ForetypeError(NEEDS_TRAIN) from error
    if preset and recipe:
        raise typer.BadParameter("a preset is a recipe; give only one of the two", param_hint="--preset, --recipe")
    if preset and preset not in PRESETS:
        raise typer.BadParameter(f"{preset!r}; choose from {', '.join(PRESETS)}", param_hint="--preset")
    if not files and not (resume and out):
        raise typer.BadParameter("name the text, or an unfinished run with --resume --out RUN", param_hint="FILES")
    out = out or _folder(files or [])
    picture = out / "curves.png"
    if plot:
        check_plot(picture)
    given = read_settings(assignments, tokens=tokens, device=device, threads=threads, seed=seed)
    settings = read_preset(preset, given) if preset else read_recipe(recipe, given) if recipe else None
    found = _bundle(start) if start else None
    resumed = (out / RUN).exists()
    run = Run(
        out,
        settings,
        files or [],
        valid or [],
        resume=resume,
        settings=given,
        keep_lines=keep_lines,
        start=found,
        minutes=minutes,
    )
    processes = join()
    leads = processes.leads
    bundle = out / "bundle"
    with display(quiet=not leads) as progress, _saved(out, progress), interruptible(run.stop):
        progress.resumed = resumed
        report = run.train(progress)
        if not leads:  # Of several processes started by torchrun, only one writes and prints; all end together.
            processes.wait()
            return
        shutil.rmtree(bundle, ignore_errors=True)
        export_run(out, bundle, progress=progress.step, check=False)
        report["bundle"] = finish(out, bundle, progress)
    processes.wait()
    if plot:
        plots.plot_curves(read_curves(out / CURVES), picture, run.recipe.name)
    if warning := warn_of_overfitting(run, report["neural"]):
        print(f"foretype: {warning}", file=sys.stderr)
    if as_json:
        print_json(report)
        return
    print(f"n-gram: validation perplexity {report['ngram']['validation_perplexity']:.1f}")
    print(f"neural: validation perplexity {report['neural']['validation_perplexity']:.1f}")
    if "chosen" in report:
        fresh, tuned = (report[name]["validation_perplexity"] for name in ("fresh", "tuned"))
        print(f"new {fresh:.1f}, fine-tuned from {start or run.start} {tuned:.1f}: the better one is kept")
    print("\n".join(describe_bundle(bundle, report["bundle"])))
    print(f"      foretype export {shlex.quote(str(out))} --out BUNDLE   (with a model card or a float graph)")


def _folder(files: list[Path]) -> Path:
    """The folder of a run that was given none: runs/ and the name of the first text."""
    from foretype.runtime.text.corpus import source_name

    return Path("runs") / source_name(files[0].resolve() if files[0] != Path("-") else files[0])


def _bundle(name: str) -> Path:
    from foretype.runtime.files.finding import find_bundle

    return find_bundle(name)


@contextmanager
def _saved(out: Path, progress: Display) -> Iterator[None]:
    """Say how to go on after Ctrl+C, a full disk or a lost folder."""
    again = f"foretype train --resume --out {shlex.quote(str(out))}"
    try:
        yield
    except KeyboardInterrupt:
        if (out / "run.json").exists():
            progress.say(f"stopped; what was done is saved in {out}\nto go on: {again}")
        raise
    except OSError as error:
        path, reason = error.filename or out, error.strerror or str(error)
        advice = f"free space or bring the folder back, then: {again}"
        if not (out / "run.json").exists():
            advice = "free space, or name another folder with --out"
        raise ForetypeError(f"{path}: {reason}; {advice}") from error


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
    with display() as progress:
        if by_characters:
            figures = export_characters(run, out, progress.step)
        else:
            figures = export_run(run, out, card, with_float, progress=progress.step, bits=bits, lexicon=lexicon)
        if bits == 4:
            progress.step("8 bits and 4 bits")
            figures["costs"] = {name: asdict(cost) for name, cost in record_costs(run, out).items()}
        measured = None if by_characters else finish(run, out, progress)
    if as_json:
        print_json({**figures, "bundle": measured})
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
    if measured is not None:
        print("\n".join(describe_bundle(out, measured)))


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
