"""Runs one trial: types the benchmark's text key by key with a model, and measures everything once."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.bench.answers import Agreement, check, fingerprint
from foretype.runtime.bench.benchmark_text import text_of
from foretype.runtime.bench.bundle_facts import UNTRAINED, Network, Quality, recorded_quality
from foretype.runtime.bench.conditions import Conditions, Watch
from foretype.runtime.bench.latency import Latencies
from foretype.runtime.bench.meters import EnergyMeter, resident_memory
from foretype.runtime.bench.neural import BatchTrial, FloorTrial, measure_batches, measure_floor
from foretype.runtime.files.bundle import STEP, STEP_FLOAT, Bundle
from foretype.runtime.model import Model
from foretype.runtime.session import Session

CHARACTERS_PER_REFERENCE = 20
CPU_CLOCK_IS_COARSE = sys.platform == "win32"
"""Windows counts CPU time in steps of 16 ms, so wall time is used instead."""
_cpu_ns = time.perf_counter_ns if CPU_CLOCK_IS_COARSE else time.thread_time_ns


@dataclass(frozen=True)
class ColdStart:
    """The cost of a fresh process up to its first suggestion.

    import_ms, load_ms, suggestion_ms: times of the three phases. cpu_ms: CPU time of the thread for all three.
    peak_bytes: peak resident memory at the end.
    """

    import_ms: float
    load_ms: float
    suggestion_ms: float
    cpu_ms: float
    peak_bytes: int | None

    @property
    def milliseconds(self) -> float:
        """The total wall time of the three phases."""
        return self.import_ms + self.load_ms + self.suggestion_ms


@dataclass(frozen=True)
class Typing:
    """One pass over the text.

    letter, boundary: times of `suggest` after a character of a word, and after white space that follows other text.
    letter_cpu, boundary_cpu: CPU times of the thread for the same calls.
    words: number of typed words. seconds: time of all calls of `suggest` together. joules: energy that the whole
    processor used during the pass.
    """

    letter: Latencies
    boundary: Latencies
    letter_cpu: Latencies
    boundary_cpu: Latencies
    words: int
    seconds: float
    joules: float | None
    conditions: Conditions


@dataclass(frozen=True)
class Trial:
    """One trial. The fields before `cold` and after `answers` describe what was measured, as in `result.Measurement`.

    answers: agreement with the golden answers; None if there are none, or if `run_trial` was not asked to check them.
    """

    bundle: str
    fingerprint: str
    bundle_bytes: int
    engine: str
    provider: str | None
    precision: str | None
    notice: str | None
    cold: ColdStart
    typing: Typing
    resident_bytes: int | None
    floor: FloorTrial | None
    batches: tuple[BatchTrial, ...]
    answers: Agreement | None = None
    network: Network | None = None
    trained: bool = True
    quality: Quality | None = None

    @property
    def accelerated(self) -> bool:
        """Whether an accelerator computes instead of the CPU."""
        return self.provider not in (None, "cpu")


def type_text(session: Session, text: str, seconds: float) -> Typing:
    """Ask for suggestions after each character of `text`. Stops at the end of a word once `seconds` have passed."""
    letters: list[tuple[float, float]] = []
    boundaries: list[tuple[float, float]] = []
    total, end, previous = 0.0, 0, " "
    meter, watch, limit = EnergyMeter(), Watch(), time.perf_counter() + seconds
    for end, character in enumerate(text, 1):
        before = text[:end]
        worked, start = _cpu_ns(), time.perf_counter_ns()
        session.suggest(before)
        taken, cpu = time.perf_counter_ns() - start, _cpu_ns() - worked
        total += taken / 1e9
        # A coarse clock may measure no time at all.
        times = max(1, taken) / 1e3, max(1, cpu) / 1e3
        if end % CHARACTERS_PER_REFERENCE == 1:
            watch.refer()
        if character.isspace():
            if not previous.isspace():
                boundaries.append(times)
                if time.perf_counter() > limit:
                    break
        elif character.isalnum() or character == "'":
            letters.append(times)
        previous = character
    (letter, letter_cpu), (boundary, boundary_cpu) = (
        map(Latencies.of, zip(*times, strict=True)) for times in (letters, boundaries)
    )
    conditions, joules, words = watch.conditions(), meter.joules(), len(text[:end].split())
    return Typing(letter, boundary, letter_cpu, boundary_cpu, words, total, joules, conditions)


def run_trial(model: Model, cold: ColdStart, seconds: float, answers: Path | None = None) -> Trial:
    """Warm up on the whole text, type it again in a fresh session, then measure the neural model alone.

    cold: the cold start, which was measured before. seconds: the time limit of each pass over the text; if 0, the
    neural model is not measured alone, and the answers are checked instead. answers: the golden answers; None for those
    that come with Foretype.
    """
    text = text_of(model.bundle)
    type_text(model.session(), text, seconds)
    session = model.session()
    typing = type_text(session, text, seconds)
    resident = resident_memory()
    floor: FloorTrial | None = None
    batches: tuple[BatchTrial, ...] = ()
    neural = model.neural
    if neural and seconds:
        ids = random.Random(0).choices(range(neural.vocab_size), k=1024)
        if neural.provider == "cpu":
            floating = neural.metadata.precision == "float32" and model.bundle.lists(STEP_FLOAT)
            size = _step_weight_bytes(model.bundle, STEP_FLOAT if floating else STEP)
            floor = measure_floor(neural, size, ids) if size else None
        batches = measure_batches(neural, ids)
    paths = [model.bundle.folder / name for name in model.bundle.manifest["files"]]
    return Trial(
        bundle=model.bundle.folder.resolve().name,
        fingerprint=fingerprint(model.bundle),
        bundle_bytes=sum(path.stat().st_size for path in paths if path.exists()),
        engine=model.engine,
        provider=neural.provider if neural else None,
        precision=neural.metadata.precision if neural else None,
        notice=session.notice,
        cold=cold,
        typing=typing,
        resident_bytes=resident,
        floor=floor,
        batches=batches,
        answers=None if seconds else check(model, answers),
        network=Network.of(neural) if neural else None,
        trained=not neural or not model.bundle.manifest.get(UNTRAINED),
        quality=recorded_quality(model.bundle, model.engine),
    )


def _step_weight_bytes(bundle: Bundle, name: str) -> int | None:
    """Bytes of weights that a step of the graph `name` reads; None if the manifest does not say."""
    size = bundle.manifest["files"][name].get("step_weight_bytes")
    fits = isinstance(size, int) and 0 < size <= (bundle.folder / name).stat().st_size
    return size if fits else None
