"""The server: one process for many clients and fields, over standard streams, a Unix socket or WebSockets."""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from foretype.runtime.engines.loading import EngineName
from foretype.runtime.serving.clients import Clients
from foretype.runtime.serving.connection import Connection
from foretype.runtime.serving.fields import Field, LoadedModels, Stores
from foretype.runtime.serving.unix_socket import UnixSocket

IDLE_SECONDS = 600.0
REST_SECONDS = 60.0
_CHUNK = 1 << 16
_ROOM = getattr(select, "PIPE_BUF", 512)
"""A pipe that can be written to at all has room for so many bytes."""
_WORKERS = 3
"""Threads that answer. Python runs one at a time; the others are inside the network, which needs no Python."""
_SWITCH_SECONDS = 0.0005
"""Python's default of 5 ms, for which one thread may keep others waiting, is longer than most answers take."""


class Server:
    """What the clients of this process share: models, stores, threads and open fields.

    bundle, engine: the model of fields that name none. rest: seconds after which an unused field frees its memory.
    """

    def __init__(self, bundle: Path | None = None, engine: EngineName = "auto", *, rest: float = REST_SECONDS) -> None:
        self.models = LoadedModels(bundle, engine)
        self.stores = Stores()
        self.pool = ThreadPoolExecutor(_WORKERS, "foretype")
        self.fields: set[Field] = set()
        self._rest = rest
        self._stop = asyncio.Event()

    def serve_standard(self) -> None:
        """Serve standard input and output until the input ends."""
        self._run(self._serve_standard())

    def serve_socket(self, path: Path, idle: float = IDLE_SECONDS) -> None:
        """Serve clients at a Unix socket until none was connected for `idle` seconds; 0 for ever.

        Raises as `UnixSocket`.
        """
        unix = UnixSocket(path)
        try:
            self._run(self._serve_socket(unix, idle))
        finally:
            unix.close()

    def serve_http(
        self, port: int, origins: Sequence[str] = (), idle: float = IDLE_SECONDS, told: Callable[[str], None] = print
    ) -> None:
        """Serve clients at a WebSocket of the loopback address, like `serve_socket`.

        port: 0 for any free one. origins: as in `serve_web_sockets`. told: gets one line with the address and the file
        of the token. Raises ModuleNotFoundError without the extra `http`; otherwise as `listen` and `read_token`.
        """
        from foretype.runtime.serving.web_socket import ADDRESS, listen, read_token, token_path

        token = read_token()
        with listen(port) as listener:
            told(f"listening at ws://{ADDRESS}:{listener.getsockname()[1]}; the token is in {token_path()}")
            self._run(self._serve_http(listener, token, origins, idle))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        asyncio.run(self._until_stopped(work))
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` until it is done, or SIGTERM, SIGINT or idleness stops it."""
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # Windows
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
        resting = asyncio.create_task(self._let_fields_rest())
        tasks = [asyncio.create_task(work), asyncio.create_task(self._stop.wait())]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in [*tasks, resting]:
            task.cancel()
        await asyncio.gather(*tasks, resting, return_exceptions=True)
        for task in done:
            task.result()

    async def _serve_standard(self) -> None:
        await Connection(self, _Standard()).serve()

    async def _serve_socket(self, unix: UnixSocket, idle: float) -> None:
        clients = Clients(self, idle, self._stop)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await clients.serve(_Stream(reader, writer))
            finally:
                writer.close()

        listening = await asyncio.start_unix_server(serve, sock=unix.listener)
        try:
            await self._stop.wait()
        finally:
            listening.close()
            await clients.close()

    async def _serve_http(self, listener: socket.socket, token: str, origins: Sequence[str], idle: float) -> None:
        from foretype.runtime.serving.web_socket import serve_web_sockets

        clients = Clients(self, idle, self._stop)
        listening = await serve_web_sockets(listener, token, origins, clients)
        try:
            await self._stop.wait()
        finally:
            listening.close()
            await clients.close()
            await listening.wait_closed()

    async def _let_fields_rest(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._rest / 4)
            unused = time.monotonic() - self._rest
            idle = [field for field in self.fields if field.used < unused and not field.resting]
            for field in idle:
                async with field.turn:
                    if field.used < unused and not field.waiting:
                        await loop.run_in_executor(self.pool, field.rest)
            if idle:
                await loop.run_in_executor(self.pool, _return_memory)


def _return_memory() -> None:
    """Return freed memory to the system where the C library is glibc, which keeps much of it otherwise."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class _Stream:
    """A client at a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


class _Standard:
    """The client at standard input and output, whatever these are: pipes, files or a terminal."""

    def __init__(self) -> None:
        # Whatever else this process prints must not come between the replies.
        self._output = os.dup(1)
        os.dup2(2, 1)
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(4)
        self._loop = asyncio.get_running_loop()
        # A daemon, because nothing can wake it from reading when the server is stopped.
        threading.Thread(target=self._read_all, daemon=True).start()

    async def read(self) -> bytes:
        return await self._chunks.get()

    async def write(self, data: bytes) -> None:
        if self._has_room(data):
            self._write_all(data)
        else:
            await asyncio.to_thread(self._write_all, data)

    def _has_room(self, data: bytes) -> bool:
        """Whether writing `data` returns at once; False where the system does not tell, as on Windows."""
        with suppress(OSError, ValueError):
            return len(data) <= _ROOM and self._output in select.select([], [self._output], [], 0)[1]
        return False

    def _read_all(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server was stopped
            while True:
                data = os.read(0, _CHUNK)
                asyncio.run_coroutine_threadsafe(self._chunks.put(data), self._loop).result()
                if not data:
                    return

    def _write_all(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._output, data) :]
