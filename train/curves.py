"""The curves of a run: each report of the neural training as a line of CSV and, where installed, in TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from foretype.runtime.errors import CheckpointError
from foretype.runtime.files.atomic import write_text
from foretype.train.neural.training.trainer import Report, Trainer

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CURVES, TENSORBOARD = "curves.csv", "tensorboard"
COLUMNS = tuple(field.name for field in fields(Report))
"""step, tokens, seconds, loss, ...: see `foretype.train.neural.training.trainer.Report`."""
_SCALARS = COLUMNS[COLUMNS.index("seconds") + 1 :]

Row = dict[str, Any]
"""One line of the curves: a number for each of `COLUMNS`, or None where it was not measured."""


def read_curves(path: Path) -> list[Row]:
    """The lines of a CSV that `Curves` wrote, oldest first; a last line that was cut short is left out.

    Raises CheckpointError when there is no such file, or it holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; a run writes it while its neural model is trained") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
    whole = text[: text.rfind("\n") + 1]
    rows: list[Row] = []
    for number, line in enumerate(csv.DictReader(whole.splitlines()), start=2):
        try:
            row = {name: _number(line[name]) if line.get(name) else None for name in COLUMNS}
            row["step"] = int(line["step"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}, line {number}: not a line of curves ({error!r})") from error
        rows.append(row)
    return rows


def _number(text: str) -> float:
    """An int where it is one, so that a line read and written again is the same."""
    return int(text) if text.isdigit() else float(text)


def _line(row: Mapping[str, Any]) -> str:
    return ",".join("" if row.get(name) is None else repr(row[name]) for name in COLUMNS) + "\n"


class Curves:
    """The curves of the run in `folder`, which goes on after `step` optimiser steps.

    What was written of later steps is dropped, for these come again. history: reports that the checkpoint at `step`
    holds; those that the curves lack are added, for a run may be killed between writing the one and the other.

    Raises CheckpointError when the folder holds curves that cannot be read.
    """

    def __init__(self, folder: Path, step: int = 0, history: Iterable[Mapping[str, Any]] = ()) -> None:
        self._folder, self._step = folder, step
        self._writer: SummaryWriter | None = None
        path = folder / CURVES
        rows = {row["step"]: row for row in (read_curves(path) if path.exists() else []) if row["step"] <= step}
        missing = [dict(report) for report in history if report["step"] not in rows]
        rows |= {report["step"]: report for report in missing}
        text = ",".join(COLUMNS) + "\n" + "".join(_line(rows[number]) for number in sorted(rows))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
        for report in missing:
            self._show(report)

    def add(self, report: Report) -> None:
        """Append a report."""
        row = asdict(report)
        with (self._folder / CURVES).open("a", encoding="utf-8") as file:
            file.write(_line(row))
        self._show(row)

    def _show(self, row: Mapping[str, Any]) -> None:
        """Hand a row to TensorBoard, which hides what an earlier start wrote of the steps after this one's."""
        if find_spec("tensorboard") is None:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder / TENSORBOARD), purge_step=self._step + 1)
        for name in _SCALARS:
            if row.get(name) is not None:
                self._writer.add_scalar(name, row[name], row["step"])
        # Its queue would be lost in a process that is killed.
        self._writer.flush()

    def __enter__(self) -> Curves:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()


def recorded(trainer: Trainer, folder: Path) -> Iterator[Report]:
    """Train to the end, as `trainer.fit()` does, and keep the curves in `folder`; of several processes, one writes."""
    if not trainer.processes.leads:
        yield from trainer.fit()
        return
    with Curves(folder, trainer.step, trainer.history) as curves:
        for report in trainer.fit():
            curves.add(report)
            yield report
