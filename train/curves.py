"""Records the curves of a run: each report of neural training goes to a CSV file and, if installed, to TensorBoard."""

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
"""One line of the curves: a number for each of `COLUMNS`, or None if it was not measured."""


def read_curves(path: Path) -> list[Row]:
    """Read the lines of a CSV file that `Curves` wrote, oldest first. An incomplete last line is skipped.

    Raises CheckpointError if the file is missing or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; a run writes it during neural training") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
    whole = text[: text.rfind("\n") + 1]
    rows: list[Row] = []
    for number, line in enumerate(csv.DictReader(whole.splitlines()), start=2):
        try:
            row = {name: _number(line[name]) if line.get(name) else None for name in COLUMNS}
            row["step"] = int(line["step"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}, line {number}: not training curves ({error!r})") from error
        rows.append(row)
    return rows


def _number(text: str) -> float:
    """Parse a number; whole numbers become int, so that a line that is read and written again is the same."""
    return int(text) if text.isdigit() else float(text)


def _line(row: Mapping[str, Any]) -> str:
    return ",".join("" if row.get(name) is None else repr(row[name]) for name in COLUMNS) + "\n"


class Curves:
    """The curves of the run in `folder`, which continues after `step` optimiser steps.

    Lines of later steps are dropped, because those steps are repeated. history: the reports in the checkpoint at
    `step`; those missing from the curves are added, because a run may be killed between writing the two.

    Raises CheckpointError if the folder holds curves that cannot be read.
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
        """Pass a row to TensorBoard, which hides what an earlier start wrote about later steps."""
        if find_spec("tensorboard") is None:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder / TENSORBOARD), purge_step=self._step + 1)
        for name in _SCALARS:
            if row.get(name) is not None:
                self._writer.add_scalar(name, row[name], row["step"])
        # A process that is killed would lose the queue.
        self._writer.flush()

    def __enter__(self) -> Curves:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()


def recorded(trainer: Trainer, folder: Path) -> Iterator[Report]:
    """Train to the end, like `trainer.fit()`, and record the curves in `folder`; one of several processes writes."""
    if not trainer.processes.leads:
        yield from trainer.fit()
        return
    with Curves(folder, trainer.step, trainer.history) as curves:
        for report in trainer.fit():
            curves.add(report)
            yield report
