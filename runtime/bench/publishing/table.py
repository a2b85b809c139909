"""Results as CSV: one line for each configuration, one column for each figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from foretype.runtime.bench.latency import Histogram
from foretype.runtime.bench.result import Figure, Result

_LEFT_OUT = ("conditions", "sustained", "batches")
"""Lists, which have no place in one line."""


def csv_text(results: Sequence[Result]) -> str:
    """All measurements of `results` as CSV with a head. A figure is its median; its noise is in a column beside it."""
    rows = []
    for result in results:
        for measurement in result.measurements:
            about = {"created": result.created, "device": result.device.name, "kind": result.device.kind}
            disturbed = sum(why is not None for why in measurement.disturbances())
            speeds = {f"tokens_per_second_of_{b.batch}": b.tokens_per_second.median for b in measurement.batches}
            rows.append(about | dict(_cells(measurement)) | {"disturbed_trials": disturbed} | speeds)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cells(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and content of each cell of a dataclass; nested names are joined by points."""
    for field in fields(value):
        name, inner = f"{prefix}{field.name}", getattr(value, field.name)
        if field.name in _LEFT_OUT or isinstance(inner, Histogram):
            continue
        if isinstance(inner, Figure):
            yield name, inner.median
            yield f"{name}.noise", inner.noise
        elif is_dataclass(inner):
            yield from _cells(inner, f"{name}.")
        else:
            yield name, inner
