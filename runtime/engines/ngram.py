"""The n-gram model: a trie from contexts to their continuations, in flat memory-mapped arrays.

The words of a context are stored together, sorted by id, so a few vector operations give the whole distribution
p(w | context): start from the unigrams, and for each longer known context multiply by its backoff and overwrite the
words that it knows. This is the backoff form (Katz 1987) of an interpolated model, as in an ARPA file.

The file holds, for each order n from 1 to `order`, with entries sorted by (context row, word id):

    probs.n             uint8 [entries]     code of p(word | context)
    codebook.n          float32 [256]       the probability of each code

and, from order 2 on:

    words.n             uint16 [entries]    the last word (uint32 if the vocabulary needs it)
    ends.n              uint8, bit map      over the entries: set for the last one of each context
    contexts.n          uint8, bit map      over the entries of order n - 1: set for those with continuations
    backoffs.n          uint8 [contexts]    code of the factor on the lower order, for words the context lacks
    backoff_codebook.n  float32 [256]       the factor of each code

Order 1 has one entry for each word of the vocabulary. Bit maps are little-endian within a byte. The metadata entry
`format` is `foretype-ngram 1`. Codes are rounded, so each distribution is rescaled to sum to 1 when it is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foretype.runtime.errors import TableError
from foretype.runtime.files.tensors import read_tables

FORMAT = "foretype-ngram 1"
"""Name and version of the file format."""
MAX_ORDER = 5
SENTENCE_START = 1
SENTENCE_END = 2

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Order:
    """The entries of one order n >= 2.

    words, probs: [entries]; codebook: float32 [256].
    contexts: uint32 [contexts]; row of each context among the entries of order n - 1, ascending.
    ends: uint32 [contexts + 1]; context i has the entries from ends[i] up to, not including, ends[i + 1].
    backoffs: codes of the backoff factors [contexts]; backoff_codebook: float32 [256].
    """

    words: Array
    probs: Array
    codebook: Array
    contexts: Array
    ends: Array
    backoffs: Array
    backoff_codebook: Array

    def find_context(self, row: int) -> int:
        """Return the index of the context with this row in the order below, or -1."""
        index = int(self.contexts.searchsorted(np.uint32(row)))
        return index if index < len(self.contexts) and self.contexts[index] == row else -1

    def find_entry(self, context: int, word: int) -> int:
        """Return the row of the entry for this word in this context, or -1."""
        begin, end = int(self.ends[context]), int(self.ends[context + 1])
        row = begin + int(self.words[begin:end].searchsorted(self.words.dtype.type(word)))
        return row if row < end and self.words[row] == word else -1


class NgramModel:
    """Computes p(word | last words) over the whole vocabulary. Open one with `NgramModel.open`.

        model = NgramModel.open(Path("ngram.safetensors"))
        probabilities, matched = model.probabilities([1, 512, 77])

    order: length of the longest n-gram. vocab_size: number of tokens.
    """

    def __init__(self, unigrams: Array, orders: Sequence[_Order]) -> None:
        self.order = len(orders) + 1
        self.vocab_size = len(unigrams)
        self._unigrams = unigrams
        self._orders = orders

    @classmethod
    def open(cls, path: Path) -> NgramModel:
        """Map the tables of a file written by `foretype.train.ngrams.estimate`.

        Raises TableError, which names the file, if it is missing, damaged or in another format.
        """
        tables, metadata = read_tables(path)
        if metadata.get("format") != FORMAT:
            raise TableError(f"{path}: its format is {metadata.get('format')!r}, expected {FORMAT!r}")
        return _Reader(path, tables).model()

    def probabilities(self, context: Sequence[int]) -> tuple[Array, int]:
        """Return the distribution of the next word, float32 [vocab], and the number of context words it is based on.

        Only the last `order - 1` ids count, and none before the last `<s>` or `</s>`: both stand for the start of a
        sentence. `<s>` itself has probability 0.
        """
        found = self._find_contexts(context)
        factor = 1.0  # product of the backoffs of all longer contexts
        known = []
        for length, index in reversed(found):
            order = self._orders[length - 1]
            entries = slice(order.ends[index], order.ends[index + 1])
            known.append((order.words[entries].astype(np.intp), order.codebook.take(order.probs[entries]), factor))
            factor *= float(order.backoff_codebook[order.backoffs[index]])
        probabilities = self._unigrams * np.float32(factor)
        for words, values, factor in reversed(known):
            values *= np.float32(factor)
            probabilities[words] = values
        probabilities *= 1 / probabilities.sum()
        return probabilities, found[-1][0] if found else 0

    def _find_contexts(self, context: Sequence[int]) -> list[tuple[int, int]]:
        """Return length and index of each known context that is a suffix of the given one, shortest first."""
        history: list[int] = []
        for word in reversed(context[max(len(context) - self.order + 1, 0) :]):
            if word in (SENTENCE_START, SENTENCE_END):
                history.append(SENTENCE_START)
                break
            history.append(word)
        found = []
        for length in range(1, len(history) + 1):
            index = self._find_context(history[length - 1 :: -1])
            if index >= 0:
                found.append((length, index))
        return found

    def _find_context(self, words: Sequence[int]) -> int:
        """Return the index of the context of exactly these words, oldest first, or -1."""
        row = words[0]
        for order, word in zip(self._orders, words[1:], strict=False):
            index = order.find_context(row)
            row = order.find_entry(index, word) if index >= 0 else -1
            if row < 0:
                return -1
        return self._orders[len(words) - 1].find_context(row)


class _Reader:
    """Checks the tensors of a file and builds the model from them. Removes each tensor it reads from `tables`."""

    def __init__(self, path: Path, tables: dict[str, Array]) -> None:
        self.path = path
        self.tables = tables

    def model(self) -> NgramModel:
        unigrams = self._codebook("codebook.1")[self._table("probs.1", np.uint8)]
        self._check(len(unigrams) > SENTENCE_END, "probs.1", f"holds {len(unigrams)} words")
        unigrams[SENTENCE_START] = 0
        orders: list[_Order] = []
        rows = len(unigrams)
        for n in range(2, MAX_ORDER + 1):
            if any(name.endswith(f".{n}") for name in self.tables):
                orders.append(self._order(n, rows, len(unigrams)))
                rows = len(orders[-1].words)
        if self.tables:
            raise TableError(f"{self.path}: unknown tensors: {', '.join(sorted(self.tables))[:100]}")
        return NgramModel(unigrams, orders)

    def _order(self, n: int, lower_rows: int, vocab_size: int) -> _Order:
        words = self._table(f"words.{n}", np.uint16 if vocab_size <= 2**16 else np.uint32)
        probs = self._table(f"probs.{n}", np.uint8, len(words))
        last = self._bits(f"ends.{n}", len(words))
        contexts = np.flatnonzero(self._bits(f"contexts.{n}", lower_rows)).astype(np.uint32)
        backoffs = self._table(f"backoffs.{n}", np.uint8, len(contexts))
        ends = np.concatenate(([0], np.flatnonzero(last) + 1)).astype(np.uint32)
        self._check(len(ends) == len(contexts) + 1, f"ends.{n}", f"{len(ends) - 1} ends of {len(contexts)} contexts")
        self._check(int(ends[-1]) == len(words), f"ends.{n}", "the last entry ends no context")
        self._check(bool((words < vocab_size).all()), f"words.{n}", f"an id is not below {vocab_size}")
        ascending = (words[1:] > words[:-1]) | last[:-1]
        self._check(bool(ascending.all()), f"words.{n}", "the words of a context are not in ascending order")
        factors = self._codebook(f"backoff_codebook.{n}")
        return _Order(words, probs, self._codebook(f"codebook.{n}"), contexts, ends, backoffs, factors)

    def _codebook(self, name: str) -> Array:
        codebook = self._table(name, np.float32, 256)
        self._check(bool(((codebook > 0) & (codebook <= 1)).all()), name, "a value is not above 0 and at most 1")
        return codebook

    def _bits(self, name: str, count: int) -> Array:
        packed = self._table(name, np.uint8, (count + 7) // 8)
        return np.unpackbits(packed, count=count, bitorder="little").view(np.bool_)

    def _table(self, name: str, dtype: type[np.generic], length: int | None = None) -> Array:
        table = self.tables.pop(name, None)
        if table is None:
            raise TableError(f"{self.path}: no tensor {name!r}")
        length = table.size if length is None else length
        self._check(
            table.dtype == dtype and table.shape == (length,),
            name,
            f"is {table.dtype} {table.shape}, expected {np.dtype(dtype)} ({length},)",
        )
        return table

    def _check(self, legal: bool, name: str, problem: str) -> None:
        if not legal:
            raise TableError(f"{self.path}: tensor {name!r}: {problem}")
