"""What went on beside a trial: how long it waited for a processor, how fast fixed work ran, what the clock said.

Other programs disturb a trial in three ways. They take the processor away: wall time grows, CPU time does not. They
slow the clock or share the core: fixed work takes longer. And they share the cache that holds the weights: CPU time
grows where weights are read, and nowhere else.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MOST_WAITED = 0.1
"""A trial is disturbed if it waited for a processor for a larger part of its wall time."""
MOST_SLOWED = 0.05
"""A trial is disturbed if the reference work took this much longer than in the quietest trial."""
MOST_OTHERS = 0.25
"""Figures that read weights are disturbed if other programs used more cores than this."""
CPUS = Path("/sys/devices/system/cpu")
STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Conditions:
    """The conditions of one pass over the text; None where the system does not report them.

    wall_s, cpu_s: wall time of the pass, and CPU time of the thread that typed.
    switches: involuntary context switches of the process meanwhile.
    reference_us: fixed work that has nothing to do with Foretype, done once in twenty characters; the median.
    others: cores that other programs used, by Linux's count in steps of 10 ms.
    load_average: processes that wanted to run in the last minute. megahertz: the clock of the fastest core, afterwards.
    """

    wall_s: float
    cpu_s: float
    switches: int | None
    reference_us: float
    others: float | None
    load_average: float | None
    megahertz: float | None

    def __post_init__(self) -> None:
        """Raise ValueError if a time that others are divided by is not above zero."""
        for name, value in (("wall_s", self.wall_s), ("reference_us", self.reference_us)):
            if not value > 0:
                raise ValueError(f"{name} is {value}: expected a number above 0")

    @property
    def waited(self) -> float:
        """The part of the wall time in which the thread did not run; it includes waiting for an accelerator."""
        return max(0.0, 1 - self.cpu_s / self.wall_s)

    def disturbance(self, quietest_us: float, accelerated: bool = False) -> str | None:
        """What disturbed the pass, in a few words, or None.

        quietest_us: the least `reference_us` known of this configuration on this device.
        accelerated: an accelerator computes, so the thread may wait.
        """
        if not accelerated and self.waited > MOST_WAITED:
            return f"waited for a processor for {self.waited:.0%} of the time"
        if self.reference_us > quietest_us * (1 + MOST_SLOWED):
            return f"fixed work took {self.reference_us / quietest_us - 1:.0%} longer than in the quietest trial"
        return None

    @property
    def shared_cache(self) -> bool:
        """Whether other programs used caches and memory so much that figures which read weights are disturbed."""
        return self.others is not None and self.others > MOST_OTHERS


class Watch:
    """Watches one pass, from when the watch is made until `conditions` is called."""

    def __init__(self) -> None:
        self._references: list[float] = []
        self._switches = _switches()
        self._busy, self._process = _busy_seconds(), time.process_time()
        self._cpu, self._wall = time.thread_time(), time.perf_counter()

    def refer(self) -> None:
        """Do the reference work, and time it."""
        _work()  # brings it into the caches, which the watched work has just filled
        start = time.perf_counter_ns()
        _work()
        self._references.append((time.perf_counter_ns() - start) / 1e3)

    def conditions(self) -> Conditions:
        """What was seen. Call `refer` at least once before."""
        wall, cpu, process = (
            clock() - start
            for clock, start in (
                (time.perf_counter, self._wall),
                (time.thread_time, self._cpu),
                (time.process_time, self._process),
            )
        )
        busy, switches = _busy_seconds(), _switches()
        return Conditions(
            wall_s=wall,
            cpu_s=cpu,
            switches=None if switches is None or self._switches is None else switches - self._switches,
            reference_us=statistics.median(self._references),
            others=None if busy is None or self._busy is None else max(0.0, busy - self._busy - process) / wall,
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            megahertz=megahertz(),
        )


def _work() -> int:
    """Some tens of microseconds of what an interpreter does all day."""
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
    """The time that all processors have worked, since the system started."""
    try:
        # user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of the first two.
        ticks = [int(field) for field in STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None


def megahertz(cpus: Path = CPUS) -> float | None:
    """The clock of the fastest core now; None where Linux does not tell."""
    found = []
    for path in cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"):
        try:
            found.append(int(path.read_text(encoding="ascii")) / 1e3)
        except (OSError, ValueError):
            continue
    return max(found, default=None)
