"""`foretype bench` measures this device; `foretype bench report` makes a leaderboard of many devices."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import JsonOption, print_json

if TYPE_CHECKING:
    from foretype.runtime.bench.trials import Configuration


def bench(
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", help="Measure auto, blend, neural, ngram (commas or repeated); default blend,ngram."),
    ] = None,
    bundle: Annotated[list[Path] | None, typer.Option("--bundle", help="Measure this bundle; may be repeated.")] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option("--provider", help="Measure these ONNX Runtime providers (commas or repeated); default cpu."),
    ] = None,
    threads: Annotated[
        list[str] | None,
        typer.Option("--threads", help="Measure with these CPU threads (commas or repeated); default 1."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Run this many trials of each configuration.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Start no round of trials that would end after this.")] = 50,
    out: Annotated[Path | None, typer.Option("--out", help="Write the result to this JSON file.")] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", help="Compare with this earlier result, figure by figure.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="Compare with another build, by turns: its Python, or a folder that holds `foretype`.",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0, help="Afterwards type this long without a pause, and report latency over time.")
    ] = 0,
    sessions: Annotated[
        int, typer.Option(min=0, help="Afterwards answer this many text fields in turn, and report memory per field.")
    ] = 0,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep",
            metavar="NAME=VALUE,...",
            help="Measure untrained models of these shapes too, such as hidden_size=64,128, architecture=lstm,gru or"
            " bits=8,4; repeat for every combination.",
        ),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="Check answers against this file, for a bundle of your own.")
    ] = None,
    write_answers: Annotated[
        Path | None,
        typer.Option("--write-answers", help="Measure nothing; write the answers of the bundle as golden answers."),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a result.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Plot to this PNG, SVG or PDF: latencies; with --sweep, latency against memory."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this device: cold start, memory, latency, words/s, energy, and the memory floor, in about half a minute.

    Every combination of bundle, engine, provider and threads is a configuration. docs/benchmark.md explains each
    figure. `foretype bench report FILES` makes one page of many results.
    """
    from foretype.runtime import load
    from foretype.runtime.bench.answers import golden_answers
    from foretype.runtime.bench.comparing.results import compare as compare_results
    from foretype.runtime.bench.publishing.charts import plot_budget
    from foretype.runtime.bench.publishing.plot import check_plot, plot_latencies
    from foretype.runtime.bench.publishing.schema import schema_text
    from foretype.runtime.bench.result import Result
    from foretype.runtime.bench.trials import configurations, measure
    from foretype.runtime.engines.loading import ENGINES
    from foretype.runtime.files.installed import default_name
    from foretype.tui.bench_tables import print_comparison, print_result

    if schema:
        print(schema_text(), end="")
        return
    engines = _listed(engine, "blend" if sweep else "blend,ngram")
    for name in engines:
        if name not in ENGINES:
            raise typer.BadParameter(f"{name!r}; choose from {', '.join(ENGINES)}", param_hint="--engine")
    counts = _listed(threads, "1")
    if not all(count.isascii() and count.isdigit() and int(count) > 0 for count in counts):
        raise typer.BadParameter(f"{','.join(counts)!r}; expected whole numbers of at least 1", param_hint="--threads")
    if sweep and (against or write_answers or answers):
        raise typer.BadParameter("goes without --against, --answers, --write-answers", param_hint="--sweep")
    # Check everything that could fail at the end before the work.
    old = Result.read(compare) if compare else None
    if plot:
        check_plot(plot)
    if out and not (out.parent.is_dir() and os.access(out.parent, os.W_OK)):
        raise ForetypeError(f"{out}: no folder that can be written to")
    bundles = [str(path) for path in bundle] if bundle else [default_name()]
    if write_answers:
        _write_answers(write_answers, bundles[0])
        return
    measured = partial(configurations, engines=engines, providers=_listed(provider, "cpu"), threads=[*map(int, counts)])
    if against:
        _compare_builds(against, measured(bundles), as_json)
        return
    if answers:
        golden_answers(load(bundles[0], engine="ngram").bundle, answers)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="foretype-sweep-") as folder,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("building models" if sweep else "warming up", total=None)
        chosen = measured(bundles + (_untrained(sweep, bundles[0], Path(folder)) if sweep else []))

        def step(done: int, total: int) -> None:
            told = "measuring" if done >= len(chosen) else "warming up"
            progress.update(task, completed=done, total=total, description=told)

        result = measure(chosen, trials, seconds, step, answers, minutes, sessions)
        # The folder of a sweep is gone when its name is read.
        result = replace(result, skipped=tuple(line.removeprefix(f"{folder}{os.sep}") for line in result.skipped))
    if out:
        result.write(out)
    if plot:
        (plot_budget if sweep else plot_latencies)(result, plot)
    compared = compare_results(old, result) if old else []
    if as_json:
        verdicts = {"comparison": [row.to_json() for row in compared]} if old else {}
        print_json(result.to_json() | verdicts)
        return
    print_result(result)
    if old:
        print_comparison(old, result, compared)


