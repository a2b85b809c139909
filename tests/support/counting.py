"""What tests of counting in pieces share: streams, and what it means that two counts are the same."""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from hypothesis import strategies as st
from paths import DATA

from foretype.train.ngrams.counting.counts import NgramCounts

KENLM = DATA / "kenlm"
VOCAB = 12
STREAMS = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=120).map(lambda ids: np.array(ids, np.uint16))


def real_stream() -> tuple[np.ndarray, int]:
    """The stream of a real text, a document of ten lines each, and the size of its vocabulary."""
    lines = [line.split() for line in lzma.decompress((KENLM / "text-3000.txt.xz").read_bytes()).decode().splitlines()]
    ids = {word: id for id, word in enumerate(sorted({word for line in lines for word in line}), start=3)}
    stream: list[int] = []
    for number, line in enumerate(lines):
        stream += [1] * (number % 10 == 0) + [ids[word] for word in line] + [2]
    return np.array(stream, np.uint16), len(ids) + 3


def assert_same(found: Sequence[NgramCounts], expected: Sequence[NgramCounts]) -> None:
    """Every array of every order has the same type and values."""
    for order, (ours, theirs) in enumerate(zip(found, expected, strict=True), start=1):
        for field in fields(NgramCounts):
            name = f"order {order}, {field.name}"
            mine, other = getattr(ours, field.name), getattr(theirs, field.name)
            assert mine.dtype == other.dtype, name
            np.testing.assert_array_equal(mine, other, err_msg=name)
