"""One client: reads its requests, works on them in their order within a field, and replies as soon as each is done."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from foretype.runtime.serving import messages, methods
from foretype.runtime.serving.fields import ACTIONS, Field, LoadedModels, Stores
from foretype.runtime.serving.lines import LONGEST_LINE, Lines
from foretype.runtime.serving.messages import Fault, Request

MOST_WAITING = 1000
"""Requests of one client that may be unanswered at a time."""
_log = logging.getLogger("foretype")


class Channel(Protocol):
    """The two directions of a client."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises OSError."""

    async def write(self, data: bytes) -> None:
        """Write all of `data`, and wait while the client is slow. Raises OSError if it is gone."""


class Host(Protocol):
    """What the clients of one process share. fields: those that are open."""

    models: LoadedModels
    stores: Stores
    pool: ThreadPoolExecutor
    fields: set[Field]


class _Work:
    """A request that is not answered yet.

    field: whose turn it needs; None for no field's. quick: whether to run it at once, in the thread of the event loop.
    """

    def __init__(self, call: Callable[[], Any], field: Field | None = None, quick: bool = False) -> None:
        self.field = field
        self.quick = quick
        self._call = call
        self._running: Future[Any] | None = None
        self._cancelled = False
        if field is not None and not quick:
            field.waiting += 1

    async def run(self, pool: Executor) -> Any:
        """Run in the pool when it is the field's turn. Raises Fault if it was cancelled before."""
        if self.field is None:
            return await self._in(pool)
        self.field.used = time.monotonic()
        if self.quick:
            return self._call()
        try:
            async with self.field.turn:
                self.field.resting = False
                return await self._in(pool)
        finally:
            self.field.waiting -= 1
            self.field.used = time.monotonic()

    def cancel(self) -> None:
        """Do not run; if it runs already, answer sooner."""
        self._cancelled = True
        if self._running is not None and not self._running.cancel() and self.field is not None:
            self.field.session.cancel()

    async def _in(self, pool: Executor) -> Any:
        if not self._cancelled:
            self._running = pool.submit(self._call)
            try:
                return await asyncio.wrap_future(self._running)
            except asyncio.CancelledError:
                if not self._running.cancelled():
                    raise
        raise Fault(messages.CANCELLED, "cancelled")


