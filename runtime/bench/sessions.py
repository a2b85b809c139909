"""Measures many text fields that one model answers in turn, as in a form, an editor with many files, or a server."""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import asdict, dataclass

from foretype.runtime.bench.benchmark_text import text_of
from foretype.runtime.bench.latency import Latencies
from foretype.runtime.bench.meters import resident_memory
from foretype.runtime.errors import ForetypeError
from foretype.runtime.model import Model, load

THERE = 200
"""Characters that each field holds before the measurement begins."""
TYPED = 60
"""Characters that are typed into each field, about eleven words."""
APART = 37
"""Characters between the starts of two fields' texts, so that word boundaries fall into different turns."""


@dataclass(frozen=True)
class Sessions:
    """The times and the memory of fields that are answered in turn, one character each.

    count: number of fields. keystrokes: number of timed calls. letter_p50_us .. boundary_p99_us: times of `suggest`
    inside a word and at word boundaries, over all fields. bytes_per_session: growth of the resident memory, divided by
    `count`; null if the system does not report it.
    """

    count: int
    keystrokes: int
    letter_p50_us: float
    letter_p99_us: float
    boundary_p50_us: float
    boundary_p99_us: float
    bytes_per_session: float | None


def answer_in_turn(model: Model, count: int) -> Sessions:
    """Open `count` sessions, each with `THERE` characters of its own text, then type `TYPED` into each, in turn.

    Another session types the same text before, so that what all sessions share does not count as memory of one.
    """
    text = text_of(model.bundle)
    text += text[: THERE + TYPED]
    starts = [number * APART % (len(text) - THERE - TYPED) for number in range(count)]
    warm = model.session()
    for end in range(THERE, THERE + TYPED):
        warm.suggest(text[:end])
    gc.collect()
    before = resident_memory()
    fields = [model.session() for _ in starts]
    for field, start in zip(fields, starts, strict=True):
        field.suggest(text[start : start + THERE])
    letters, boundaries = list[float](), list[float]()
    for length in range(THERE + 1, THERE + TYPED + 1):
        for field, start in zip(fields, starts, strict=True):
            typed = text[start : start + length]
            began = time.perf_counter_ns()
            field.suggest(typed)
            # A coarse clock may measure no time at all.
            taken = max(1, time.perf_counter_ns() - began) / 1e3
            if typed[-1].isspace():
                boundaries.append(taken)
            elif typed[-1].isalnum():
                letters.append(taken)
    gc.collect()
    after = resident_memory()
    letter, boundary = Latencies.of(letters), Latencies.of(boundaries)
    return Sessions(
        count=count,
        keystrokes=count * TYPED,
        letter_p50_us=letter.p50,
        letter_p99_us=letter.p99,
        boundary_p50_us=boundary.p50,
        boundary_p99_us=boundary.p99,
        bytes_per_session=None if before is None or after is None else max(0, after - before) / count,
    )


def main() -> None:
    """Print the measurement as one line of JSON. Arguments: those of `load` as JSON, and the number of sessions."""
    try:
        answer: dict[str, object] = asdict(answer_in_turn(load(**json.loads(sys.argv[1])), int(sys.argv[2])))
    except (ForetypeError, OSError) as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
