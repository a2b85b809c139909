"""One predictive-typing system: a process that answers the protocol of `foretype serve` over its standard input."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from foretype.runtime.errors import EngineError

PATIENCE = 60.0
"""Seconds to wait for one answer, or for the first one after the start."""


@dataclass(frozen=True)
class System:
    """How to start a system.

    name: what the report calls it. command: starts it. files: what it reads from disk, for its size. environment:
    variables to set. trained: seconds that its training took; None if it comes trained.
    """

    name: str
    command: tuple[str, ...]
    files: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    trained: float | None = None

    def size(self) -> int | None:
        """Bytes of its data on disk; None if it does not say which files it reads."""
        files = [file for path in self.files for file in ([path] if path.is_file() else path.rglob("*"))]
        return sum(file.stat().st_size for file in files if file.is_file()) if self.files else None


class Running:
    """A started system, with one field open.

    load: seconds from its start to its first suggestions. seconds: of each request since, as its client sees them.
    Raises EngineError if it cannot be started, ends, reports an error, or does not answer in time.
    """

    def __init__(self, system: System) -> None:
        self.seconds: list[float] = []
        self._name = system.name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open while the process runs
        self._since: float | None = None
        begin = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                system.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **system.environment},
            )
        except OSError as error:
            self._errors.close()
            raise EngineError(f"{system.name}: cannot start {system.command[0]}: {error.strerror}") from error
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self._call("hello")
            self._field = self._open()
            self.suggest("", 3)
        except EngineError:
            self.stop()
            raise
        self.load = time.perf_counter() - begin
        self.seconds.clear()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def new_field(self) -> None:
        """Close the field and open another, for a text that has nothing to do with the last one."""
        self._call("close", field=self._field)
        self._field = self._open()

    def suggest(self, text: str, k: int) -> list[str]:
        """At most `k` words for the end of `text`, best first."""
        begin = time.perf_counter()
        # No deadline: figures must not depend on the speed of the machine.
        result = self._call("suggest", field=self._field, text=text, k=k, deadline_ms=1e6)
        self.seconds.append(time.perf_counter() - begin)
        return [str(offered["text"]) for offered in result["suggestions"]][:k]

    def memory(self) -> tuple[float, float] | None:
        """Resident memory of the process now and at its peak, in MB; None where the machine has no /proc."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return None
        values = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return int(values["VmRSS"].split()[0]) / 1024, int(values["VmHWM"].split()[0]) / 1024

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _open(self) -> int:
        return int(self._call("open")["field"])

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self._since = time.monotonic()
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        since, self._since = self._since, None
        try:
            reply = json.loads(line)
            if "error" in reply:
                raise EngineError(f"{self._name}: {method}: {reply['error']['message']}")
            return dict(reply["result"])
        except (ValueError, TypeError, KeyError) as error:
            if line:
                raise EngineError(f"{self._name}: {method}: not a reply: {line[:80]!r}") from error
            late = time.monotonic() - since >= PATIENCE
            raise EngineError(
                f"{self._name}: {f'no answer in {PATIENCE:g} s' if late else self._last_words()}"
            ) from None

    def _last_words(self) -> str:
        """Why the process ended, by the last line that it wrote to standard error."""
        self._process.wait(5)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"it ended with status {self._process.returncode}" + (f": {lines[-1]}" if lines else "")

    def _watch(self) -> None:
        """Kill the process when it is late: reading its pipe would wait for ever."""
        while self._process.poll() is None:
            since = self._since
            if since is not None and time.monotonic() - since >= PATIENCE:
                self._process.kill()
            time.sleep(min(1.0, PATIENCE / 4))
