"""Reads the operating system's counters: the memory of this process, and the energy of the processor."""

from __future__ import annotations

import sys
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def peak_memory() -> int | None:
    """The peak resident memory so far, in bytes; None if the system does not report it.

    On Linux this is VmHWM, because ru_maxrss would start at the peak of the parent process.
    """
    if sys.platform == "linux":
        return _status("VmHWM")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def resident_memory() -> int | None:
    """The current resident memory, in bytes; None if it is not reported (only Linux reports it)."""
    return _status("VmRSS") if sys.platform == "linux" else None


def _status(key: str) -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), None)
    except OSError:
        return None


class EnergyMeter:
    """Energy of all processor packages since the meter was created, from Linux's powercap (RAPL).

    It includes the energy of other programs. Reading it usually needs special rights.
    """

    def __init__(self, root: Path = POWERCAP) -> None:
        # AMD's packages are listed there too. Parts of a package, and "psys", which contains it, would count twice.
        self._zones = [zone for zone in sorted(root.glob("intel-rapl:*")) if _name(zone).startswith("package")]
        self._start = self._read()

    def joules(self) -> float | None:
        """Joules used since the start; None if the system does not report them."""
        end = self._read()
        if not self._start or not end:
            return None
        used = 0
        for zone, before, after in zip(self._zones, self._start, end, strict=True):
            used += after - before
            if after < before:  # the counter wrapped around
                used += _number(zone / "max_energy_range_uj")
        return used / 1e6

    def _read(self) -> list[int] | None:
        """The counters of all zones, in microjoules; None if one cannot be read."""
        try:
            return [_number(zone / "energy_uj") for zone in self._zones]
        except (OSError, ValueError):
            return None


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
