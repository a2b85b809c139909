"""Records the conditions of a trial: how long it waited for a processor, how fast fixed work ran, the CPU's clock.

Other programs disturb a trial in three ways:

- They take the processor away. Wall time grows, but CPU time does not.
- They slow the clock or share the core. Fixed work takes longer.
- They share the cache that holds the weights. CPU time grows, but only when weights are read.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MOST_WAITED = 0.1
"""A trial is disturbed if it waited for a processor for a larger share of its wall time than this."""
MOST_SLOWED = 0.05
"""A trial is disturbed if its reference work took longer than in the quietest trial by more than this share."""
MOST_OTHERS = 0.25
"""Figures that read weights are disturbed if other programs used more cores than this."""
CPUS = Path("/sys/devices/system/cpu")
STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Conditions:
    """The conditions of one pass over the text. Values that the system does not report are None.

    wall_s, cpu_s: wall time of the pass, and CPU time of the thread that typed.
    switches: involuntary context switches of the process during the pass.
    reference_us: median time of fixed work that is unrelated to Foretype, done once every twenty characters.
    others: cores that other programs used; Linux counts in steps of 10 ms.
    load_average: processes that wanted to run in the last minute. megahertz: the clock of the fastest core afterwards.
    throttled: times that a core was slowed down because it was too hot, during the pass.
    """

    wall_s: float
    cpu_s: float
    switches: int | None
    reference_us: float
    others: float | None
    load_average: float | None
    megahertz: float | None
    throttled: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a time that is used as a divisor is not above zero."""
        for name, value in (("wall_s", self.wall_s), ("reference_us", self.reference_us)):
            if not value > 0:
                raise ValueError(f"{name} is {value}: expected a number above 0")

    @property
    def waited(self) -> float:
        """The share of the wall time in which the thread did not run. It includes waiting for an accelerator."""
        return max(0.0, 1 - self.cpu_s / self.wall_s)

    def disturbance(self, quietest_us: float, accelerated: bool = False) -> str | None:
        """What disturbed the pass, in a few words; None if nothing did.

        quietest_us: the lowest known `reference_us` of this configuration on this device.
        accelerated: whether an accelerator computes, so that the thread may wait.
        """
        if self.throttled:
            return f"a core was throttled {self.throttled} times because it was too hot"
        if not accelerated and self.waited > MOST_WAITED:
            return f"waited for a processor for {self.waited:.0%} of the time"
        if self.reference_us > quietest_us * (1 + MOST_SLOWED):
            return f"fixed work took {self.reference_us / quietest_us - 1:.0%} longer than in the quietest trial"
        return None

    @property
    def shared_cache(self) -> bool:
        """Whether other programs used caches and memory so much that figures that read weights are disturbed."""
        return self.others is not None and self.others > MOST_OTHERS


class Watch:
    """Watches one pass, from its creation until `conditions` is called."""

    def __init__(self) -> None:
        self._references: list[float] = []
        self._switches, self._throttled = _switches(), throttled()
        self._busy, self._process = _busy_seconds(), time.process_time()
        self._cpu, self._wall = time.thread_time(), time.perf_counter()

    def refer(self) -> None:
        """Do the reference work, and time it."""
        _work()  # warms the caches, which the watched work has just filled
        start = time.perf_counter_ns()
        _work()
        self._references.append((time.perf_counter_ns() - start) / 1e3)

    def conditions(self) -> Conditions:
        """The conditions since the watch was created. Call `refer` at least once before."""
        wall, cpu, process = (
            clock() - start
            for clock, start in (
                (time.perf_counter, self._wall),
                (time.thread_time, self._cpu),
                (time.process_time, self._process),
            )
        )
        busy, switches, hot = _busy_seconds(), _switches(), throttled()
        return Conditions(
            wall_s=wall,
            cpu_s=cpu,
            switches=None if switches is None or self._switches is None else switches - self._switches,
            reference_us=statistics.median(self._references),
            others=None if busy is None or self._busy is None else max(0.0, busy - self._busy - process) / wall,
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            megahertz=megahertz(),
            throttled=None if hot is None or self._throttled is None else hot - self._throttled,
        )


def _work() -> int:
    """Do some tens of microseconds of typical interpreter work."""
    lengths: dict[int, int] = {}
    for number in range(200):
        lengths[number % 7] = lengths.get(number % 7, 0) + len(str(number))
    return sum(lengths.values())


def _switches() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _busy_seconds() -> float | None:
    """The seconds that all processors together were busy since the system started."""
    try:
        # user, nice, system, idle, iowait, irq, softirq, steal; the fields after these are part of the first two.
        ticks = [int(field) for field in STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None


def megahertz(cpus: Path = CPUS) -> float | None:
    """The current clock of the fastest core; None if Linux does not report it."""
    found = []
    for path in cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"):
        try:
            found.append(int(path.read_text(encoding="ascii")) / 1e3)
        except (OSError, ValueError):
            continue
    return max(found, default=None)


def throttled(cpus: Path = CPUS) -> int | None:
    """How often cores have been slowed down because they were too hot; None if Linux does not report it."""
    found = []
    for path in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"):
        try:
            found.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return sum(found) if found else None
