"""Calls of one session never overlap, even if their callers are cancelled."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.lsp.turns import Turns
from foretype.runtime.text_session import TextSession


async def test_the_next_call_waits_for_the_end_of_a_cancelled_one(tiny_bundle: Path) -> None:
    turns = Turns(load(tiny_bundle).session())
    running, started = threading.Event(), threading.Event()

    def slow(session: TextSession) -> None:
        running.set()
        started.set()
        time.sleep(0.2)
        session.suggest("I think that you rem")
        running.clear()

    first = asyncio.ensure_future(turns.run(slow))
    await asyncio.to_thread(started.wait, 5)
    first.cancel()
    assert await turns.run(lambda session: running.is_set()) is False
    assert first.cancelled()


async def test_a_call_that_is_not_wanted_any_more_is_left_out(tiny_bundle: Path) -> None:
    turns = Turns(load(tiny_bundle).session())
    assert await turns.run(lambda session: 1, lambda: False) is None
    assert await turns.run(lambda session: 1) == 1