def report(
    files: Annotated[list[Path], typer.Argument(help="Results of `foretype bench --out`, or folders of them.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write to this .md, .html or .csv file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Merge results of several devices into one leaderboard. Files that are not results are reported and skipped."""
    from foretype.runtime.bench.publishing.leaderboard import HEAD, html_page, markdown, rows
    from foretype.runtime.bench.publishing.table import csv_text
    from foretype.runtime.bench.result import Result
    from foretype.runtime.files.atomic import write_text

    if out and out.suffix.lower() not in (".md", ".html", ".csv"):
        raise typer.BadParameter(f"{out}: expected an ending of .md, .html, .csv", param_hint="--out")
    results = []
    for file in files:
        for path in sorted(file.glob("*.json")) if file.is_dir() else [file]:
            try:
                results.append(Result.read(path))
            except ForetypeError as error:
                print(f"foretype: {error}", file=sys.stderr)
    if not results:
        raise ForetypeError("none of the files holds a result of `foretype bench`")
    if out:
        render = {".html": html_page, ".md": markdown, ".csv": csv_text}[out.suffix.lower()]
        write_text(out, render(results))
    if as_json:
        print_json({"rows": [dict(zip(HEAD, cells, strict=True)) for cells in rows(results)]})
    elif out:
        print(f"{out}: {len(results)} results")
    else:
        print(markdown(results), end="")


def _listed(given: list[str] | None, default: str) -> list[str]:
    """The values of an option that may be repeated, each time with several values separated by commas."""
    return [part.strip() for value in given or [default] for part in value.split(",")]


def _write_answers(path: Path, bundle: str | None) -> None:
    """Write the answers of all engines of the bundle."""
    from foretype.runtime import load
    from foretype.runtime.bench.answers import make
    from foretype.runtime.bench.device import describe
    from foretype.runtime.files.bundle import STEP

    models = [load(bundle, engine="ngram")]
    if models[0].bundle.lists(STEP):
        models += [load(bundle, engine="blend"), load(bundle, engine="neural")]
    device = describe()
    golden = make(models, f"{device.cpu}; {', '.join(device.versions)}")
    golden.write(path)
    print(f"{path}: answers of {models[0].bundle.folder.name}, {golden.fingerprint}: {', '.join(golden.answers)}")


def _untrained(sweep: Sequence[str], base: str | None, folder: Path) -> list[str | None]:
    """Write the untrained bundles of a sweep to `folder`, with the vocabulary of `base`, and return their paths."""
    from foretype.runtime.files.finding import find_bundle
    from foretype.tui.commands.train import NEEDS_TRAIN

    try:
        from foretype.export.sweep import variants, write_untrained
    except ImportError as error:
        raise ForetypeError(f"--sweep builds models: {NEEDS_TRAIN}") from error
    return [str(path) for path in write_untrained(find_bundle(base), variants(sweep), folder)]


def _compare_builds(against: Path, chosen: Sequence[Configuration], as_json: bool) -> None:
    """Compare this build with another, by turns, and print the verdicts."""
    from foretype.runtime.bench.comparing.pairs import Build, compare_builds
    from foretype.tui.bench_tables import print_pairs

    console = Console(stderr=True)
    found = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for configuration in chosen:
            task = progress.add_task(str(configuration), total=None)

            def step(done: int, total: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total)

            rows = compare_builds(Build(against), Build(), configuration, progress=step)
            found += [(configuration, row) for row in rows]
    if as_json:
        rows_json = [{"configuration": str(configuration)} | row.to_json() for configuration, row in found]
        print_json({"against": str(against), "comparison": rows_json})
        return
    print_pairs(str(against), [(str(configuration), row) for configuration, row in found])


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("bench")(bench)
    app.command("bench report")(report)
