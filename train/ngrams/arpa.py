r"""Writes and reads ARPA files, the exchange format of n-gram tools such as SRILM and KenLM.

    \data\
    ngram 1=1381
    ngram 2=4679

    \1-grams:
    -2.284869	go	-0.39336187

    \2-grams:
    -0.638227	go </s>

    \end\

Each line holds log10 p(last word | the words before), the n-gram, and log10 of its backoff (0 if left out). -99 means
a probability of 0. Tools write -99 or 0 for `<s>`, which is never predicted. `write_tables(path, model)` turns a model
from an ARPA file into tables for the runtime.
"""

from __future__ import annotations

import gzip
import lzma
import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from foretype.runtime.engines.ngram import MAX_ORDER
from foretype.runtime.errors import ConfigError, TableError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.text.corpus import read_lines
from foretype.runtime.text.vocabulary import DOCUMENT_START, LINE_END, UNKNOWN
from foretype.train.ngrams.backoff_model import BackoffModel, BackoffOrder
from foretype.train.ngrams.counting.counts import SENTENCE_END, SENTENCE_START, Array

NOTHING = -99.0
"""log10 of a probability of 0, as ARPA files write it."""

_MARKS = (UNKNOWN, DOCUMENT_START, LINE_END)
_COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)")
_BLANKS = re.compile(r"[ \t]+")
_SEPARATOR = re.compile(r"[\s\0]", re.ASCII)
_LARGEST = 38.0  # larger powers of 10 overflow float32


def write_arpa(path: Path, model: BackoffModel, tokens: Sequence[str]) -> None:
    """Write `model` to `path`, compressed if that ends in .gz or .xz. tokens: by id.

    Raises ConfigError if the number of tokens is not the model's, or an ARPA file cannot represent one of them.
    """
    if len(tokens) != model.vocab_size or len(set(tokens)) != len(tokens):
        raise ConfigError(f"{len(set(tokens))} different tokens; the model's vocabulary has {model.vocab_size}")
    for token in tokens:
        if not token or _SEPARATOR.search(token):
            raise ConfigError(f"token {token!r} is empty or contains white space, which an ARPA file cannot represent")
    with replacing(path) as temporary, _open(temporary, path.suffix) as file:
        file.write("\\data\\\n")
        file.writelines(f"ngram {n}={len(rows)}\n" for n, rows in enumerate(model.orders, start=1))
        names = [""]
        for n, rows in enumerate(model.orders, start=1):
            starts = [f"{name} " for name in names] if n > 1 else names
            names = [starts[c] + tokens[w] for c, w in zip(rows.contexts.tolist(), rows.words.tolist(), strict=True)]
            file.write(f"\n\\{n}-grams:\n")
            columns = [_log10(rows.probabilities), names]
            if n < len(model.orders):
                columns.append(_log10(rows.backoffs))
            file.writelines("\t".join(line) + "\n" for line in zip(*columns, strict=True))
        file.write("\n\\end\\\n")


def _open(path: Path, ending: str) -> IO[str]:
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(ending, open)
    file: IO[str] = opener(path, "wt", encoding="utf-8", newline="\n")  # type: ignore[operator]
    return file


def _log10(values: Array) -> list[str]:
    """Format logarithms with seven decimals: the precision of float32, and stable when read and written again."""
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.round(np.log10(values.astype(np.float64)), 7), NOTHING) + 0.0
    return [f"{value:.7f}" if value > NOTHING else "-99" for value in logs.tolist()]


def read_arpa(path: Path, tokens: Sequence[str] | None = None) -> tuple[BackoffModel, list[str]]:
    """Read an ARPA file, plain, .gz or .xz; return the model and its tokens by id.

    tokens: the vocabulary to use, by id; it must begin with `<unk>`, `<s>` and `</s>`. N-grams with other words are
    skipped, and words that are not in the file get the probability of `<unk>`. By default the vocabulary is the file's:
    these three tokens, then its words in order.

    `<UNK>` is read as `<unk>`. N-grams that can never be looked up are skipped: with `<s>` after the first word, or
    `</s>` before the last. Raises CorpusError if the file is not text, TableError naming the line if it is not ARPA,
    ConfigError for tokens that begin otherwise.
    """
    reader = _Reader(path)
    counts = reader.header()
    entries = reader.unigrams(counts[0])
    if tokens is None:
        tokens = [*_MARKS, *(word for word in entries if word not in _MARKS)]
    elif tuple(tokens[: len(_MARKS)]) != _MARKS:
        raise ConfigError(f"the tokens begin with {list(tokens[:3])}; must begin with {', '.join(_MARKS)}")
    ids = {**dict.fromkeys(entries, -1), **{token: index for index, token in enumerate(tokens)}}
    unknown = entries.get(UNKNOWN, (NOTHING, 0.0))
    values = np.array([entries.get(token, unknown) for token in tokens])
    values[SENTENCE_START, 0] = NOTHING
    words = np.arange(len(tokens), dtype=np.uint16 if len(tokens) <= 1 << 16 else np.uint32)
    orders = [BackoffOrder(np.zeros(len(tokens), np.int32), words, _power(values[:, 0]), _power(values[:, 1]))]
    for n, count in enumerate(counts[1:], start=2):
        orders.append(reader.order(n, count, ids, BackoffModel(orders)))
    reader.expect("\\end\\")
    return BackoffModel(orders), list(tokens)


