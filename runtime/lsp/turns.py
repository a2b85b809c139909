"""Runs the calls of one session in a thread, one after the other, so that the server goes on reading meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from foretype.runtime.text_session import TextSession

T = TypeVar("T")


class Turns:
    """A session that is called from an event loop."""

    def __init__(self, session: TextSession) -> None:
        self.session = session
        self._turn = asyncio.Lock()

    async def run(self, call: Callable[[TextSession], T], wanted: Callable[[], bool] = lambda: True) -> T | None:
        """Return `call(session)`; None if it is not wanted any more when its turn comes.

        If the caller is cancelled, a running call ends at once, and the next one waits for its end.
        """
        async with self._turn:
            if not wanted():
                return None
            running = asyncio.ensure_future(asyncio.to_thread(call, self.session))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                self.session.cancel()
                await asyncio.wait([running])
                raise
