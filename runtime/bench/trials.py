"""Runs the benchmark: trials of all configurations in turn, each in a fresh process, joined into one result."""

from __future__ import annotations

import atexit
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from foretype.runtime.bench.answers import Agreement
from foretype.runtime.bench.benchmark_text import hash_of, text_at
from foretype.runtime.bench.device import describe
from foretype.runtime.bench.result import VERSION, Batch, Figure, Floor, Latency, Measurement, Result
from foretype.runtime.bench.sessions import Sessions
from foretype.runtime.bench.sustained import Interval
from foretype.runtime.bench.trial import Trial
from foretype.runtime.bench.worker import PRELUDE
from foretype.runtime.engines.providers import CPU, short_name
from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.decoding import decode

LEAST_PASS_SECONDS = 2.0
MOST_REPEATS = 2
"""How often a disturbed trial is repeated."""
_PASSES = 4
"""Maximum duration of a trial, in time limits of one pass: two passes, and as much again for starting and the floor."""
_LONGEST_TRIAL = 600.0


@dataclass(frozen=True)
class Configuration:
    """A configuration to measure: the arguments of `foretype.runtime.load`."""

    path: str | None
    engine: str
    provider: str = "cpu"
    threads: int = 1

    def __str__(self) -> str:
        return f"{self.path or 'the bundled model'}, {self.engine}, {self.provider}, threads: {self.threads}"


def configurations(
    paths: Sequence[str | None], engines: Sequence[str], providers: Sequence[str], threads: Sequence[int]
) -> list[Configuration]:
    """Every combination once. The n-gram engine always runs on one CPU thread, whatever the providers and threads."""
    every = [
        Configuration(path, engine) if engine == "ngram" else Configuration(path, engine, provider, count)
        for path in paths
        for engine in engines
        for provider in providers
        for count in threads
    ]
    return list(dict.fromkeys(every))


def measure(
    chosen: Sequence[Configuration],
    trials: int = 5,
    seconds: float = 50.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    answers: Path | None = None,
    minutes: float = 0.0,
    sessions: int = 0,
) -> Result:
    """Measure the configurations in turn, A B C A B C ..., so that changes in the device's speed affect all equally.

    trials: number per configuration. seconds: the time limit. No round starts that would end after it, except the
        first. On slow devices each pass over the text is cut short (but not below `LEAST_PASS_SECONDS`). Disturbed
        trials are not repeated after the limit.
    progress: called with the number of processes that have run, and the total.
    answers: golden answers to check; None for those that come with Foretype.
    minutes: type this long with each configuration afterwards, without a pause.
    sessions: answer so many fields in turn with each configuration afterwards; 0 for none.

    Before the first round each configuration is started once without measuring it. This brings files into the system's
    cache, finds configurations that cannot run, and checks the answers. Accelerators that cannot run here are skipped;
    `Result.skipped` says why. Raises ForetypeError if the CPU cannot run a configuration, or if accelerators were
    requested only, and none can run.
    """
    device = describe()
    begun, total, done = time.monotonic(), len(chosen) * (trials + 1), 0
    limit = max(LEAST_PASS_SECONDS, seconds / len(chosen) / _PASSES)
    found: list[_Series] = [_Series(configuration) for configuration in chosen]
    skipped: dict[_Series, ForetypeError] = {}
    for turn in range(trials + 1):
        started = time.monotonic()
        for series in found:
            if turn:
                series.add(limit, begun + seconds)
            else:
                try:
                    series.answers = run_process(series.configuration, 0.0, answers).answers
                except ForetypeError as error:
                    if short_name(series.configuration.provider) == CPU:
                        raise
                    skipped[series] = error
            done += 1
            progress(done, total)
        found = [series for series in found if series not in skipped]
        if skipped and all(series.configuration.engine == "ngram" for series in found):
            raise next(iter(skipped.values()))
        ended = time.monotonic()
        if turn and ended + (ended - started) > begun + seconds:
            break
    return Result(
        version=VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.monotonic() - begun,
        trials=len(found[0].trials),
        text_sha256=hash_of(text_at(series.configuration.path) for series in found),
        device=device,
        measurements=tuple(series.joined(minutes, sessions) for series in found),
        skipped=tuple(f"{series.configuration}: skipped: {error}" for series, error in skipped.items()),
    )


