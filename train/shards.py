"""Tokenised text on disk: one stream of ids per corpus, memory-mapped when read.

A document is `<s> line </s> line </s> ...`; documents follow one another. The n-gram model reads every line as a
sentence; the neural model reads the stream through.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import CorpusError, TableError
from foretype.runtime.tables import read_tables
from foretype.runtime.text import TextForm
from foretype.runtime.vocabulary import DOCUMENT_START_ID, LINE_END_ID
from foretype.train.corpus import Document
from foretype.train.files import write_tensors
from foretype.train.parallel import map_batches
from foretype.train.tokenizer import load_text_form


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

    The stream is uint16 where the vocabulary allows. Raises CorpusError when there is no text in it.
    """
    form = _forms[folder] = load_text_form(folder)
    dtype = np.uint16 if len(form.vocabulary) <= 1 << 16 else np.uint32
    parts: list[NDArray[np.unsignedinteger]] = []
    for name, documents in texts:
        encoded = map_batches(partial(_encode_batch, folder), documents)
        tokens = 0
        for document in thin(chain.from_iterable(encoded), (weights or {}).get(name, 1.0), name):
            parts.append(document.astype(dtype))
            tokens += len(document)
            if cap is not None and tokens >= cap:
                break
        done(name, tokens)
    if not parts:
        raise CorpusError("the text is empty, or the weights leave nothing of it")
    return np.concatenate(parts)


def shuffle_documents(stream: NDArray[np.unsignedinteger], seed: int) -> NDArray[np.unsignedinteger]:
    """The documents of `stream` in an order that `seed` fixes, so that sources alternate."""
    starts = np.flatnonzero(stream == DOCUMENT_START_ID)
    ends = np.append(starts[1:], len(stream))
    order = np.random.default_rng(seed).permutation(len(starts))
    return np.concatenate([stream[starts[i] : ends[i]] for i in order])


def write_stream(path: Path, stream: NDArray[np.unsignedinteger]) -> None:
    """Write `stream` as the tensor `ids` of a safetensors file."""
    write_tensors(path, {"ids": stream}, {"format": "foretype-stream 1"})


def read_stream(path: Path) -> NDArray[np.unsignedinteger]:
    """Map a stream written by `write_stream`. Raises TableError when the file is damaged, CorpusError when missing."""
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; finish the run with `foretype train --resume`")
    tables, _ = read_tables(path)
    if "ids" not in tables:
        raise TableError(f"{path}: not a token stream: it holds no tensor 'ids'")
    return tables["ids"]
