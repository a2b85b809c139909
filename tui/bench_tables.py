"""The tables that `foretype bench` prints."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from foretype.runtime.bench.comparing.pairs import Paired
from foretype.runtime.bench.comparing.results import Comparison, caveats
from foretype.runtime.bench.conditions import MOST_SLOWED, MOST_WAITED
from foretype.runtime.bench.publishing.leaderboard import told, told_quality
from foretype.runtime.bench.result import Figure, Result
from foretype.runtime.bench.sustained import slowdown


def print_result(result: Result) -> None:
    """Print everything that was measured."""
    for line in result.device.lines():
        print(line)
    print(
        f"{result.trials} trials of each, by turns, {result.seconds:.0f} s; medians over trials, ±: half the spread"
        " between them\n"
    )
    start = new_table("cold start", "import", "load", "suggestion", "all, ms", "peak then, MB", "after typing, MB")
    times = new_table("a suggestion, us", "", "p50", "p90", "p99", "max", "words/s", "J / 1000 words")
    floor = new_table(
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
    models = new_table("models", "network", "layers", "hidden size", "bundle, MB", "quality")
    fields = new_table(
        "fields answered in turn", "fields", "letter p50, us", "p99", "boundary p50, us", "p99", "KB each"
    )
    for m in result.measurements:
        shape = (m.network.architecture, str(m.network.layers), str(m.network.hidden_size)) if m.network else ("",) * 3
        models.add_row(m.label, *shape, f"{m.bundle_bytes / 1e6:.1f}", told_quality(m))
        if s := m.sessions:
            times_us = (s.letter_p50_us, s.letter_p99_us, s.boundary_p50_us, s.boundary_p99_us)
            each = "not reported" if s.bytes_per_session is None else f"{s.bytes_per_session / 1e3:,.0f}"
            fields.add_row(m.label, f"{s.count:,}", *(f"{time:,.0f}" for time in times_us), each)
    sizes = sorted({batch.batch for m in result.measurements for batch in m.batches})
    many = new_table("neural steps/s of many sessions in one run", *(f"{size:,} at once" for size in sizes))
    for m in result.measurements:
        if m.batches:
            speeds = {batch.batch: told(batch.tokens_per_second) for batch in m.batches}
            many.add_row(m.label, *(speeds.get(size, "") for size in sizes))
    for table in (models, start, times, floor, many, fields):
        if table.row_count:
            wide_console().print(table)
            print()
    print_answers(result)
    print_conditions(result)
    for line in (*result.skipped, *(f"{m.label}: {m.notice}" for m in result.measurements if m.notice)):
        print(line)
    for read in {m.floor.read for m in result.measurements if m.floor}:
        print(f"read by {read}, one core")


def print_answers(result: Result) -> None:
    """Print the agreement with the golden answers, and the course of a sustained run."""
    table = new_table("answers", "as expected", "near-ties", "wrong", "largest difference", "verdict")
    for m in result.measurements:
        if m.answers:
            found = m.answers
            counts = (f"{found.same} of {found.texts}", str(found.tied), str(found.wrong), f"{found.largest:.3f}")
            table.add_row(m.label, *counts, "right" if found.right else "WRONG: its times mean nothing")
        else:
            table.add_row(m.label, "not checked", "", "", "", "no golden answers for this bundle")
    wide_console().print(table)
    print()
    for m in result.measurements:
        if m.answers and m.answers.first_wrong:
            print(f"{m.label}: {m.answers.first_wrong}")
    sustained = new_table(
        "sustained", "from, s", "letter p50, us", "p99", "boundary p50, us", "p99", "CPU p50", "J", "MHz"
    )
    for m in result.measurements:
        for interval in m.sustained:
            i = interval
            times = (i.letter_p50_us, i.letter_p99_us, i.boundary_p50_us, i.boundary_p99_us, i.boundary_cpu_p50_us)
            meters = ("-" if value is None else f"{value:,.0f}" for value in (i.joules, i.megahertz))
            label = m.label if i is m.sustained[0] else ""
            sustained.add_row(label, f"{i.start_s:.0f}", *(f"{time:,.0f}" for time in times), *meters)
    if sustained.row_count:
        wide_console().print(sustained)
        print()
    for m in result.measurements:
        if m.sustained:
            print(f"{m.label}: CPU time at the end of the run {slowdown(m.sustained):.2f} times that at its start")


def print_conditions(result: Result) -> None:
    """Print the conditions of the trials."""
    table = new_table(
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
    wide_console().print(table)
    print()
    if any(why for m in result.measurements for why in m.disturbances()):
        print(
            f"disturbed: a trial that waited for a processor for over {MOST_WAITED:.0%} of its time, or in which fixed"
            f" work took over {MOST_SLOWED:.0%} longer than in the quietest"
        )


def print_comparison(old: Result, new: Result, compared: list[Comparison]) -> None:
    """Print the verdict on each figure, and why the results may not compare."""
    table = new_table(f"against {old.created}", "figure", "old", "new", "new / old", "noise", "verdict")
    previous = ""
    for row in compared:
        name, scale = row.figure.replace("bytes", "MB"), 1e-6 if row.figure.endswith("bytes") else 1.0
        medians = (f"{figure.median * scale:,.1f}" for figure in (row.old, row.new))
        noise = "unknown" if row.noise is None else f"±{100 * row.noise:.0f} %"
        label, previous = ("" if row.configuration == previous else row.configuration), row.configuration
        table.add_row(label, name, *medians, f"{row.ratio:.2f}", noise, row.verdict)
    print()
    wide_console().print(table)
    for line in caveats(old, new):
        print(line)


def print_pairs(against: str, found: Sequence[tuple[str, Paired]]) -> None:
    """Print the verdicts on two builds that ran in turn, by configuration."""
    table = new_table(
        f"against {against}, by turns", "figure", "old, us", "new, us", "new / old", "interval", "verdict"
    )
    for configuration, row in found:
        figures = (f"{row.old_us:,.0f}", f"{row.new_us:,.0f}", f"{row.ratio:.3f}", f"{row.low:.3f} to {row.high:.3f}")
        table.add_row(configuration, row.figure, *figures, row.verdict)
    wide_console().print(table)


def new_table(title: str, *heads: str) -> Table:
    """An empty table with these heads."""
    table = Table(title, box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="left" if head in ("", "figure", "verdict") else "right")
    return table


def wide_console() -> Console:
    """The console of standard output."""
    # Keep a table in a file from being wrapped at 80 columns.
    return Console(width=None if sys.stdout.isatty() else 130)
