"""Where the neural model runs: ONNX Runtime's execution providers by short name, and the order in which they are tried.

A provider is named as people write it ("cpu", "cuda", "coreml", "dml", "xnnpack", "qnn", "openvino", "tensorrt"), or as
ONNX Runtime does ("CUDAExecutionProvider").
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
"""What "auto" tries before the CPU, in this order. Others, such as "tensorrt", "openvino", "qnn" and "xnnpack", prepare
a graph for minutes, want settings, or are CPUs themselves: they are used where they are asked for by name."""
_REMOTE = ("azure",)
"""Providers that send what they are given over the network. Foretype predicts on the machine in front of you."""

_CPU_FLAGS = Path("/proc/cpuinfo")


class Attempt(NamedTuple):
    """One way to run the neural model: the provider's short name, and the file of the graph."""

    provider: str
    graph: str


def short_name(provider: str) -> str:
    """ONNX Runtime's "CUDAExecutionProvider" as people write it: "cuda"."""
    return provider.lower().removesuffix("executionprovider")


def import_onnxruntime() -> Any:
    """The module, its telemetry off. Raises EngineError where it is missing or does not work here."""
    if "onnxruntime" not in sys.modules:
        switch_off()  # once more: the host may have changed the environment since
    try:
        import onnxruntime

        silence(onnxruntime)
    except Exception as error:  # a broken installation raises more than ImportError
        raise EngineError(f"ONNX Runtime cannot be imported ({error}); pip install onnxruntime") from error
    return onnxruntime


def available() -> dict[str, str]:
    """The providers of the installed ONNX Runtime, best first: short name -> its own name.

    Raises EngineError without ONNX Runtime. Being listed says that a provider was built in, not that its device is
    there.
    """
    names: list[str] = import_onnxruntime().get_available_providers()
    return {short_name(name): name for name in names if short_name(name) not in _REMOTE}


def full_name(provider: str) -> str:
    """ONNX Runtime's name of a provider. Raises EngineError, which lists what there is, when it is not available."""
    offered = available()
    name = offered.get(short_name(provider))
    if name is None:
        raise EngineError(f"provider {provider!r} is not available; this machine offers: {AUTO}, {', '.join(offered)}")
    return name


def attempts(provider: str, float_graph: str | None, int8_graph: str | None, fast_bytes: bool = True) -> list[Attempt]:
    """The ways to run a bundle's neural model, in the order in which they are tried; the CPU comes last.

    provider: "auto" for the `ACCELERATORS` that are there, where the bundle has a float graph for them; a name for that
        provider.
    float_graph, int8_graph: the files, None where the bundle lacks one. Accelerators take the float graph where there
        is one; the CPU the int8 one, and the float one after it.
    fast_bytes: whether this CPU multiplies bytes fast; if not, it takes the float graph first.

    Raises EngineError for a name that is not available.
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
    """Whether ONNX Runtime has int8 kernels for this CPU: on x86 they ask for AVX2. True where it cannot be known.

    Without them an int8 graph is as exact (its operator, MatMulNBits, unpacks the weights), but far slower than the
    float graph. CPUs with AVX2 and without VNNI are not a special case: see `export.graph.quantise`.

    machine, flags: what `platform.machine` and /proc/cpuinfo say, or other values in their place.
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
