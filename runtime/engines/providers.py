"""Choose where the neural model runs: ONNX Runtime's execution providers and the order in which they are tried.

Name a provider by its short name ("cpu", "cuda", "coreml", "dml", "xnnpack", "qnn", "openvino", "tensorrt") or by ONNX
Runtime's name ("CUDAExecutionProvider").
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from foretype.runtime.engines.telemetry import silence, switch_off
from foretype.runtime.errors import EngineError

CPU = "cpu"
AUTO = "auto"
ACCELERATORS = ("cuda", "migraphx", "rocm", "dml", "coreml")
"""Providers that "auto" tries before the CPU, in this order. Others, such as "tensorrt", "openvino", "qnn" and
"xnnpack", take minutes to prepare a graph, need settings, or run on the CPU themselves. They are used only by name."""
_REMOTE = ("azure",)
"""Providers that send their input over the network. They are never used: Foretype predicts on your machine."""

_CPU_FLAGS = Path("/proc/cpuinfo")


class Attempt(NamedTuple):
    """One way to run the neural model: the provider's short name and the graph file."""

    provider: str
    graph: str


def short_name(provider: str) -> str:
    """Return the short name of a provider: "cuda" for ONNX Runtime's "CUDAExecutionProvider"."""
    return provider.lower().removesuffix("executionprovider")


def import_onnxruntime() -> Any:
    """Import ONNX Runtime with its telemetry off. Raises EngineError if it is missing or does not work here."""
    if "onnxruntime" not in sys.modules:
        switch_off()  # again: the host may have changed the environment since
    try:
        import onnxruntime

        silence(onnxruntime)
    except Exception as error:  # a broken installation raises more than ImportError
        raise EngineError(f"ONNX Runtime cannot be imported ({error}); pip install onnxruntime") from error
    return onnxruntime


def available() -> dict[str, str]:
    """Return the providers of the installed ONNX Runtime, best first, as short name -> full name.

    A listed provider is built in, but its device may be missing. Raises EngineError without ONNX Runtime.
    """
    names: list[str] = import_onnxruntime().get_available_providers()
    return {short_name(name): name for name in names if short_name(name) not in _REMOTE}


def full_name(provider: str) -> str:
    """Return ONNX Runtime's name of a provider. Raises EngineError, which lists the others, if it is not available."""
    offered = available()
    name = offered.get(short_name(provider))
    if name is None:
        raise EngineError(f"provider {provider!r} is not available; this machine offers: {AUTO}, {', '.join(offered)}")
    return name


def attempts(provider: str, float_graph: str | None, int8_graph: str | None, fast_bytes: bool = True) -> list[Attempt]:
    """Return the ways to run a bundle's neural model, in the order in which to try them. The CPU comes last.

    provider: the name of a provider, or "auto" for the available `ACCELERATORS`, which need a float graph in the
        bundle.
    float_graph, int8_graph: the files; None if the bundle lacks one. Accelerators take the float graph if there is
        one. The CPU takes the int8 graph first, then the float graph.
    fast_bytes: whether this CPU multiplies bytes fast. If not, it takes the float graph first.

    Raises EngineError if the named provider is not available.
    """
    if short_name(provider) == AUTO:
        offered = available()
        first = [name for name in ACCELERATORS if name in offered and float_graph]
    else:
        full_name(provider)
        first = [short_name(provider)]
    preferred = float_graph or int8_graph
    on_cpu = (int8_graph, float_graph) if fast_bytes else (float_graph, int8_graph)
    order = [(name, preferred) for name in first if name != CPU] + [(CPU, graph) for graph in on_cpu]
    return [Attempt(name, graph) for name, graph in order if graph]


def multiplies_bytes_fast(machine: str = "", flags: Collection[str] | None = None) -> bool:
    """Return whether ONNX Runtime has int8 kernels for this CPU; on x86 they need AVX2. True if unknown.

    Without them an int8 graph is as exact (its operator, MatMulNBits, unpacks the weights), but far slower than the
    float graph. CPUs with AVX2 but without VNNI are not a special case: see `export.graph.quantise`.

    machine, flags: override what `platform.machine` and /proc/cpuinfo report.
    """
    if (machine or platform.machine()).lower() not in ("x86_64", "amd64", "i686", "i386"):
        return True
    flags = _cpu_flags() if flags is None else flags
    return "avx2" in flags if flags else True


def _cpu_flags() -> frozenset[str]:
    try:
        with _CPU_FLAGS.open(encoding="ascii", errors="replace") as lines:
            line = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())