class Connection:
    """The requests and the fields of one client."""

    def __init__(self, host: Host, channel: Channel) -> None:
        self._host = host
        self._channel = channel
        self._fields: dict[int, Field] = {}
        self._numbers = itertools.count(1)
        self._work: dict[object, _Work] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._gone = False

    async def serve(self) -> None:
        """Answer until the client's input ends, then what is still unanswered; close its fields."""
        lines = Lines()
        try:
            while not self._gone and (data := await self._channel.read()):
                for line in lines.feed(data):
                    await self._take(line)
            await self._take(lines.rest())
        except OSError:
            self._gone = True
        except asyncio.CancelledError:
            self._gone = True
            raise
        finally:
            if self._gone:
                for work in list(self._work.values()):
                    work.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            for field in self._fields.values():
                self._host.fields.discard(field)
                self._host.stores.give_back(field.store)

    async def _take(self, line: bytes | None) -> None:
        """Begin the work on one line, or reply that it cannot be done."""
        if line is None:
            fault = Fault(messages.LINE_TOO_LONG, f"the line is too long; expected at most {LONGEST_LINE} bytes")
            await self._send(messages.error_reply(None, fault))
            return
        if not line.strip():
            return
        try:
            request = messages.read_request(line)
        except Fault as fault:
            await self._send(messages.error_reply(fault.id, fault))
            return
        key: object = object() if request.id is UNSET else request.id
        try:
            if key in self._work:
                raise Fault(messages.INVALID_REQUEST, f"id {request.id!r} is in use by a request without a reply")
            if len(self._tasks) >= MOST_WAITING:
                raise Fault(messages.TOO_MANY_REQUESTS, f"{MOST_WAITING} requests wait for a reply")
            work = self._begin(request)
        except Fault as fault:
            await self._refuse(request, fault)
            return
        if work.quick:
            await self._answer(request, key, work)
            return
        self._work[key] = work
        task = asyncio.create_task(self._answer(request, key, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request, key: object, work: _Work) -> None:
        try:
            result = await work.run(self._host.pool)
            if isinstance(result, Field):
                result = self._opened(result)
        except Exception as error:
            fault = messages.fault_of(error)
            if fault.code == messages.INTERNAL_ERROR:
                _log.error("%s: %s", request.method, fault)
            self._work.pop(key, None)
            await self._refuse(request, fault)
            return
        self._work.pop(key, None)
        if request.id is not UNSET:
            await self._send(messages.reply(request.id, result))

    async def _refuse(self, request: Request, fault: Fault) -> None:
        if request.id is not UNSET:
            await self._send(messages.error_reply(request.id, fault))

    async def _send(self, data: bytes) -> None:
        async with self._writing:
            if self._gone:
                return
            try:
                await self._channel.write(data)
            except OSError:
                self._gone = True

    # --- Methods

    def _begin(self, request: Request) -> _Work:
        """The work that this request asks for. Raises Fault if there is no such method, or it cannot be called so."""
        method = request.method
        if method not in methods.METHODS:
            raise Fault(messages.UNKNOWN_METHOD, f"{method}: no such method; choose from {', '.join(methods.METHODS)}")
        params = messages.read_params(request, methods.METHODS[method][0])
        if method in ACTIONS:
            field, action = self._field(params.field), ACTIONS[method]
            return _Work(lambda: action(field, params), field, field.is_quick(params))
        if method == "close":
            field = self._field(params.field)
            del self._fields[params.field]
            self._host.fields.discard(field)
            return _Work(lambda: self._closed(field), field)
        if method == "info":
            described = None if params.field is None else self._field(params.field)
            return _Work(lambda: self._info(described), described)
        if method == "cancel":
            if params.id in self._work:
                self._work[params.id].cancel()
            return _Work(methods.Done)
        return _Work(lambda: self._open(params) if method == "open" else self._hello(params))

    def _field(self, number: int) -> Field:
        if number not in self._fields:
            raise Fault(messages.UNKNOWN_FIELD, f"field is {number}; no such field is open here")
        return self._fields[number]

    def _hello(self, asked: methods.Hello) -> methods.Welcome:
        from foretype.runtime import __version__
        from foretype.runtime.files.installed import listed_models

        if asked.protocol not in (None, messages.PROTOCOL):
            raise Fault(
                messages.INVALID_PARAMS, f"protocol is {asked.protocol}; this server speaks {messages.PROTOCOL}"
            )
        models = [
            methods.ListedModel(model.name, model.description, model.bytes, model.default)
            for model in listed_models()
            if model.fault is None
        ]
        return methods.Welcome("foretype", __version__, messages.PROTOCOL, models)

    def _open(self, asked: methods.Open) -> Field:
        model = self._host.models.get(asked.model)
        store = self._host.stores.take(asked.store, asked.profile)
        try:
            return Field(model, asked, store)
        except Exception:
            self._host.stores.give_back(store)
            raise

    def _opened(self, field: Field) -> methods.Opened:
        number = next(self._numbers)
        self._fields[number] = field
        self._host.fields.add(field)
        return methods.Opened(number, field.model.engine, field.session.notice)

    def _closed(self, field: Field) -> methods.Done:
        self._host.stores.give_back(field.store)
        return methods.Done()

    def _info(self, field: Field | None) -> msgspec.Struct:
        from foretype.runtime import __version__

        loaded = self._host.models.names()
        server = methods.Described(__version__, os.getpid(), len(self._host.fields), loaded)
        if field is None:
            return server
        session = field.session
        return msgspec.structs.replace(
            server,
            model=field.model.info(),
            private=session.private,
            notice=session.notice,
            offsets=field.offsets,
        )
