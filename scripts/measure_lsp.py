"""Measures the language server: milliseconds from a letter and its completion request to the words.

Opens a long Markdown document, types at its end as an editor would, and asks for completions and ghost text after each
letter.

python scripts/measure_lsp.py [--lines 10000] [--keys 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import IO, Any

from foretype.runtime.bench.benchmark_text import benchmark_text

URI = "file:///measured.md"
PAUSE = 0.02
"""Seconds from one key to the next: about 600 words a minute, so that no idle time hides work."""


class Server:
    """The language server as a process."""

    def __init__(self, bundle: str, home: str) -> None:
        command = [sys.executable, "-m", "foretype.tui.cli", "lsp", "--bundle", bundle]
        environment = {**os.environ, "FORETYPE_HOME": home}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._number = 0

    def tell(self, method: str, params: object, **more: object) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        pipe = _there(self.process.stdin)
        pipe.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        pipe.flush()

    def ask(self, method: str, params: object) -> Any:
        self._number += 1
        self.tell(method, params, id=self._number)
        while (message := self._read()).get("id") != self._number:
            pass
        return message["result"]

    def _read(self) -> dict[str, Any]:
        pipe, length = _there(self.process.stdout), 0
        while (header := pipe.readline().strip()) or not length:
            if header.lower().startswith(b"content-length:"):
                length = int(header.partition(b":")[2])
        message: dict[str, Any] = json.loads(pipe.read(length))
        return message


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def measure(bundle: str, lines: int, keys: int) -> dict[str, float]:
    """Type `keys` letters at the end of a document of `lines` lines; returns the figures."""
    sample = " ".join(benchmark_text().split())
    words = sample.split()
    text = "\n".join(" ".join(words[(7 * n) % len(words) :][:12]) or "The end." for n in range(lines - 1)) + "\n"
    completions, ghosts = [], []
    with tempfile.TemporaryDirectory() as home:
        server = Server(bundle, home)
        try:
            server.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {}})
            server.tell("initialized", {})
            item = {"uri": URI, "languageId": "markdown", "version": 0, "text": text}
            server.tell("textDocument/didOpen", {"textDocument": item})
            start = time.perf_counter()
            at = {"textDocument": {"uri": URI}, "position": {"line": lines - 1, "character": 0}}
            server.ask("textDocument/completion", at)
            first = time.perf_counter() - start
            for number, key in enumerate((sample * (1 + keys // len(sample)))[:keys]):
                start = time.perf_counter()
                place = {"line": lines - 1, "character": number}
                change = {"range": {"start": place, "end": place}, "text": key}
                document = {"uri": URI, "version": number + 1}
                server.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
                at = {"textDocument": {"uri": URI}, "position": {"line": lines - 1, "character": number + 1}}
                server.ask("textDocument/completion", at)
                completions.append(time.perf_counter() - start)
                start = time.perf_counter()
                server.ask("textDocument/inlineCompletion", {**at, "context": {"triggerKind": 2}})
                ghosts.append(time.perf_counter() - start)
                time.sleep(PAUSE)
        finally:
            server.process.kill()
            server.process.communicate()
    return {
        "first_ms": _ms(first),
        **_percentiles("completion", completions),
        **_percentiles("ghost", ghosts),
    }


def _percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"{name}_ms_p50": _ms(ordered[len(ordered) // 2]),
        f"{name}_ms_p99": _ms(ordered[int(len(ordered) * 0.99)]),
        f"{name}_ms_max": _ms(ordered[-1]),
    }


def _ms(seconds: float) -> float:
    return round(1e3 * seconds, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000, help="Lines of the document.")
    parser.add_argument("--keys", type=int, default=1000, help="Letters to type.")
    parser.add_argument("--bundle", default="en")
    options = parser.parse_args()
    print(json.dumps(measure(options.bundle, options.lines, options.keys)))
