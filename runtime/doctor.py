"""Tells what works on this machine and what does not, without private data: for a person, or for a bug report."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from foretype.runtime.engines.providers import available, import_onnxruntime
from foretype.runtime.engines.telemetry import VARIABLE, telemetry_notice
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.files.finding import find_bundle
from foretype.runtime.files.user_folder import identity
from foretype.runtime.model import load
from foretype.runtime.personal.settings import store_path

OK, WARNING, FAILED = "ok", "warning", "failed"
_PROBE = "I would lik"
_EXTRAS = {"http": "websockets", "lsp": "pygls", "plots": "matplotlib", "train": "torch"}
"""Optional extras of the package, each with a module that it installs."""


@dataclass(frozen=True)
class Finding:
    """One line of the report. topic: what was looked at. text: what was found; the user's folder is written as ~.

    state: `OK`; `WARNING` if something works less well; `FAILED` if something essential does not work.
    """

    topic: str
    text: str
    state: str = OK


def examine(bundle: str | Path | None = None, profile: str = "default") -> list[Finding]:
    """Examine this machine: versions, platform, processor, ONNX Runtime, telemetry, model, a suggestion and the store.

    bundle: as for `load`. Changes nothing, and raises nothing: what cannot be examined has failed.
    """
    checks: dict[str, Callable[[], tuple[str, str]]] = {
        "foretype": lambda: (f"{version('foretype')}, {_extras()}", OK),
        "python": lambda: (f"{platform.python_implementation()} {platform.python_version()}", OK),
        "platform": lambda: (f"{_system()}, {platform.machine()}", OK),
        "processor": _processor,
        "onnxruntime": _onnxruntime,
        "telemetry": _telemetry,
        "model": lambda: _model(find_bundle(bundle)),
        "suggestion": lambda: _suggestion(find_bundle(bundle)),
        "store": lambda: _store(store_path(profile)),
    }
    return [finding(topic, check) for topic, check in checks.items()]


def finding(topic: str, check: Callable[[], tuple[str, str]]) -> Finding:
    """Run a check that returns a text and a state; an exception is a failure."""
    try:
        text, state = check()
    except Exception as error:  # whatever is broken here is what the report is for
        name = "" if type(error).__module__.startswith("foretype.") else f"{type(error).__name__}: "
        text, state = f"{name}{error}", FAILED
    return Finding(topic, without_home(" ".join(text.split())), state)


def without_home(text: str) -> str:
    """Replace the path of the user's folder by ~, so that no user name is told."""
    homes = {os.path.expanduser("~"), os.path.realpath(os.path.expanduser("~"))}
    if sys.platform != "win32":
        import pwd

        homes |= {entry.pw_dir for entry in pwd.getpwall() if entry.pw_uid == os.getuid()}
    for home in sorted(homes, key=len, reverse=True):
        if len(home.rstrip("/\\")) > 1:
            text = re.sub(re.escape(home.rstrip("/\\")) + r"(?![\w.-])", "~", text)
    return text


def _extras() -> str:
    found = [extra for extra, module in _EXTRAS.items() if find_spec(module) is not None]
    return f"extras {', '.join(found)}" if found else "no extras"


def _system() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.system()} {platform.release()}"
    except (OSError, KeyError, AttributeError):
        return platform.platform(aliased=True, terse=True)


def _processor() -> tuple[str, str]:
    import numpy as np

    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    found = {name.upper() for name in (*extensions.get("baseline", ()), *extensions.get("found", ()))}
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"{os.cpu_count()} cores", OK
    if "AVX2" in found or "X86_V3" in found:
        return f"{os.cpu_count()} cores, AVX2", OK
    return f"{os.cpu_count()} cores, without AVX2: the neural model is slow", WARNING


def _onnxruntime() -> tuple[str, str]:
    try:
        onnxruntime = import_onnxruntime()
        return f"{onnxruntime.__version__}, providers {', '.join(available())}", OK
    except Exception as error:
        return f"does not work, so the n-gram model answers alone ({error})", WARNING


def _telemetry() -> tuple[str, str]:
    notice = telemetry_notice()
    if notice or os.environ.get(VARIABLE) != "1":
        return notice or f"{VARIABLE} is not 1, so that of ONNX Runtime may be on", WARNING
    return f"off ({VARIABLE}=1)", OK


def _model(folder: Path) -> tuple[str, str]:
    bundle = Bundle.open(folder)
    bundle.check()
    return f"{bundle.name} in {folder}; {len(bundle.manifest['files'])} files, checksums match", OK


def _suggestion(folder: Path) -> tuple[str, str]:
    began = time.perf_counter()
    model = load(folder)
    loaded = time.perf_counter()
    found = model.session().suggest(_PROBE, k=1)
    done = time.perf_counter()
    if not found:
        return f"none for {_PROBE!r} ({model.engine})", FAILED
    text = f"{found[0].text!r} in {(done - loaded) * 1000:.1f} ms; {model.engine}, loaded in"
    text += f" {(loaded - began) * 1000:.0f} ms"
    return (f"{text}; {model.notice}", WARNING) if model.notice else (text, OK)


def _store(path: Path) -> tuple[str, str]:
    if not os.path.lexists(path):
        return f"none yet in {path.parent}", OK
    identity(path)
    if sys.platform != "win32" and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        return f"{path}: mode {mode:o}; others may read it, expected 600", FAILED
    # Reading a store that nobody has open would leave a WAL beside it, unless it is said not to change.
    how = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
    try:
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    finally:
        connection.close()
    if damage != "ok":
        return f"{path}: damaged ({damage})", FAILED
    return f"{path}: readable, private, {path.stat().st_size / 1000:.0f} kB", OK
