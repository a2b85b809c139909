"""Describes a device as far as it matters for speed: processor, caches, memory, system and versions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from foretype.runtime.engines.providers import import_onnxruntime

CPU = Path("/sys/devices/system/cpu/cpu0")
INSTRUCTION_SETS = (
    *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16"),
    *("amx_int8", "amx_bf16", "neon", "asimd", "asimddp", "asimdhp", "i8mm", "bf16", "sve", "sve2", "sme", "v"),
)
"""Instruction sets that matter for matrix products, as Linux names them."""
PACKAGES = ("foretype", "numpy", "onnxruntime", "onnxruntime-gpu", "tokenizers")


@dataclass(frozen=True)
class Device:
    """A device and its software. Values that the system does not report are None or empty.

    kind: "native", or "browser" for a result of a browser's benchmark (see docs/benchmark.md).
    cpu: the processor's model. architecture: such as "x86_64" or "arm64".
    cores: logical processors. usable_cores: logical processors that this process may run on.
    instruction_sets: those of `INSTRUCTION_SETS` that the processor has; on systems other than Linux, those that NumPy
        detected.
    caches: caches of one core, such as "L1d 48K". memory_bytes: physical memory.
    accelerators: GPUs that nvidia-smi lists.
    system: operating system and its version. kernel: the version of the Linux kernel; "" on other systems.
    frequency_governor: Linux's policy for the clock, such as "powersave".
    load_average: processes that wanted to run in the minute before the benchmark. Other work disturbs the benchmark.
    providers: execution providers of the installed ONNX Runtime.
    versions: such as "python 3.12.1".
    """

    cpu: str
    architecture: str
    cores: int | None
    usable_cores: int | None
    instruction_sets: tuple[str, ...]
    caches: tuple[str, ...]
    memory_bytes: int | None
    accelerators: tuple[str, ...]
    system: str
    kernel: str
    frequency_governor: str | None
    load_average: float | None
    providers: tuple[str, ...]
    versions: tuple[str, ...]
    kind: Literal["native", "browser"] = "native"

    @property
    def name(self) -> str:
        """The device in a few words, for tables."""
        parts = [self.cpu, f"{self.usable_cores or self.cores or '?'} cores"]
        if self.memory_bytes:
            parts.append(f"{self.memory_bytes / 2**30:.0f} GiB")
        return ", ".join([*parts, *self.accelerators, self.system, *(["browser"] if self.kind == "browser" else [])])

    def lines(self) -> list[str]:
        """The whole description, one line per topic."""
        governor = f", clock {self.frequency_governor}" if self.frequency_governor else ""
        load = "" if self.load_average is None else f", load average {self.load_average:.2f} at the start"
        memory = "not reported" if self.memory_bytes is None else f"{self.memory_bytes / 2**30:.1f} GiB"
        return [
            f"CPU: {self.cpu}, {self.architecture}, {self.cores or '?'} cores"
            f" ({self.usable_cores or '?'} usable){governor}{load}",
            f"instruction sets: {' '.join(self.instruction_sets) or 'not reported'}",
            f"caches of a core: {', '.join(self.caches) or 'not reported'}; memory: {memory}",
            *(f"accelerator: {name}" for name in self.accelerators),
            f"system: {self.system}{f', Linux {self.kernel}' if self.kernel else ''}",
            f"versions: {', '.join(self.versions)}; providers: {', '.join(self.providers)}",
        ]


def describe() -> Device:
    """Describe the device that this process runs on."""
    return Device(
        cpu=_cpu(),
        architecture=platform.machine(),
        cores=os.cpu_count(),
        usable_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        instruction_sets=_instruction_sets(),
        caches=_caches(),
        memory_bytes=_memory(),
        accelerators=tuple(_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()),
        system=_system(),
        kernel=platform.release() if sys.platform == "linux" else "",
        frequency_governor=_read(CPU / "cpufreq/scaling_governor") or None,
        load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        providers=_providers(),
        versions=_versions(),
    )


def _read(path: Path) -> str:
    """The text of a system file; "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _output(*command: str) -> str:
    """The output of a command; "" if it fails or does not exist."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _cpu_field(*keys: str) -> str:
    """The value of the first of `keys` that /proc/cpuinfo contains; "" if it contains none."""
    information = _read(Path("/proc/cpuinfo"))
    for key in keys:
        match = re.search(rf"^{key}\s*:\s*(.+)$", information, re.MULTILINE)
        if match:
            return match[1]
    return ""


def _cpu() -> str:
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    # Boards with ARM processors give their name in the device tree.
    board = _read(Path("/proc/device-tree/model")).rstrip("\0")
    return _cpu_field("model name", "uarch", "Hardware") or board or platform.processor() or "unknown processor"


def _instruction_sets() -> tuple[str, ...]:
    if sys.platform == "linux":
        found = set(_cpu_field("flags", "Features", "isa").split())
        return tuple(name for name in INSTRUCTION_SETS if name in found)
    import numpy as np

    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return tuple(extensions.get("baseline", [])) + tuple(extensions.get("found", []))


def _caches() -> tuple[str, ...]:
    if sys.platform == "darwin":
        sizes = {
            name: _output("sysctl", "-n", key) for name, key in (("L1d", "hw.l1dcachesize"), ("L2", "hw.l2cachesize"))
        }
        return tuple(f"{name} {int(size) // 1024}K" for name, size in sizes.items() if size.isdigit())
    found = []
    for cache in sorted(CPU.glob("cache/index*")):
        letter = {"Data": "d", "Instruction": "i"}.get(_read(cache / "type"), "")
        found.append(f"L{_read(cache / 'level')}{letter} {_read(cache / 'size')}")
    return tuple(found)


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _system() -> str:
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            pass
    return f"macOS {platform.mac_ver()[0]}" if sys.platform == "darwin" else platform.platform(aliased=True, terse=True)


def _providers() -> tuple[str, ...]:
    try:
        onnxruntime = import_onnxruntime()
    except Exception:  # a broken installation fails in many ways, and the n-gram model does not need ONNX Runtime
        return ()
    return tuple(name.removesuffix("ExecutionProvider").lower() for name in onnxruntime.get_available_providers())


def _versions() -> tuple[str, ...]:
    found = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return tuple(found)
