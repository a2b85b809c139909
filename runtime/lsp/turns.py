"""Runs the calls of one session in a thread, one after the other, so that the server goes on reading meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from foretype.runtime.text_session import TextSession

T = TypeVar("T")
REST_SECONDS = 60.0
"""A session that is not called for this long frees its memory."""


class Turns:
    """A session that is called from an event loop. rest: seconds without a call after which it rests."""

    def __init__(self, session: TextSession, rest: float = REST_SECONDS) -> None:
        self.session = session
        self._turn = asyncio.Lock()
        self._rest = rest
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, call: Callable[[TextSession], T], wanted: Callable[[], bool] = lambda: True) -> T | None:
        """Return `call(session)`; None if it is not wanted any more when its turn comes.

        If the caller is cancelled, a running call ends at once, and the next one waits for its end.
        """
        async with self._turn:
            if not wanted():
                return None
            if self._timer is not None:
                self._timer.cancel()
            running = asyncio.ensure_future(asyncio.to_thread(call, self.session))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                self.session.cancel()
                await asyncio.wait([running])
                raise
            finally:
                self._timer = asyncio.get_running_loop().call_later(self._rest, self._let_rest)

    def _let_rest(self) -> None:
        if not self._turn.locked():  # otherwise, a call begins, and rests later
            self.session.rest()
