"""The figures of a comparison. `schema.json` is made from these classes.

python -m foretype.runtime.evaluation.peers.results > runtime/evaluation/peers/schema.json
"""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from foretype.runtime.evaluation.keystrokes import Mode
from foretype.runtime.evaluation.peers.paired import Verdict

FORMAT = 1
"""Raised when a change breaks readers of the JSON."""
Context = Literal["lines", "running"]


class Figures(msgspec.Struct):
    """One system in one condition: means over the sources with equal weights, in percent.

    mode: "plain" (lower case, letters, apostrophes, spaces; compared without case) or "text" (as written). context:
    "lines" (each line alone) or "running" (with the lines before it). low, high: the 95 % interval of `savings`, by
    resampling lines. top1, top3: words that were first, or among the first three, before any letter. sources: savings
    in each source.
    """

    mode: Mode
    context: Context
    savings: float
    low: float
    high: float
    top1: float
    top3: float
    sources: dict[str, float]


class Measured(msgspec.Struct):
    """One system.

    load_seconds: from its start to its first answer. p50_ms, p99_ms: per request, as its client sees it. memory_mb,
    peak_mb: resident memory of its process at the end, and at its peak. bytes: of its data on disk. trained_seconds:
    what its training took. None: not known, or not trained here.
    """

    name: str
    load_seconds: float
    requests: int
    p50_ms: float
    p99_ms: float
    memory_mb: float | None
    peak_mb: float | None
    bytes: int | None
    trained_seconds: float | None
    conditions: list[Figures]


class Difference(msgspec.Struct):
    """Savings of `first` minus savings of `second`, in points, with the 95 % interval of a paired bootstrap.

    verdict: of `first`; "tie" if the interval holds 0, "unknown" if a source has too few lines to tell.
    """

    first: str
    second: str
    mode: Mode
    context: Context
    points: float
    low: float
    high: float
    verdict: Verdict


class Source(msgspec.Struct):
    """A text that was typed."""

    name: str
    lines: int
    words: int


class Skipped(msgspec.Struct):
    """A system without figures, and why."""

    name: str
    reason: str


class Report(msgspec.Struct):
    """A comparison. k: words offered at a time. machine: the processor. systems: the first is the reference."""

    format: int
    version: str
    machine: str
    k: int
    sources: list[Source]
    systems: list[Measured]
    differences: list[Difference]
    skipped: list[Skipped]


def make_schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    (root,), classes = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"foretype compare, format {FORMAT}",
        **root,
        "$defs": dict(sorted(classes.items())),
    }


if __name__ == "__main__":
    print(json.dumps(make_schema(), indent=1))
