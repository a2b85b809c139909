"""Limit the time of a suggestion, and decide when a session should stop using the neural model.

Runs of the graph are short, so the clock is checked between runs. ONNX Runtime itself ends a cancelled run.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from foretype.runtime.engines.policy import Policy
from foretype.runtime.engines.step_graph import FloatArray, NeuralModel, State
from foretype.runtime.errors import EngineError

_log = logging.getLogger("foretype")
_FORGOTTEN = 0.9
"""Factor on the expected time of a run that was skipped for lack of time. Without it, one slow run would rule out the
neural model for good."""
_NEWEST = 0.25
"""Weight of the newest run in the expected time of a run."""


class OutOfTimeError(Exception):
    """A deadline or a cancellation stopped the neural model. Raised and caught inside the runtime."""


class Allowance:
    """The time and runs that one call of `suggest` may use.

    until: when the answer is due, on the clock of `time.perf_counter`.
    least_runs: runs that may start even after that.
    """

    def __init__(self, until: float = math.inf, least_runs: int = 0) -> None:
        self.until = until
        self.runs_left = least_runs
        self.cancelled = False
        self.stopped = False
        """Whether a run was refused or cancelled."""
        self.last_run: float | None = None
        """Seconds of the latest run that completed, or that was already late when it was cancelled."""
        self.options: Any = None
        """ONNX Runtime's RunOptions; set at the first run."""

    def cancel(self) -> None:
        """Stop the current run and all later ones. Call it from any thread."""
        self.cancelled = True
        if self.options is not None:
            self.options.terminate = True


class Deadline:
    """Times the neural steps of one session. Not shared between threads.

    notice: None, or one line saying that the n-gram model answers because steps were late.
    """

    def __init__(self, policy: Policy) -> None:
        self.notice: str | None = None
        self.allowance = Allowance()
        self._deadline = math.inf if policy.deadline_ms is None else policy.deadline_ms / 1000
        self._policy = policy
        self._late = 0
        self._wait = policy.retry_seconds
        self._resume: float | None = None
        """When to try the neural model again; None while it is in use."""
        self._usual: dict[int, float] = {}
        """Expected seconds of a run, by its number of tokens."""

    def begin(self, deadline_ms: float | None) -> None:
        """Begin a suggestion that the caller wants within `deadline_ms`; None for no limit."""
        now = time.perf_counter()
        until = math.inf if deadline_ms is None else now + deadline_ms / 1000
        if self._resume is None:
            self.allowance = Allowance(until)
        else:
            # A trial continues where the last one stopped in the text. It always gets a run, unless the caller set a
            # deadline, and starts no further run after the policy's deadline.
            self.allowance = Allowance(min(until, now + self._deadline), int(deadline_ms is None))

    @property
    def uses_neural(self) -> bool:
        """Whether the neural model is in use or due for a trial."""
        return self._resume is None or time.perf_counter() >= self._resume

    def run(self, neural: NeuralModel, ids: tuple[int, ...], state: State) -> tuple[FloatArray, State]:
        """Call `neural.run` and time it.

        Raises OutOfTimeError if there is no time for the run, if it is cancelled, or if late steps have suspended the
        neural model and no trial is due yet.
        """
        allowance = self.allowance
        began = time.perf_counter()
        if not self.uses_neural:
            raise OutOfTimeError
        usual = self._usual.get(len(ids), 0.0)
        if allowance.runs_left:
            allowance.runs_left -= 1
        elif began + usual > allowance.until:
            self._usual[len(ids)] = _FORGOTTEN * usual
            allowance.stopped = True
            raise OutOfTimeError
        if allowance.options is None:
            allowance.options = neural.run_options()
        try:
            if allowance.cancelled:  # checked after the options are set: `cancel` uses the opposite order
                raise OutOfTimeError
            result = neural.run(ids, state, allowance.options)
        except (OutOfTimeError, EngineError):
            seconds = time.perf_counter() - began
            allowance.last_run = seconds if seconds > self._deadline else allowance.last_run
            allowance.stopped = True
            if allowance.cancelled:
                raise OutOfTimeError from None
            raise
        seconds = allowance.last_run = time.perf_counter() - began
        self._usual[len(ids)] = usual + _NEWEST * (seconds - usual) if usual else seconds
        return result

    def end(self) -> None:
        """End the suggestion, and judge its latest step if it took one."""
        seconds, stopped, self.allowance = self.allowance.last_run, self.allowance.stopped, Allowance()
        if seconds is None:
            return
        if seconds <= self._deadline:
            if not stopped:
                self._late, self._wait, self._resume, self.notice = 0, self._policy.retry_seconds, None, None
            return
        self._late += 1
        if self._resume is not None:
            self._wait = min(2 * self._wait, self._policy.longest_wait_seconds)
        elif self._late < self._policy.misses:
            return
        self._resume = time.perf_counter() + self._wait
        self.notice = (
            f"n-gram model only: {self._late} neural steps in a row took longer than {self._deadline * 1000:g} ms "
            f"(the last {seconds * 1000:.1f} ms); trying again after {self._wait:g} s"
        )
        _log.warning(self.notice)


class TimedRuns:
    """A neural model whose runs keep to a session's deadline. A `StateCache` steps it."""

    def __init__(self, neural: NeuralModel, deadline: Deadline) -> None:
        self._neural = neural
        self._deadline = deadline

    def initial_state(self) -> State:
        """See `NeuralModel.initial_state`."""
        return self._neural.initial_state()

    def run(self, ids: tuple[int, ...], state: State) -> tuple[FloatArray, State]:
        """See `NeuralModel.run`. Raises OutOfTimeError as `Deadline.run` does."""
        return self._deadline.run(self._neural, ids, state)
