"""Tokenised text on disk: one stream of ids per corpus, memory-mapped when read.

A document is `<s> line </s> line </s> ...`; documents follow one another. The n-gram model reads every line as a
sentence; the neural model reads the stream through. Streams may be larger than memory: they are built, shuffled and
written on disk, a piece at a time.
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
"""Tokens that are in memory at a time."""
_FAULT_AROUND = 1 << 16
"""Bytes of a mapped file that Linux brings in where one of them is touched."""
_DTYPES = {np.dtype(np.uint16): "U16", np.dtype(np.uint32): "U32"}


def encode_document(form: TextForm, document: Document) -> list[int]:
    """Token ids of one document, `<s>` first and `</s>` after each line."""
    ids = [DOCUMENT_START_ID]
    for line in document:
        ids += form.encode_text(line)[0]
        ids.append(LINE_END_ID)
    return ids


_forms: dict[Path, TextForm] = {}


def _encode_batch(folder: Path, documents: Sequence[Document]) -> list[NDArray[np.uint32]]:
    """Encode in a worker process, which reads the text form from `folder` once."""
    if folder not in _forms:
        _forms[folder] = load_text_form(folder)
    return [np.array(encode_document(_forms[folder], document), np.uint32) for document in documents]


def thin(documents: Iterable[NDArray[np.uint32]], weight: float, seed: str) -> Iterator[NDArray[np.uint32]]:
    """Keep the share `weight` of documents (below 1), or repeat them (above), by a draw that `seed` fixes."""
    draw = random.Random(seed)
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
    """Encode texts with the text form stored in `folder` into one stream.

    texts: name and documents of each source.
    weights: source name -> share of its documents to keep; sources not named are kept whole.
    cap: at most about this many tokens of each source, None for all.
    done: told each source and its number of tokens.

    The stream is uint16 where the vocabulary allows. It is mapped, read-only, from a file in `folder` that has no
    name and is gone when the stream is. Raises CorpusError when there is no text in it.
    """
    form = _forms[folder] = load_text_form(folder)
    stream = DiskArray(np.uint16 if len(form.vocabulary) <= 1 << 16 else np.uint32, folder)
    for name, documents in texts:
        encoded = map_batches(partial(_encode_batch, folder), documents)
        before = len(stream)
        for document in thin(chain.from_iterable(encoded), (weights or {}).get(name, 1.0), name):
            stream.append(document)
            if cap is not None and len(stream) - before >= cap:
                break
        done(name, len(stream) - before)
    if not len(stream):
        raise CorpusError("the text is empty, or the weights leave nothing of it")
    return stream.mapped()


def document_starts(stream: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """Where the documents of `stream` begin, int64 [documents]."""
    starts = []
    for position in range(0, len(stream), _PIECE):
        starts.append(position + np.flatnonzero(stream[position : position + _PIECE] == DOCUMENT_START_ID))
        release(stream)
    return np.concatenate(starts)


def shuffle_documents(
    stream: NDArray[np.unsignedinteger], seed: int, *, folder: Path | None = None
) -> NDArray[np.unsignedinteger]:
    """The documents of `stream` in an order that `seed` fixes, so that sources alternate.

    The result is mapped from a file without a name, as that of `build_stream`, in `folder` or else the system's
    temporary folder. Memory holds no more than 24 bytes for each document.
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
    """Write `stream` as files of at least `tokens` tokens and whole documents, the last one shorter; returns them.

    So each worker of a cluster, or each process, may take some of it.
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
    """Map a stream written by `write_stream`. Raises TableError when the file is damaged, CorpusError when missing."""
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; finish the run with `foretype train --resume`")
    tables, _ = read_tables(path)
    if "ids" not in tables:
        raise TableError(f"{path}: not a token stream: it holds no tensor 'ids'")
    return tables["ids"]
