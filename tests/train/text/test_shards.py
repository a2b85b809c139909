"""Token streams: their layout, weights, order, and that the number of processes does not show in them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import sentences
from safetensors.numpy import save_file

from foretype.runtime.errors import CorpusError, TableError
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID
from foretype.train.text import parallel
from foretype.train.text.shards import (
    build_stream,
    encode_document,
    read_stream,
    shuffle_documents,
    write_shards,
    write_stream,
)
from foretype.train.text.tokenizer import (
    VocabularyConfig,
    count_sources,
    learn_text_form,
    load_text_form,
    save_text_form,
)

LINES = list(sentences(240, seed=5))
DOCUMENTS = [LINES[i : i + 3] for i in range(0, len(LINES), 3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a text form."""
    path = tmp_path_factory.mktemp("form")
    counts = count_sources([("all", DOCUMENTS)], {})
    save_text_form(learn_text_form(counts, VocabularyConfig(minimum_count=1)), path)
    return path


def documents_of(stream: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(part.tolist()) for part in np.split(stream, np.flatnonzero(stream == DOCUMENT_START_ID)[1:])]


def test_a_document_starts_with_its_mark_and_each_line_ends_with_one(folder: Path) -> None:
    stream = build_stream([("a", [["I like music.", "Tom"], ["music"]])], folder)
    like, music, tom = (build_stream([("a", [[word]])], folder)[1] for word in ("like", "music", "Tom"))
    assert stream.dtype == np.uint16
    assert stream[stream == like].size == 1
    assert [documents.count(LINE_END_ID) for documents in documents_of(stream)] == [2, 1]
    first, second = documents_of(stream)
    assert first[0] == second[0] == DOCUMENT_START_ID
    assert first[-2:] == (tom, LINE_END_ID)
    assert second[1:] == (music, LINE_END_ID)


def test_weights_thin_and_repeat_documents_the_same_way_each_time(folder: Path) -> None:
    def build(weight: float) -> list[tuple[int, ...]]:
        return documents_of(build_stream([("a", DOCUMENTS)], folder, weights={"a": weight}))

    whole = build(1.0)
    assert whole == documents_of(build_stream([("a", DOCUMENTS)], folder))
    assert build(3.0) == [document for document in whole for _ in range(3)]
    half = build(0.5)
    assert half == build(0.5)
    assert 0.3 * len(whole) < len(half) < 0.7 * len(whole)
    assert not Counter(half) - Counter(whole)
    more = Counter(build(1.5))
    assert not Counter(whole) - more
    assert not more - Counter(build(2.0))


def test_sources_without_a_weight_are_whole_and_weight_zero_leaves_out(folder: Path) -> None:
    told: dict[str, int] = {}
    stream = build_stream(
        [("a", DOCUMENTS), ("b", DOCUMENTS[:5])],
        folder,
        weights={"a": 0},
        done=lambda n, tokens: told.update({n: tokens}),
    )
    assert np.array_equal(stream, build_stream([("b", DOCUMENTS[:5])], folder))
    assert told == {"a": 0, "b": len(stream)}
    with pytest.raises(CorpusError, match="empty, or its weights leave no documents"):
        build_stream([("a", DOCUMENTS)], folder, weights={"a": 0})


def test_a_cap_ends_each_source_with_a_whole_document(folder: Path) -> None:
    stream = build_stream([("a", DOCUMENTS), ("b", DOCUMENTS)], folder, cap=100)
    one = build_stream([("a", DOCUMENTS)], folder, cap=100)
    assert np.array_equal(stream, np.concatenate([one, one]))
    assert 100 <= len(one) < 200
    assert one[-1] == LINE_END_ID


def test_one_process_and_several_give_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_sources([("a", DOCUMENTS)], {"a": 0.5})
    stream = build_stream([("a", DOCUMENTS)], folder, weights={"a": 0.5})
    monkeypatch.setattr(parallel, "_BATCH_CHARACTERS", 2000)
    assert len(list(parallel.batches(DOCUMENTS))) > 3
    assert count_sources([("a", DOCUMENTS)], {"a": 0.5}) == counts
    assert np.array_equal(build_stream([("a", DOCUMENTS)], folder, weights={"a": 0.5}), stream)


