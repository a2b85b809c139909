"""Time: what one suggestion may take, when to stop, and when a session is better off without the neural model.

Runs of the graph are short, so time is looked at between them; a cancelled run is ended by ONNX Runtime itself.
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
"""A run that was not started for want of time is thought this much shorter the next time, or one slow run would keep
the neural model out for good."""
_NEWEST = 0.25
"""Weight of the newest run in the time that a run usually takes."""


class OutOfTimeError(Exception):
    """The neural model was stopped, by a deadline or a cancellation. Raised and caught inside the runtime."""


class Allowance:
    """What one call of `suggest` may take.

    until: the time, by `time.perf_counter`, at which its answer is due. least_runs: runs it may start in any case.
    """

    def __init__(self, until: float = math.inf, least_runs: int = 0) -> None:
        self.until = until
        self.runs_left = least_runs
        self.cancelled = False
        self.stopped = False
        """Whether a run was refused or cancelled."""
        self.last_run: float | None = None
        """Seconds of the latest run that ended by itself, or was late before it was cancelled."""
        self.options: Any = None
        """ONNX Runtime's RunOptions, from the first run on."""

    def cancel(self) -> None:
        """Stop, from any thread: the run that is under way, and whatever was to follow."""
        self.cancelled = True
        if self.options is not None:
            self.options.terminate = True


class Deadline:
    """The time that one session's neural steps take. Not shared between threads.

    notice: None, or one line saying that the n-gram model answers since steps were late.
    """

    def __init__(self, policy: Policy) -> None:
        self.notice: str | None = None
        self.allowance = Allowance()
        self._deadline = math.inf if policy.deadline_ms is None else policy.deadline_ms / 1000
        self._policy = policy
        self._late = 0
        self._wait = policy.retry_seconds
        self._resume: float | None = None
        """When the neural model is tried again; None while it is in use."""
        self._usual: dict[int, float] = {}
        """Tokens of a run -> seconds it usually takes."""

    def begin(self, deadline_ms: float | None) -> None:
        """A suggestion is asked for; the caller wants it within `deadline_ms`."""
        now = time.perf_counter()
        until = math.inf if deadline_ms is None else now + deadline_ms / 1000
        if self._resume is None:
            self.allowance = Allowance(until)
        else:  # a trial takes up the text where it stands: at least a run each time, and not much longer than it may
            self.allowance = Allowance(min(until, now + self._deadline), int(deadline_ms is None))

    @property
    def uses_neural(self) -> bool:
        """Whether the neural model is in use, or due for a trial."""
        return self._resume is None or time.perf_counter() >= self._resume

    def run(self, neural: NeuralModel, ids: tuple[int, ...], state: State) -> tuple[FloatArray, State]:
        """`neural.run`, timed.

        Raises OutOfTimeError when there is no time for it, it is cancelled, or late steps put the neural model out of
        use and it is not due for a trial yet.
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
            if allowance.cancelled:  # looked at after the options stand: `cancel` sets the two in the other order
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
        """The suggestion is made: judge its latest step, if it took one."""
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
    """A neural model whose runs keep to a session's deadline; what a `StateCache` steps."""

    def __init__(self, neural: NeuralModel, deadline: Deadline) -> None:
        self._neural = neural
        self._deadline = deadline

    def initial_state(self) -> State:
        """As `NeuralModel.initial_state`."""
        return self._neural.initial_state()

    def run(self, ids: tuple[int, ...], state: State) -> tuple[FloatArray, State]:
        """As `NeuralModel.run`; OutOfTimeError when there is no time for it."""
        return self._deadline.run(self._neural, ids, state)
