"""Lets each system type the same text, one system after the other, and compares what they saved."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import EngineError
from foretype.runtime.evaluation.documents import Document, count_words
from foretype.runtime.evaluation.keystrokes import Mode
from foretype.runtime.evaluation.peers.paired import interval, resampled, verdict
from foretype.runtime.evaluation.peers.perfect_user import Typed, type_document
from foretype.runtime.evaluation.peers.results import FORMAT, Context, Difference, Figures, Measured, Report, Skipped
from foretype.runtime.evaluation.peers.results import Source as TypedSource
from foretype.runtime.evaluation.peers.system import Running, System

Condition = tuple[Mode, Context]
CONDITIONS: tuple[Condition, ...] = (
    ("plain", "lines"),
    ("plain", "running"),
    ("text", "lines"),
    ("text", "running"),
)
LEAST_LINES = 5
"""With fewer lines than this in a source, no verdict: an interval from so few would be too narrow."""
Samples = dict[Condition, NDArray[np.float64]]


def compare(
    systems: Sequence[System],
    texts: Mapping[str, Sequence[Document]],
    conditions: Sequence[Condition],
    k: int,
    machine: str,
    skipped: Sequence[Skipped] = (),
    done: Callable[[str, int], None] = lambda name, words: None,
) -> Report:
    """Measure every system on every text. A system that fails is skipped with its error.

    texts: name of the source -> its documents. machine: its processor, for the report. skipped: systems that cannot be
    started. done: called with the name of the system and the number of words after each document.
    """
    from foretype.runtime import __version__

    measured: list[Measured] = []
    samples: dict[str, Samples] = {}
    failed = list(skipped)
    for system in systems:
        try:
            figures, samples[system.name] = _measure(system, texts, conditions, k, done)
        except EngineError as error:
            failed.append(Skipped(system.name, str(error).removeprefix(f"{system.name}: ")))
            continue
        measured.append(figures)
    enough = all(sum(map(len, documents)) >= LEAST_LINES for documents in texts.values())
    return Report(
        format=FORMAT,
        version=__version__,
        machine=machine,
        k=k,
        sources=[
            TypedSource(name, sum(map(len, documents)), sum(map(count_words, documents)))
            for name, documents in texts.items()
        ],
        systems=measured,
        differences=_differences(measured, samples, conditions, enough),
        skipped=failed,
    )


def _measure(
    system: System,
    texts: Mapping[str, Sequence[Document]],
    conditions: Sequence[Condition],
    k: int,
    done: Callable[[str, int], None],
) -> tuple[Measured, Samples]:
    figures, samples = [], {}
    with Running(system) as running:
        for mode, context in conditions:
            sources: list[Typed] = []
            for documents in texts.values():
                typed = Typed()
                for document in documents:
                    for part in [[line] for line in document] if context == "lines" else [document]:
                        running.new_field()
                        type_document(running.suggest, part, mode, k, typed)
                        done(system.name, count_words(part))
                sources.append(typed)
            savings, drawn = resampled([(one.saved(), one.characters) for one in sources])
            low, high = interval(drawn)
            top1, _ = resampled([(one.right1, one.words) for one in sources])
            top3, _ = resampled([(one.right3, one.words) for one in sources])
            shares = {
                name: resampled([(one.saved(), one.characters)])[0] for name, one in zip(texts, sources, strict=True)
            }
            figures.append(Figures(mode, context, savings, low, high, top1, top3, shares))
            samples[mode, context] = drawn
        milliseconds = 1e3 * np.array(running.seconds)
        memory = running.memory()
        return Measured(
            name=system.name,
            load_seconds=running.load,
            requests=len(milliseconds),
            p50_ms=float(np.percentile(milliseconds, 50)),
            p99_ms=float(np.percentile(milliseconds, 99)),
            memory_mb=memory[0] if memory else None,
            peak_mb=memory[1] if memory else None,
            bytes=system.size(),
            trained_seconds=system.trained,
            conditions=figures,
        ), samples


def _differences(
    systems: Sequence[Measured], samples: Mapping[str, Samples], conditions: Sequence[Condition], enough: bool
) -> list[Difference]:
    """Every pair in every condition."""
    found = []
    for number, (mode, context) in enumerate(conditions):
        for first, second in itertools.combinations(systems, 2):
            points = first.conditions[number].savings - second.conditions[number].savings
            low, high = interval(samples[first.name][mode, context] - samples[second.name][mode, context])
            says = verdict(low, high) if enough else "unknown"
            found.append(Difference(first.name, second.name, mode, context, points, low, high, says))
    return found