def test_documents_are_shuffled_whole_by_the_seed(folder: Path) -> None:
    stream = build_stream([("a", DOCUMENTS)], folder)
    shuffled = shuffle_documents(stream, seed=1)
    assert shuffled.dtype == stream.dtype
    assert Counter(documents_of(shuffled)) == Counter(documents_of(stream))
    assert documents_of(shuffled) != documents_of(stream)
    assert np.array_equal(shuffled, shuffle_documents(stream, seed=1))
    assert not np.array_equal(shuffled, shuffle_documents(stream, seed=2))


def test_a_stream_is_stored_and_mapped_and_damage_is_named(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "tokens.safetensors"
    stream = build_stream([("a", DOCUMENTS)], folder)
    write_stream(path, stream)
    assert np.array_equal(read_stream(path), stream)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(TableError, match=r"tokens\.safetensors"):
        read_stream(path)
    save_file({"other": stream}, path)
    with pytest.raises(TableError, match=r"tokens\.safetensors: not a token stream"):
        read_stream(path)
    path.unlink()
    with pytest.raises(CorpusError, match=r"tokens\.safetensors: no such file"):
        read_stream(path)


def test_a_stream_is_what_its_documents_are_one_after_another(folder: Path) -> None:
    form = load_text_form(folder)
    plain = np.concatenate([np.array(encode_document(form, document), np.uint16) for document in DOCUMENTS])
    stream = build_stream([("a", DOCUMENTS[:30]), ("b", DOCUMENTS[30:])], folder)
    assert stream.dtype == plain.dtype
    assert np.array_equal(stream, plain)
    starts = np.flatnonzero(plain == DOCUMENT_START_ID)
    documents = np.split(plain, starts[1:])
    order = np.random.default_rng(7).permutation(len(documents))
    assert np.array_equal(shuffle_documents(stream, seed=7), np.concatenate([documents[i] for i in order]))


@pytest.mark.parametrize("length", [0, 1, 99, 1000, 12_345])
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_a_stream_file_is_the_one_that_safetensors_writes(
    length: int, dtype: type[np.unsignedinteger[Any]], tmp_path: Path
) -> None:
    stream = np.arange(length).astype(dtype)
    write_stream(tmp_path / "ours", stream)
    save_file({"ids": stream}, tmp_path / "theirs", {"format": "foretype-stream 1"})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_building_and_shuffling_leave_no_file_also_after_an_error(folder: Path, tmp_path: Path) -> None:
    def broken() -> Iterator[list[str]]:
        yield from DOCUMENTS[:3]
        raise CorpusError("the text ends here")

    before = sorted(folder.iterdir())
    stream = shuffle_documents(build_stream([("a", DOCUMENTS)], folder), seed=1, folder=tmp_path)
    with pytest.raises(CorpusError, match="ends here"):
        build_stream([("a", DOCUMENTS), ("b", broken())], folder)
    assert sorted(folder.iterdir()) == before
    assert list(tmp_path.iterdir()) == []
    assert len(stream)


def test_shards_hold_whole_documents_in_order(folder: Path, tmp_path: Path) -> None:
    stream = build_stream([("a", DOCUMENTS)], folder)
    shards = [read_stream(path) for path in write_shards(tmp_path, stream, 300)]
    assert np.array_equal(np.concatenate(shards), stream)
    assert all(shard[0] == DOCUMENT_START_ID for shard in shards)
    assert all(300 <= len(shard) < 400 for shard in shards[:-1])


def test_text_is_read_no_faster_than_it_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_BATCH_CHARACTERS", 10)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    read: list[int] = []

    def documents() -> Iterator[list[str]]:
        for number in range(1000):
            read.append(number)
            yield ["ten letters"]

    results = parallel.map_batches(len, documents())
    assert next(results) == 1
    assert len(read) < 20
    assert sum(results) == 999


MEASURED = """
import sys
from pathlib import Path
from foretype.train.text.shards import read_stream, shuffle_documents, write_stream

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000

folder = Path(sys.argv[1])
stream = read_stream(folder / "stream")
before = peak()
write_stream(folder / "shuffled", shuffle_documents(stream, 1, folder=folder))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_shuffling_takes_less_memory_than_the_stream(tmp_path: Path) -> None:
    stream = np.full(40_000_000, 3, np.uint16)
    stream[::1000] = DOCUMENT_START_ID
    write_stream(tmp_path / "stream", stream)
    command = [sys.executable, "-c", MEASURED, str(tmp_path)]
    megabytes = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert megabytes < 40 < stream.nbytes / 1e6
