"""Token streams: their layout, weights, order, and that the number of processes does not show in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import sentences

from foretype.runtime.errors import CorpusError, TableError
from foretype.runtime.vocabulary import DOCUMENT_START_ID, LINE_END_ID
from foretype.train import parallel
from foretype.train.files import write_tensors
from foretype.train.shards import build_stream, read_stream, shuffle_documents, write_stream
from foretype.train.tokenizer import VocabularyConfig, count_sources, learn_text_form, save_text_form

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
    with pytest.raises(CorpusError, match="empty, or the weights leave nothing"):
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
    write_tensors(path, {"other": stream}, {})
    with pytest.raises(TableError, match=r"tokens\.safetensors: not a token stream"):
        read_stream(path)
    path.unlink()
    with pytest.raises(CorpusError, match=r"tokens\.safetensors: no such file"):
        read_stream(path)