def _power(logs: Array) -> Array:
    """10 to the power of `logs`, float32; 0 for NOTHING and below."""
    return np.where(logs > NOTHING, 10.0**logs, 0).astype(np.float32)


class _Reader:
    """Reads the lines of an ARPA file; blank lines are skipped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = enumerate(read_lines(path), start=1)
        self._number = 0
        self._line = ""

    def header(self) -> list[int]:
        """Read `\\data\\`: the number of n-grams of each order."""
        while self._advance() != "\\data\\":
            pass
        counts: list[int] = []
        while match := _COUNT.fullmatch(self._advance()):
            if int(match[1]) != len(counts) + 1:
                raise self._error(f"order {match[1]} where {len(counts) + 1} was expected")
            counts.append(int(match[2]))
        if not 1 <= len(counts) <= MAX_ORDER:
            raise self._error(f"\\data\\ lists {len(counts)} orders; must be 1 to {MAX_ORDER}")
        return counts

    def unigrams(self, count: int) -> dict[str, tuple[float, float]]:
        """Read the 1-grams: word -> log10 of its probability and backoff."""
        entries: dict[str, tuple[float, float]] = {}
        for (word,), probability, backoff in self._entries(1, count):
            word = UNKNOWN if word == "<UNK>" else word
            if word in entries:
                raise self._error(f"{word!r} is repeated")
            entries[word] = probability, backoff
        return entries

    def order(self, n: int, count: int, ids: Mapping[str, int], lower: BackoffModel) -> BackoffOrder:
        """Read the n-grams of an order above 1. ids: word -> id, -1 for words to skip."""
        numbers, rows, values = array("q"), array("q"), array("d")
        for ngram, probability, backoff in self._entries(n, count):
            try:
                row = [ids[word] for word in ngram]
            except KeyError as error:
                raise self._error(f"{error.args[0]!r} is not among the 1-grams") from None
            if min(row) >= 0 and SENTENCE_START not in row[1:] and SENTENCE_END not in row[:-1]:
                numbers.append(self._number)
                rows.extend(row)
                values.extend((probability, backoff))
        words = np.array(rows, np.int64).reshape(-1, n)
        contexts = words[:, 0]
        for length in range(2, n):
            contexts = lower.find(length, contexts, words[:, length - 1])
        self._refuse(numbers, contexts < 0, f"the words before the last are not among the {n - 1}-grams")
        order = np.lexsort((words[:, -1], contexts))
        contexts, last = contexts[order].astype(np.int32), words[order, -1].astype(lower.orders[0].words.dtype)
        twice = (contexts[1:] == contexts[:-1]) & (last[1:] == last[:-1])
        self._refuse(np.array(numbers, np.int64)[order[1:]], twice, f"this {n}-gram is repeated")
        logs = np.array(values).reshape(-1, 2)[order]
        return BackoffOrder(contexts, last, _power(logs[:, 0]), _power(logs[:, 1]))

    def expect(self, line: str) -> None:
        """Raise TableError unless the current line is `line`."""
        if self._line != line:
            raise self._error(f"{self._line[:50]!r} where {line!r} was expected")

    def _entries(self, n: int, count: int) -> Iterator[tuple[list[str], float, float]]:
        """Read the lines of a section: n-gram, log10 of its probability and of its backoff."""
        self.expect(f"\\{n}-grams:")
        found = 0
        while not self._advance().startswith("\\"):
            found += 1
            first, *ngram = _BLANKS.split(self._line)
            if len(ngram) not in (n, n + 1):
                raise self._error(f"{len(ngram) + 1} fields; a {n}-gram has {n + 1}, or {n + 2} with its backoff")
            probability, backoff = self._log(first), self._log(ngram.pop()) if len(ngram) > n else 0.0
            if probability > 0:
                raise self._error(f"the log10 of a probability is {first}; it cannot be above 0")
            yield ngram, probability, backoff
        if found != count:
            raise self._error(f"{found} {n}-grams end here; \\data\\ says {count}")

    def _log(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not value <= _LARGEST:
            raise self._error(f"{text!r} is not the logarithm of a probability or backoff")
        return value

    def _advance(self) -> str:
        for number, line in self._lines:
            self._number = number
            self._line = line.strip(" \t\r")
            if self._line:
                return self._line
        raise TableError(f"{self.path}: not an ARPA file, or incomplete: no \\end\\ after line {self._number}")

    def _refuse(self, numbers: Sequence[int] | Array, wrong: Array, problem: str) -> None:
        """Raise TableError for the first line marked in `wrong`, bool [lines]."""
        if wrong.any():
            self._number = int(min(np.asarray(numbers)[wrong]))
            raise self._error(problem)

    def _error(self, problem: str) -> TableError:
        return TableError(f"{self.path}, line {self._number}: {problem}")
