"""Renders many results as one leaderboard page, in Markdown or HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

from foretype.runtime.bench.answers import Agreement
from foretype.runtime.bench.publishing.charts import svg_charts
from foretype.runtime.bench.result import Figure, Measurement, Result
from foretype.runtime.errors import ConfigError

HEAD = (
    *("device", "configuration", "word boundary p50", "p99", "inside a word p50", "p99"),
    *("cold start", "memory", "bundle", "words/s", "boundary / floor", "quality", "answers", "measured"),
)
_TITLE = "Foretype on devices"
_NOTE = (
    "Sorted by the median time of a suggestion at a word boundary. Medians over trials; ± is half the spread between"
    " trials. Memory is the peak of the whole process at its first suggestion. The floor is the time that reading"
    " the weights once takes on one core. Quality is that of the"
    " bundle's evaluation, and compares only between bundles that were evaluated on the same text. Answers are texts"
    " for which the device suggests what it should; the speed of a device with wrong answers"
    " means nothing. Only rows of one bundle, named with the fingerprint of its"
    " files, compare."
)
_STYLE = (
    "body{font:16px/1.4 system-ui,sans-serif;margin:2em}table{border-collapse:collapse}"
    "td,th{padding:.3em .7em;border-bottom:1px solid #8886;text-align:right;white-space:nowrap}"
    "td:nth-child(-n+2),th:nth-child(-n+2){text-align:left;white-space:normal}"
    ":root{color-scheme:light dark}"
)


def rows(results: Sequence[Result]) -> list[list[str]]:
    """The cells of the leaderboard below `HEAD`, fastest word boundary first."""
    pairs = [(result, measurement) for result in results for measurement in result.measurements]
    pairs.sort(key=lambda pair: pair[1].boundary.p50_us.median)
    return [
        [
            result.device.name,
            f"{measurement.label} ({measurement.fingerprint})",
            told(measurement.boundary.p50_us, "us"),
            told(measurement.boundary.p99_us, "us"),
            told(measurement.letter.p50_us, "us"),
            told(measurement.letter.p99_us, "us"),
            told(measurement.cold_start_ms, "ms"),
            told(measurement.first_peak_bytes, "MB", 1e-6),
            f"{measurement.bundle_bytes / 1e6:,.1f} MB",
            told(measurement.words_per_second),
            told(measurement.floor.boundary_over_floor, digits=1) if measurement.floor else "",
            told_quality(measurement),
            told_answers(measurement.answers),
            result.created[:10],
        ]
        for result, measurement in pairs
    ]


def told_quality(measurement: Measurement) -> str:
    """The recorded quality in a few words."""
    if not measurement.trained:
        return "untrained: latency and memory only"
    return str(measurement.quality) if measurement.quality else "not recorded"


def told_answers(answers: Agreement | None) -> str:
    """How a device's answers agree with the golden ones, in a few words."""
    if answers is None:
        return "not checked"
    agreed = f"{answers.same + answers.tied} of {answers.texts}"
    return agreed if answers.right else f"WRONG: {agreed}"


def told(figure: Figure | None, unit: str = "", scale: float = 1.0, digits: int = 0) -> str:
    """Format a figure, such as "523 us ±7 %". `unit` is the unit of the median multiplied by `scale`."""
    if figure is None:
        return "not reported"
    noise = "" if figure.noise is None else f" ±{100 * figure.noise:.0f} %"
    return f"{figure.median * scale:,.{digits}f}{f' {unit}' if unit else ''}{noise}"


def markdown(results: Sequence[Result]) -> str:
    """The leaderboard as a Markdown page."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"

    rule = "| --- | --- |" + " ---: |" * (len(HEAD) - 2)
    return "\n".join([f"# {_TITLE}", "", _NOTE, "", line(HEAD), rule, *map(line, rows(results)), ""])


def html_page(results: Sequence[Result]) -> str:
    """The leaderboard as an HTML page that needs no other file, with charts if matplotlib is installed."""

    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    body = "\n".join(line(cells, "td") for cells in rows(results))
    try:
        charts = "\n".join(svg_charts(results)) if body else ""
    except ConfigError:
        charts = "<p>Charts need matplotlib: pip install 'foretype[plots]'</p>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_TITLE}</title>\n'
        f"<style>{_STYLE}</style></head><body>\n<h1>{_TITLE}</h1>\n<p>{_NOTE}</p>\n"
        f"<table>\n<thead>{line(HEAD, 'th')}</thead>\n<tbody>\n{body}\n</tbody></table>\n{charts}\n</body></html>\n"
    )
