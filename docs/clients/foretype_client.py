"""A client of `foretype serve` for asyncio. Starts the server if nobody listens at the socket.

python foretype_client.py SOCKET "I would lik"
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from typing import Any


class Client:
    """One connection. `await client.call("suggest", field=1, text="I would lik")` returns the result."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def connect(cls, path: str, command: tuple[str, ...] = ("foretype",), seconds: float = 20.0) -> Client:
        """Connect to the server at `path`; start it if necessary, and wait up to so many seconds."""
        server: subprocess.Popen[bytes] | None = None
        for _ in range(int(seconds / 0.05)):
            try:
                return cls(*await asyncio.open_unix_connection(path, limit=1 << 24))
            except (FileNotFoundError, ConnectionRefusedError):
                if server is None:  # of several that start at once, one listens and the others end
                    null = subprocess.DEVNULL
                    run = [*command, "serve", "--socket", path]
                    server = subprocess.Popen(run, stdin=null, stdout=null, stderr=null, start_new_session=True)
                await asyncio.sleep(0.05)
        raise TimeoutError(f"{path}: no server after {seconds:g} s")

    def call(self, method: str, **params: Any) -> asyncio.Future[Any]:
        """Send a request. Cancel the future to cancel the request. Raises RuntimeError with the server's message."""
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        future.add_done_callback(
            lambda done: self._send(method="cancel", params={"id": number}) if done.cancelled() else None
        )
        self._send(id=number, method=method, params=params)
        return future

    def _send(self, **message: Any) -> None:
        self._writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            future = self._waiting.pop(message["id"], None)
            if future is None or future.done():
                continue
            if "error" in message:
                future.set_exception(RuntimeError(message["error"]["message"]))
            else:
                future.set_result(message["result"])
        for future in self._waiting.values():
            future.cancel()

    async def close(self) -> None:
        """Close the connection; the server closes its fields."""
        self._writer.close()
        await self._reading


async def main(path: str, text: str, *command: str) -> None:
    client = await Client.connect(path, command or ("foretype",))
    opened = await client.call("open")
    for word in (await client.call("suggest", field=opened["field"], text=text))["suggestions"]:
        print(word["text"], round(word["probability"], 2))
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
