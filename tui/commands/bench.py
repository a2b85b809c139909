"""`foretype bench` measures this device; `foretype bench report` makes a leaderboard of many devices."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foretype.runtime.errors import ForetypeError
from foretype.tui.commands.basic import JsonOption, print_json

if TYPE_CHECKING:
    from foretype.runtime.bench.compare import Comparison
    from foretype.runtime.bench.result import Result


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
    plot: Annotated[Path | None, typer.Option("--plot", help="Plot the latencies to this PNG, SVG or PDF.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this device: cold start, memory, latency, words/s, energy, and the memory floor, in about half a minute.

    Every combination of bundle, engine, provider and threads is a configuration. docs/benchmark.md explains each
    figure. `foretype bench report FILES` makes one page of many results.
    """
    from foretype.runtime.bench.compare import compare as compare_results
    from foretype.runtime.bench.plot import check_plot
    from foretype.runtime.bench.plot import plot as draw
    from foretype.runtime.bench.result import Result
    from foretype.runtime.bench.trials import configurations, measure
    from foretype.runtime.engines.loading import ENGINES
    from foretype.runtime.files.installed import default_name

    engines = _listed(engine, "blend,ngram")
    for name in engines:
        if name not in ENGINES:
            raise typer.BadParameter(f"{name!r}; choose from {', '.join(ENGINES)}", param_hint="--engine")
    counts = _listed(threads, "1")
    if not all(count.isascii() and count.isdigit() and int(count) > 0 for count in counts):
        raise typer.BadParameter(f"{','.join(counts)!r}; expected whole numbers of at least 1", param_hint="--threads")
    # Check everything that could fail at the end before the work.
    old = Result.read(compare) if compare else None
    if plot:
        check_plot(plot)
    if out and not (out.parent.is_dir() and os.access(out.parent, os.W_OK)):
        raise ForetypeError(f"{out}: no folder that can be written to")
    chosen = configurations(
        [str(path) for path in bundle] if bundle else [default_name()],
        engines,
        _listed(provider, "cpu"),
        list(map(int, counts)),
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("warming up", total=None)

        def step(done: int, total: int) -> None:
            told = "measuring" if done >= len(chosen) else "warming up"
            progress.update(task, completed=done, total=total, description=told)

        result = measure(chosen, trials, seconds, step)
    if out:
        result.write(out)
    if plot:
        draw(result, plot)
    compared = compare_results(old, result) if old else []
    if as_json:
        verdicts = {"comparison": [row.to_json() for row in compared]} if old else {}
        print_json(result.to_json() | verdicts)
        return
    _print_result(result)
    if old:
        _print_comparison(old, result, compared)


def report(
    files: Annotated[list[Path], typer.Argument(help="Results of `foretype bench --out`, or folders of them.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the page to this .md or .html file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Merge results of several devices into one leaderboard. Files that are not results are reported and skipped."""
    from foretype.runtime.bench.report import HEAD, html_page, markdown, rows
    from foretype.runtime.bench.result import Result
    from foretype.runtime.files.atomic import write_text

    if out and out.suffix.lower() not in (".md", ".html"):
        raise typer.BadParameter(f"{out}: expected an ending of .md, .html", param_hint="--out")
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
        write_text(out, html_page(results) if out.suffix.lower() == ".html" else markdown(results))
    if as_json:
        print_json({"rows": [dict(zip(HEAD, cells, strict=True)) for cells in rows(results)]})
    elif out:
        print(f"{out}: {len(results)} results")
    else:
        print(markdown(results), end="")


def _listed(given: list[str] | None, default: str) -> list[str]:
    """The values of an option that may be repeated, each time with several values separated by commas."""
    return [part.strip() for value in given or [default] for part in value.split(",")]


def _print_result(result: Result) -> None:
    from foretype.runtime.bench.report import told

    for line in result.device.lines():
        print(line)
    print(
        f"{result.trials} trials of each, by turns, {result.seconds:.0f} s; medians over trials, ±: half the spread"
        " between them\n"
    )
    start = _table("cold start", "import", "load", "suggestion", "all, ms", "peak then, MB", "after typing, MB")
    times = _table("a suggestion, us", "", "p50", "p90", "p99", "max", "words/s", "J / 1000 words")
    floor = _table(
        "memory floor", "weights, MB", "read, GB/s", "floor, us", "step p50, us", "/ floor", "boundary / floor"
    )
    for m in result.measurements:
        start.add_row(
            *(m.label, told(m.import_ms), told(m.load_ms), told(m.first_suggestion_ms, digits=1)),
            *(told(m.cold_start_ms), told(m.first_peak_bytes, scale=1e-6), told(m.resident_bytes, scale=1e-6)),
        )
        for kind, latency in (("inside a word", m.letter), ("word boundary", m.boundary)):
            figures = (latency.p50_us, latency.p90_us, latency.p99_us, latency.max_us)
            first = latency is m.letter
            times.add_row(
                *(m.label if first else "", kind, *map(told, figures)),
                *((told(m.words_per_second), told(m.joules_per_1000_words, digits=1)) if first else ()),
            )
        if m.floor:
            floor.add_row(
                *(m.label, f"{m.floor.weight_bytes / 1e6:.1f}", told(m.floor.gigabytes_per_second)),
                *(told(m.floor.floor_us), told(m.floor.step_p50_us)),
                *(told(m.floor.step_over_floor, digits=2), told(m.floor.boundary_over_floor, digits=2)),
            )
    sizes = sorted({batch.batch for m in result.measurements for batch in m.batches})
    many = _table("neural steps/s of many sessions in one run", *(f"{size:,} at once" for size in sizes))
    for m in result.measurements:
        if m.batches:
            speeds = {batch.batch: told(batch.tokens_per_second) for batch in m.batches}
            many.add_row(m.label, *(speeds.get(size, "") for size in sizes))
    for table in (start, times, floor, many):
        if table.row_count:
            _console().print(table)
            print()
    _print_conditions(result)
    for m in result.measurements:
        if m.notice:
            print(f"{m.label}: {m.notice}")
    for read in {m.floor.read for m in result.measurements if m.floor}:
        print(f"read by {read}, one core")


def _print_conditions(result: Result) -> None:
    """Print the conditions of the trials."""
    from foretype.runtime.bench.conditions import MOST_SLOWED, MOST_WAITED
    from foretype.runtime.bench.report import told
    from foretype.runtime.bench.result import Figure

    table = _table(
        *("conditions", "waited, %", "switches", "other programs, cores", "fixed work, us", "clock, MHz"),
        *("disturbed", "repeated"),
    )

    def middle(values: Sequence[float | None], digits: int = 0) -> str:
        known = [value for value in values if value is not None]
        return told(Figure.of([statistics.median(known)]), digits=digits) if known else "not reported"

    for m in result.measurements:
        table.add_row(
            m.label,
            middle([100 * conditions.waited for conditions in m.conditions]),
            middle([conditions.switches for conditions in m.conditions]),
            middle([conditions.others for conditions in m.conditions], digits=2),
            middle([conditions.reference_us for conditions in m.conditions], digits=1),
            middle([conditions.megahertz for conditions in m.conditions]),
            f"{sum(why is not None for why in m.disturbances())} of {len(m.conditions)}",
            str(m.repeated),
        )
    _console().print(table)
    print()
    if any(why for m in result.measurements for why in m.disturbances()):
        print(
            f"disturbed: a trial that waited for a processor for over {MOST_WAITED:.0%} of its time, or in which fixed"
            f" work took over {MOST_SLOWED:.0%} longer than in the quietest"
        )


def _print_comparison(old: Result, new: Result, compared: list[Comparison]) -> None:
    from foretype.runtime.bench.compare import caveats

    table = _table(f"against {old.created}", "figure", "old", "new", "new / old", "noise", "verdict")
    previous = ""
    for row in compared:
        name, scale = row.figure.replace("bytes", "MB"), 1e-6 if row.figure.endswith("bytes") else 1.0
        medians = (f"{figure.median * scale:,.1f}" for figure in (row.old, row.new))
        noise = "unknown" if row.noise is None else f"±{100 * row.noise:.0f} %"
        label, previous = ("" if row.configuration == previous else row.configuration), row.configuration
        table.add_row(label, name, *medians, f"{row.ratio:.2f}", noise, row.verdict)
    print()
    _console().print(table)
    for line in caveats(old, new):
        print(line)


def _table(title: str, *heads: str) -> Table:
    table = Table(title, box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="left" if head in ("", "figure", "verdict") else "right")
    return table


def _console() -> Console:
    # Keep a table in a file from being wrapped at 80 columns.
    return Console(width=None if sys.stdout.isatty() else 130)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("bench")(bench)
    app.command("bench report")(report)
