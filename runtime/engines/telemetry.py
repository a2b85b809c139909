"""Switch off the telemetry of ONNX Runtime, which is on by default from version 1.29 on.

On Linux and macOS the library reads `ORT_DISABLE_TELEMETRY` once, when it is first imported in a process. So
`foretype.runtime` sets the variable at its own import, before any of its modules imports ONNX Runtime. Child processes
inherit the variable. On Windows, `silence` calls a function of ONNX Runtime that switches the events off.
"""

from __future__ import annotations

import os
import sys
from typing import Any

VARIABLE = "ORT_DISABLE_TELEMETRY"

_NOTICE = (
    f"onnxruntime was imported before foretype and without {VARIABLE}=1, so its telemetry may be on in this process; "
    f"set {VARIABLE}=1 in the environment, or import foretype.runtime first"
)
_too_late = False
_silenced = False


def switch_off() -> None:
    """Set the variable for this process and its children. Call it before the first import of ONNX Runtime."""
    global _too_late
    _too_late = _too_late or ("onnxruntime" in sys.modules and os.environ.get(VARIABLE) != "1")
    os.environ[VARIABLE] = "1"


def silence(onnxruntime: Any) -> None:
    """Switch off the events of the imported module, once per process. On Windows this works at any time."""
    global _silenced
    if not _silenced:
        onnxruntime.disable_telemetry_events()
        _silenced = True


def telemetry_notice() -> str | None:
    """Return None if the telemetry is off; one line if the host imported ONNX Runtime too early to switch it off."""
    return _NOTICE if _too_late else None
