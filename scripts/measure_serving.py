"""Measures `foretype serve`: milliseconds of an answer while many type at once, and memory of idle fields. Linux only.

python scripts/measure_serving.py [--clients 100] [--keys 100] [--idle 1000]

Each client has a connection and a field of its own, types a key every PAUSE seconds and asks for three words each time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foretype.runtime.bench.benchmark_text import benchmark_text

PAUSE = 0.2
"""Seconds from one key of a client to its next: 60 words a minute."""
REST = 1.0
"""Seconds after which the server lets an unused field rest."""
WORDS = 20
"""Words typed in each field before it is idle."""


class Client:
    """A connection that waits for each reply before it sends again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: Path) -> Client:
        while not path.exists():
            await asyncio.sleep(0.05)
        return cls(*await asyncio.open_unix_connection(str(path)))

    async def call(self, method: str, **params: Any) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self._writer.write(json.dumps(message).encode() + b"\n")
        return json.loads(await self._reader.readline())["result"]


async def type_keys(path: Path, text: str, keys: int) -> list[float]:
    """Type the first `keys` letters of `text`; the seconds of each answer."""
    client = await Client.connect(path)
    field = (await client.call("open"))["field"]
    await client.call("suggest", field=field, text="")
    await asyncio.sleep(random.uniform(1, 1 + PAUSE))
    delays = []
    for end in range(1, keys + 1):
        sent = time.perf_counter()
        await client.call("suggest", field=field, text=text[:end])
        delays.append(time.perf_counter() - sent)
        await asyncio.sleep(max(0.0, sent + PAUSE - time.perf_counter()))
    return delays


async def memory_of_idle_fields(path: Path, text: str, idle: int) -> float:
    """Megabytes that the server needs for `idle` fields in which people typed, beside what it needed before."""
    client = await Client.connect(path)
    process, before = (await client.call("info"))["process"], 0.0
    for number in range(1 + idle):  # the first one, to load the model and what it prepares
        if number == 1:
            await asyncio.sleep(3 * REST)
            before = resident(process)
        field = (await client.call("open"))["field"]
        words = text[(7 * number) % (len(text) // 2) :].split(" ")[:WORDS]
        for end in range(1, len(words) + 1):
            await client.call("suggest", field=field, text=" ".join(words[:end]) + " ")
    await asyncio.sleep(3 * REST)
    return resident(process) - before


def resident(process: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def server(bundle: str, *options: str) -> Iterator[Path]:
    """The socket of a new server."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        command = [sys.executable, "-m", "foretype.tui.cli", "serve", "--bundle", bundle]
        process = subprocess.Popen([*command, "--socket", str(path), *options])
        try:
            yield path
        finally:
            process.terminate()
            process.wait()


async def measure(bundle: str, clients: int, keys: int, idle: int) -> dict[str, float]:
    """Measure the answers and the memory, each in a server of its own, and return the figures."""
    text = " ".join(benchmark_text().split())
    starts = [text[37 * number % (len(text) - keys) :] for number in range(clients)]
    with server(bundle) as path:
        typed = await asyncio.gather(*(type_keys(path, start, keys) for start in starts))
    with server(bundle, "--rest", str(REST)) as path:
        megabytes = await memory_of_idle_fields(path, text, idle)
    delays = sorted(delay for one in typed for delay in one)
    return {
        "clients": clients,
        "answers": len(delays),
        "answer_ms_p50": round(1e3 * delays[len(delays) // 2], 2),
        "answer_ms_p99": round(1e3 * delays[int(len(delays) * 0.99)], 2),
        "idle_fields": idle,
        "idle_mb": round(megabytes, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100, help="People who type at the same time.")
    parser.add_argument("--keys", type=int, default=100, help="Keys that each of them types.")
    parser.add_argument("--idle", type=int, default=1000, help="Fields that are open and idle.")
    parser.add_argument("--bundle", default="en", help="Name or folder of a bundle.")
    print(json.dumps(asyncio.run(measure(**vars(parser.parse_args())))))
