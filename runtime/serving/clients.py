"""The clients that are connected to one server; it ends when there were none for a while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from foretype.runtime.serving.connection import Channel, Connection, Host


class Clients:
    """Serves clients, and sets `stop` when none was connected for `idle` seconds; 0 for never."""

    def __init__(self, host: Host, idle: float, stop: asyncio.Event) -> None:
        self._host = host
        self._idle = idle
        self._stop = stop
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._expect()

    async def serve(self, channel: Channel) -> None:
        """Serve one client until it leaves or the server stops. Call it in a task of its own."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        if self._timer is not None:
            self._timer.cancel()
        try:
            with suppress(asyncio.CancelledError):  # the server stops
                await Connection(self._host, channel).serve()
        finally:
            self._tasks.discard(task)
            self._expect()

    async def close(self) -> None:
        """End all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _expect(self) -> None:
        if self._idle and not self._tasks:
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._stop.set)
