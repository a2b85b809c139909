"""What the operating system counts for us: the memory of this process, and the energy of the processor."""

from __future__ import annotations

import sys
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def peak_memory() -> int | None:
    """The most memory that was resident so far, in bytes; None where it is not reported.

    On Linux this is VmHWM; ru_maxrss would start at the peak of the parent process.
    """
    if sys.platform == "linux":
        return _status("VmHWM")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def resident_memory() -> int | None:
    """The memory that is resident now, in bytes; None where it is not reported (it is on Linux)."""
    return _status("VmRSS") if sys.platform == "linux" else None


def _status(key: str) -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), None)
    except OSError:
        return None


class EnergyMeter:
    """Energy of all processor packages since the meter was made, by Linux's powercap (RAPL).

    It counts whatever the processor does, other programs included. Reading it usually needs special rights.
    """

    def __init__(self, root: Path = POWERCAP) -> None:
        # AMD's packages stand there too. Parts of a package, and "psys", which holds it, would count twice.
        self._zones = [zone for zone in sorted(root.glob("intel-rapl:*")) if _name(zone).startswith("package")]
        self._start = self._read()

    def joules(self) -> float | None:
        """Joules used since the start; None where they are not reported."""
        end = self._read()
        if not self._start or not end:
            return None
        used = 0
        for zone, before, after in zip(self._zones, self._start, end, strict=True):
            used += after - before
            if after < before:  # the counter went round
                used += _number(zone / "max_energy_range_uj")
        return used / 1e6

    def _read(self) -> list[int] | None:
        """The counters of all zones, in microjoules; None where one cannot be read."""
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