class _Series:
    """The trials of one configuration, its answers, and how often a trial was repeated because it was disturbed."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.trials: list[Trial] = []
        self.repeated = 0
        self.answers: Agreement | None = None
        self._quietest = math.inf

    def add(self, seconds: float, until: float) -> None:
        """Run one more trial, and repeat it while it is disturbed and before `until`. Keeps the quietest run."""
        tried: list[Trial] = []
        while not tried or (self._disturbed(tried[-1]) and len(tried) <= MOST_REPEATS and time.monotonic() < until):
            tried.append(run_process(self.configuration, seconds))
            self._quietest = min(self._quietest, tried[-1].typing.conditions.reference_us)
        self.trials.append(min(tried, key=lambda trial: (self._disturbed(trial), trial.typing.conditions.waited)))
        self.repeated += len(tried) - 1

    def joined(self, minutes: float, sessions: int) -> Measurement:
        """The measurement, with a sustained run of `minutes` and a run of many `sessions` if those are above 0."""
        return replace(
            join(self.configuration.threads, self.trials, self.repeated, self.answers),
            sustained=run_sustained(self.configuration, minutes * 60) if minutes else (),
            sessions=run_sessions(self.configuration, sessions) if sessions else None,
        )

    def _disturbed(self, trial: Trial) -> bool:
        return trial.typing.conditions.disturbance(self._quietest, trial.accelerated) is not None


def run_process(configuration: Configuration, seconds: float, answers: Path | None = None) -> Trial:
    """Run one trial in a fresh process; arguments as in `run_trial`. Raises ForetypeError if it fails."""
    # -P: imports must not find files in the current folder.
    command = [sys.executable, "-P", "-c", PRELUDE, json.dumps(asdict(configuration)), str(seconds)]
    command += [str(answers)] if answers else []
    return decode(Trial, _run(configuration, command, _LONGEST_TRIAL))


def run_sustained(configuration: Configuration, seconds: float) -> tuple[Interval, ...]:
    """Type for `seconds` in a fresh process. Raises ForetypeError if it fails."""
    found = _run(configuration, _command("sustained", configuration, seconds), seconds + _LONGEST_TRIAL)
    return tuple(decode(Interval, interval) for interval in found)


def run_sessions(configuration: Configuration, count: int) -> Sessions:
    """Answer `count` fields in turn in a fresh process. Raises ForetypeError if it fails."""
    found = _run(configuration, _command("sessions", configuration, count), _LONGEST_TRIAL)
    return decode(Sessions, found)


def _command(module: str, configuration: Configuration, number: float) -> list[str]:
    """The command that runs `main` of a module of this package."""
    code = f"from foretype.runtime.bench.{module} import main; main()"
    return [sys.executable, "-P", "-c", code, json.dumps(asdict(configuration)), str(number)]


def _run(configuration: Configuration, command: list[str], timeout: float) -> Any:
    """Run a process and return the JSON of its last line. Raises ForetypeError if it fails."""
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, env=_environment()
        )
    except subprocess.TimeoutExpired as error:
        raise ForetypeError(f"{configuration}: no answer within {timeout:.0f} s") from error
    try:
        answer = json.loads(ended.stdout.strip().rpartition("\n")[2])
    except ValueError as error:
        told = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ForetypeError(f"{configuration}: its process ended with status {ended.returncode}: {told}") from error
    if "error" in answer:
        raise ForetypeError(answer["error"])
    return answer


@cache
def _environment() -> dict[str, str] | None:
    """The environment of a trial, in which Python finds its modules compiled, as after an installation.

    Where Python may not store compiled modules, a fresh process would spend a quarter of its cold start on compiling
    them. They are then compiled once, into a temporary folder. None leaves the environment as it is.
    """
    if not sys.dont_write_bytecode:
        return None
    folder = tempfile.mkdtemp(prefix="foretype-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = folder
    code = "from foretype.runtime.engines.providers import import_onnxruntime; import_onnxruntime()"
    command = [sys.executable, "-P", "-c", code]
    subprocess.run(command, capture_output=True, timeout=_LONGEST_TRIAL, check=False, env=environment)
    return environment


def join(threads: int, trials: Sequence[Trial], repeated: int = 0, answers: Agreement | None = None) -> Measurement:
    """Join the trials of one configuration (at least one) into one measurement."""
    last = trials[-1]
    floors = [(trial.floor, trial.typing.boundary.p50) for trial in trials if trial.floor]
    return Measurement(
        bundle=last.bundle,
        fingerprint=last.fingerprint,
        bundle_bytes=last.bundle_bytes,
        engine=last.engine,
        provider=last.provider,
        precision=last.precision,
        threads=threads,
        notice=last.notice,
        import_ms=Figure.of([trial.cold.import_ms for trial in trials]),
        load_ms=Figure.of([trial.cold.load_ms for trial in trials]),
        first_suggestion_ms=Figure.of([trial.cold.suggestion_ms for trial in trials]),
        cold_start_ms=Figure.of([trial.cold.milliseconds for trial in trials]),
        cold_start_cpu_ms=Figure.of([trial.cold.cpu_ms for trial in trials]),
        first_peak_bytes=_reported([trial.cold.peak_bytes for trial in trials]),
        resident_bytes=_reported([trial.resident_bytes for trial in trials]),
        letter=Latency.of([t.typing.letter for t in trials], [t.typing.letter_cpu for t in trials]),
        boundary=Latency.of([t.typing.boundary for t in trials], [t.typing.boundary_cpu for t in trials]),
        words_per_second=Figure.of([trial.typing.words / trial.typing.seconds for trial in trials]),
        joules_per_1000_words=_reported(
            [None if t.typing.joules is None else 1000 * t.typing.joules / t.typing.words for t in trials]
        ),
        floor=Floor(
            weight_bytes=floors[-1][0].weight_bytes,
            read=max((floor for floor, _ in floors), key=lambda floor: floor.gigabytes_per_second).read,
            gigabytes_per_second=Figure.of([floor.gigabytes_per_second for floor, _ in floors]),
            floor_us=Figure.of([floor.floor_us for floor, _ in floors]),
            step_p50_us=Figure.of([floor.step_p50_us for floor, _ in floors]),
            step_p99_us=Figure.of([floor.step_p99_us for floor, _ in floors]),
            step_over_floor=Figure.of([floor.step_p50_us / floor.floor_us for floor, _ in floors]),
            boundary_over_floor=Figure.of([boundary / floor.floor_us for floor, boundary in floors]),
        )
        if floors
        else None,
        batches=tuple(
            Batch(same[0].batch, Figure.of([each.tokens_per_second for each in same]))
            for same in zip(*(trial.batches for trial in trials), strict=True)
        ),
        conditions=tuple(trial.typing.conditions for trial in trials),
        repeated=repeated,
        answers=answers,
        network=last.network,
        trained=last.trained,
        quality=last.quality,
    )


def _reported(values: Sequence[float | None]) -> Figure | None:
    """The figure of `values`; None if the system did not report all of them."""
    known = [float(value) for value in values if value is not None]
    return Figure.of(known) if len(known) == len(values) else None
