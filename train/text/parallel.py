"""Processes batches of documents in several processes, with results in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from multiprocessing.pool import AsyncResult
from typing import TypeVar

from foretype.runtime.text.corpus import Document

Result = TypeVar("Result")
_BATCH_CHARACTERS = 2_000_000


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Group documents into lists of about two million characters."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += sum(map(len, document))
        if size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def map_batches(function: Callable[[list[Document]], Result], documents: Iterable[Document]) -> Iterator[Result]:
    """Apply `function` to batches of documents, in order. A single batch is processed in this process.

    Only a few batches are in memory at a time: documents are read as fast as results are taken.
    """
    groups = batches(documents)
    first = next(groups, None)
    second = next(groups, None)
    if first is None:
        return
    if second is None:
        yield function(first)
        return
    context = multiprocessing.get_context("spawn")
    # Ctrl+C reaches all processes of a terminal. Workers ignore it, because this process ends them.
    processes = min(os.cpu_count() or 1, 8)
    pending: deque[AsyncResult[Result]] = deque()
    with context.Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for group in chain([first, second], groups):
            pending.append(pool.apply_async(function, (group,)))
            if len(pending) > 2 * processes:
                yield pending.popleft().get()
        while pending:
            yield pending.popleft().get()
