"""What the neural model may cost before the n-gram model takes over: memory at loading, time at each step."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.errors import ConfigError

MEMORY_FACTOR = 3.0
"""Resident bytes of a loaded graph per byte of its file: the weights, their copy in the kernels' layout, and working
memory; 2.9 to 3.0 measured with int8 graphs of 12 MB on ONNX Runtime 1.31."""
ONNXRUNTIME_MB = 20.0
"""What importing ONNX Runtime takes; 18 measured."""

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Policy:
    """How a model saves resources. Time is wall-clock time.

    memory_limit_mb: the process may take this many megabytes (2^20 bytes) of resident memory; the neural model is not
        loaded where `MEMORY_FACTOR` times its file, beside what is in use, would exceed that. None for no limit. An
        estimate at loading, no ceiling afterwards. Where the system does not tell what is in use, the model's own share
        counts alone.
    deadline_ms: milliseconds that the neural model has for its step at a new word; None for as long as it takes. Every
        step is waited for; but where several in a row are late, the session goes on with the n-gram model.
    misses: that many late steps in a row.
    retry_seconds: after this long the session tries the neural model again; each failed trial doubles the wait, up to
        `longest_wait_seconds`.
    longest_wait_seconds: between two trials.

    A value that is not legal is a ConfigError.
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
        """Why a graph of this size must not be loaded into this process now; None where it may."""
        if self.memory_limit_mb is None:
            return None
        needed = graph_bytes * MEMORY_FACTOR / 2**20 + (0.0 if "onnxruntime" in sys.modules else ONNXRUNTIME_MB)
        used = resident_mb() or 0.0
        if used + needed <= self.memory_limit_mb:
            return None
        return f"it needs {needed:.0f} MB beside the {used:.0f} MB in use; the limit is {self.memory_limit_mb:g} MB"


def resident_mb() -> float | None:
    """Megabytes of memory that this process has resident; None where there is no /proc that tells."""
    try:
        status = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), None)
