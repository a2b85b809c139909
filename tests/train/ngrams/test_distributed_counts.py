"""Counting on a cluster: two worker processes give what counting all shards in a row gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from counting import STREAMS, VOCAB, assert_same, real_stream
from distributed import Client, LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime.errors import CorpusError
from foretype.train.ngrams.counting.cluster import count_ngrams_distributed
from foretype.train.ngrams.counting.counts import count_ngrams
from foretype.train.text.shards import write_shards, write_stream


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of two worker processes on this machine."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=str(tmp_path_factory.mktemp("workers")),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("order", [1, 2, 5])
def test_counts_of_shards_are_those_of_the_whole_text(client: Client, order: int, tmp_path: Path) -> None:
    stream, vocab_size = real_stream()
    shards = write_shards(tmp_path, stream, len(stream) // 5)
    assert len(shards) == 5
    assert len(client.nthreads()) == 2
    found = count_ngrams_distributed(shards, vocab_size, order, client, folder=tmp_path)
    assert_same(found, count_ngrams(stream, vocab_size, order))
    assert sorted(tmp_path.iterdir()) == shards


# The client's own threads draw random numbers while examples are drawn, which Hypothesis takes for ours.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@settings(deadline=None, max_examples=6)
@given(streams=st.lists(STREAMS, min_size=1, max_size=3), order=st.integers(3, 5), wide=st.booleans())
def test_any_shards_are_counted(client: Client, streams: list[np.ndarray], order: int, wide: bool) -> None:
    vocab_size = 70_000 if wide else VOCAB
    dtype: type[np.unsignedinteger[Any]] = np.uint32 if wide else np.uint16
    parts = [np.append(np.uint16(1), stream).astype(dtype) for stream in streams]
    with TemporaryDirectory() as folder:
        shards = [Path(folder) / f"{number}.safetensors" for number in range(len(parts))]
        for shard, part in zip(shards, parts, strict=True):
            write_stream(shard, part)
        found = count_ngrams_distributed(shards, vocab_size, order, client)
    assert_same(found, count_ngrams(np.concatenate(parts), vocab_size, order))


def test_a_shard_that_cannot_be_counted_is_named(client: Client, tmp_path: Path) -> None:
    def count(ids: list[int]) -> None:
        write_stream(tmp_path / "good", np.array([1, 5, 2], np.uint16))
        write_stream(tmp_path / "bad", np.array(ids, np.uint16))
        count_ngrams_distributed([tmp_path / "good", tmp_path / "bad"], 6, 3, client)

    count([1, 2])
    with pytest.raises(CorpusError, match=r"bad: a shard must begin with a document"):
        count([5, 2])
    with pytest.raises(CorpusError, match=r"bad: a shard must begin with a document"):
        count([])
    with pytest.raises(CorpusError, match=r"bad: the token stream has id 7; the vocabulary has 6"):
        count([1, 7, 2])
    with pytest.raises(CorpusError, match="no shards"):
        count_ngrams_distributed([], 6, 3, client)
