"""Calls of one session never overlap, even if their callers are cancelled; between them, an idle session rests."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from foretype.runtime import load
from foretype.runtime.engines.step_graph import NeuralModel
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


async def test_the_running_call_of_a_cancelled_caller_ends_early(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The neural model, which would run for very long, is stopped; the n-gram model answers."""
    turns = Turns(load(tiny_bundle).session())
    run, started = NeuralModel.run, threading.Event()
    engines: list[str] = []

    def endless(neural: NeuralModel, ids: tuple[int, ...], state: object, options: object) -> object:
        started.set()
        return run(neural, ids * 3_000_000, state, options)  # type: ignore[arg-type]

    monkeypatch.setattr(NeuralModel, "run", endless)
    first = asyncio.ensure_future(turns.run(lambda session: engines.append(session.suggest("I love the ").engine)))
    await asyncio.to_thread(started.wait, 10)
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.wait([first], timeout=30)
    assert first.cancelled()
    assert engines == ["ngram"]


async def test_a_session_rests_when_it_is_idle_and_not_sooner(tiny_bundle: Path) -> None:
    session = load(tiny_bundle).session()
    turns = Turns(session, rest=0.4)
    found = await turns.run(lambda session: session.suggest("I love the "))
    read = session._reader
    await asyncio.sleep(0.25)
    await turns.run(lambda session: time.sleep(0.25))
    await asyncio.sleep(0.2)  # longer ago than the first call, not than the second
    assert session._reader is read
    await asyncio.sleep(0.4)
    assert session._reader is not read
    assert await turns.run(lambda session: session.suggest("I love the ")) == found


async def test_a_call_that_is_not_wanted_any_more_is_left_out(tiny_bundle: Path) -> None:
    turns = Turns(load(tiny_bundle).session())
    assert await turns.run(lambda session: 1, lambda: False) is None
    assert await turns.run(lambda session: 1) == 1
