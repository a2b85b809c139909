"""Limit what the neural model may cost before the n-gram model takes over: memory at load time, time at each step."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.errors import ConfigError

MEMORY_FACTOR = 3.0
"""Resident bytes of a loaded graph per byte of its file: the weights, their copy in the kernels' layout, and working
memory. Measured: 2.9 to 3.0 with int8 graphs of 12 MB on ONNX Runtime 1.31."""
ONNXRUNTIME_MB = 20.0
"""Megabytes that importing ONNX Runtime takes. Measured: 18."""

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Policy:
    """Limits on the memory and time of the neural model. Time is wall-clock time.

    memory_limit_mb: megabytes (2^20 bytes) of resident memory that the process may use; None for no limit. The neural
        model is not loaded if the memory in use plus `MEMORY_FACTOR` times the size of its file would exceed the limit.
        This is an estimate at load time, not a ceiling afterwards. If the system does not report the memory in use,
        only the model's own share counts.
    deadline_ms: milliseconds that the neural model may take for its step at a new word; None for no limit. The session
        waits for every step, but after several late steps in a row it continues with the n-gram model.
    misses: number of late steps in a row that cause this.
    retry_seconds: seconds after which the session tries the neural model again. Each failed trial doubles the wait, up
        to `longest_wait_seconds`.
    longest_wait_seconds: longest wait between two trials.

    Raises ConfigError if a value is out of range.
    """

    memory_limit_mb: float | None = None
    deadline_ms: float | None = 20.0
    misses: int = 3
    retry_seconds: float = 30.0
    longest_wait_seconds: float = 600.0

    def __post_init__(self) -> None:
        for name in ("memory_limit_mb", "deadline_ms", "retry_seconds", "longest_wait_seconds"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value}; it must be above 0")
        if self.misses < 1:
            raise ConfigError(f"misses is {self.misses}; it must be at least 1")

    def refusal(self, graph_bytes: int) -> str | None:
        """Return why a graph of this size must not be loaded into this process now; None if it may."""
        if self.memory_limit_mb is None:
            return None
        needed = graph_bytes * MEMORY_FACTOR / 2**20 + (0.0 if "onnxruntime" in sys.modules else ONNXRUNTIME_MB)
        used = resident_mb() or 0.0
        if used + needed <= self.memory_limit_mb:
            return None
        return f"it needs {needed:.0f} MB beside the {used:.0f} MB in use; the limit is {self.memory_limit_mb:g} MB"


def resident_mb() -> float | None:
    """Return the resident memory of this process in megabytes; None if /proc does not report it."""
    try:
        status = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), None)
