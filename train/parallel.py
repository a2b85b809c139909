"""Work on batches of documents in several processes, results in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeVar

from foretype.train.corpus import Document

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
    """Apply `function` to batches of documents, in order; a text of one batch is not worth a second process."""
    groups = batches(documents)
    first = next(groups, None)
    second = next(groups, None)
    if first is None:
        return
    if second is None:
        yield function(first)
        return
    context = multiprocessing.get_context("spawn")
    # Ctrl+C reaches all processes of a terminal: this one ends the others, which need not report it each.
    with context.Pool(min(os.cpu_count() or 1, 8), signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap(function, chain([first, second], groups))
