"""Tokenised text on disk: one stream of ids per corpus, memory-mapped when read.

A stream is a sequence of documents, each `<s> line </s> line </s> ...`. The n-gram model reads every line as a
sentence; the neural model reads the whole stream. Streams may be larger than memory: they are built, shuffled and
written on disk, piece by piece.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import CorpusError, TableError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.tensors import read_tables
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID
from foretype.train.text.disk_array import DiskArray, release
from foretype.train.text.parallel import map_batches
from foretype.train.text.tokenizer import load_text_form

_PIECE = 1 << 20
"""Tokens in memory at a time."""
_FAULT_AROUND = 1 << 16
"""Bytes of a mapped file that Linux loads when one of them is used."""
_DTYPES = {np.dtype(np.uint16): "U16", np.dtype(np.uint32): "U32"}


def encode_document(form: TextForm, document: Document) -> list[int]:
    """Encode one document: `<s>` first, and `</s>` after each line."""
    ids = [DOCUMENT_START_ID]
    for line in document:
        ids += form.encode_text(line)[0]
        ids.append(LINE_END_ID)
    return ids


_forms: dict[Path, TextForm] = {}


def _encode_batch(folder: Path, documents: Sequence[Document]) -> list[NDArray[np.uint32]]:
    """Encode in a worker process, which reads the text form in `folder` once."""
    if folder not in _forms:
        _forms[folder] = load_text_form(folder)
    return [np.array(encode_document(_forms[folder], document), np.uint32) for document in documents]


def thin(documents: Iterable[Document], weight: float, draw: random.Random) -> Iterator[Document]:
    """Keep a random share `weight` of the documents (below 1), or repeat them (above 1); `draw` chooses."""
    for document in documents:
        times = int(weight) + (draw.random() < weight - int(weight))
        yield from [document] * times


def build_stream(
    texts: Iterable[tuple[str, Iterable[Document]]],
    folder: Path,
    *,
    weights: Mapping[str, float] | None = None,
    cap: int | None = None,
    done: Callable[[str, int], None] = lambda *_: None,
) -> NDArray[np.unsignedinteger]:
    """Encode texts into one stream, with the text form stored in `folder`.

    texts: name and documents of each source; a source that comes again is thinned by another choice.
    weights: source name -> share of its documents to keep; 1 by default.
    cap: about the largest number of tokens of each source; None for all.
    done: called with the name of each source and its number of tokens.

    The stream is uint16 if the vocabulary allows, else uint32. It is mapped, read-only, from a file without a name in
    `folder`, which is deleted with the stream. Raises CorpusError if it contains no text.
    """
    form = _forms[folder] = load_text_form(folder)
    stream = DiskArray(np.uint16 if len(form.vocabulary) <= 1 << 16 else np.uint32, folder)
    draws: dict[str, random.Random] = {}
    for name, documents in texts:
        draw = draws.setdefault(name, random.Random(name))
        wanted = thin(documents, (weights or {}).get(name, 1.0), draw)
        before = len(stream)
        for document in chain.from_iterable(map_batches(partial(_encode_batch, folder), wanted)):
            stream.append(document)
            if cap is not None and len(stream) - before >= cap:
                break
        done(name, len(stream) - before)
    if not len(stream):
        raise CorpusError("the text is empty, or its weights leave no documents")
    return stream.mapped()


def document_starts(stream: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """Find where the documents of `stream` begin, int64 [documents]."""
    starts = []
    for position in range(0, len(stream), _PIECE):
        starts.append(position + np.flatnonzero(stream[position : position + _PIECE] == DOCUMENT_START_ID))
        release(stream)
    return np.concatenate(starts)


def shuffle_documents(
    stream: NDArray[np.unsignedinteger], seed: int, *, folder: Path | None = None
) -> NDArray[np.unsignedinteger]:
    """Shuffle the documents of `stream`, so that sources alternate; `seed` fixes the order.

    The result is mapped from a file without a name, as in `build_stream`, in `folder` or the system's temporary
    folder. It needs 24 bytes of memory for each document.
    """
    starts = document_starts(stream)
    ends = np.append(starts[1:], len(stream))
    shuffled = DiskArray(stream.dtype, folder)
    touched = 0
    for i in np.random.default_rng(seed).permutation(len(starts)):
        document = stream[starts[i] : ends[i]]
        shuffled.append(document)
        touched += max(document.nbytes, _FAULT_AROUND)
        if touched > _PIECE * stream.itemsize:
            release(stream)
            touched = 0
    return shuffled.mapped()


def write_stream(path: Path, stream: NDArray[np.unsignedinteger]) -> None:
    """Write `stream`, uint16 or uint32, as the tensor `ids` of a safetensors file, a piece at a time."""
    entry = {"dtype": _DTYPES[stream.dtype], "shape": [len(stream)], "data_offsets": [0, stream.nbytes]}
    header = json.dumps({"__metadata__": {"format": "foretype-stream 1"}, "ids": entry}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for position in range(0, len(stream), _PIECE):
            file.write(np.ascontiguousarray(stream[position : position + _PIECE]).data)
            release(stream)


def write_shards(folder: Path, stream: NDArray[np.unsignedinteger], tokens: int) -> list[Path]:
    """Write `stream` as several files, one for each worker of a cluster, and return their paths.

    Each holds whole documents of at least `tokens` tokens in all; the last may be shorter.
    """
    starts = document_starts(stream)
    cuts = [0]
    while (following := int(np.searchsorted(starts, cuts[-1] + tokens))) < len(starts):
        cuts.append(int(starts[following]))
    paths = [folder / f"{number:05}.safetensors" for number in range(len(cuts))]
    for path, start, end in zip(paths, cuts, [*cuts[1:], len(stream)], strict=True):
        write_stream(path, stream[start:end])
    return paths


def read_stream(path: Path) -> NDArray[np.unsignedinteger]:
    """Map a stream that `write_stream` wrote. Raises TableError if it is damaged, CorpusError if it is missing."""
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; finish the run with `foretype train --resume`")
    tables, _ = read_tables(path)
    if "ids" not in tables:
        raise TableError(f"{path}: not a token stream: it has no tensor 'ids'")
    return tables["ids"]
