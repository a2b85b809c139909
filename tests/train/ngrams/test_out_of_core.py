"""Counting in bounded memory: the result of counting in memory, the bound, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from counting import STREAMS, VOCAB, assert_same, real_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime.errors import ConfigError, CorpusError
from foretype.train.ngrams.counting import out_of_core
from foretype.train.ngrams.counting.counts import count_ngrams
from foretype.train.ngrams.counting.out_of_core import count_ngrams_out_of_core
from foretype.train.ngrams.counting.packing import Packing
from foretype.train.ngrams.estimate import NgramConfig, train_ngram


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 7 tokens, so that n-grams and their rows cross from piece to piece."""
    monkeypatch.setattr(out_of_core, "_MAX_STEP", 7)


@pytest.mark.usefixtures("small_steps")
@settings(deadline=None, max_examples=20)
@given(stream=STREAMS, order=st.integers(1, 5), vocab_size=st.sampled_from([VOCAB, 70_000]))
def test_counts_are_those_of_counting_in_memory(stream: np.ndarray, order: int, vocab_size: int) -> None:
    with TemporaryDirectory() as folder:
        found = count_ngrams_out_of_core(stream, vocab_size, order, memory_mb=256, folder=Path(folder))
        assert_same(found, count_ngrams(stream, vocab_size, order))


@pytest.mark.parametrize("order", [1, 3, 5])
def test_counts_of_a_real_text_are_those_of_counting_in_memory(order: int, tmp_path: Path) -> None:
    stream, vocab_size = real_stream()
    found = count_ngrams_out_of_core(stream, vocab_size, order, memory_mb=256, folder=tmp_path)
    assert_same(found, count_ngrams(stream, vocab_size, order))


def test_ids_beyond_16_bits_are_counted(tmp_path: Path) -> None:
    stream = np.random.default_rng(1).integers(0, 200_000, 5000, np.uint32)
    stream[::3] = stream[1::3][: len(stream[::3])] % 5
    found = count_ngrams_out_of_core(stream, 200_000, 5, memory_mb=256, folder=tmp_path)
    assert_same(found, count_ngrams(stream, 200_000, 5))


@given(
    vocab_size=st.sampled_from([3, 255, 256, 65_535, 65_536, 2**21, 2**32 - 1]), order=st.integers(1, 5), data=st.data()
)
def test_packed_windows_sort_as_windows_do(vocab_size: int, order: int, data: st.DataObject) -> None:
    entry = st.one_of(st.sampled_from([0, 1, vocab_size]), st.integers(0, vocab_size))
    rows = data.draw(st.lists(st.tuples(*[entry] * order), min_size=1, max_size=20))
    packing = Packing(vocab_size, order)
    keys = packing.pack(np.array(rows, np.uint32).T)
    assert list(map(tuple, packing.unpack(keys).T.tolist())) == rows
    assert [rows[i] for i in np.lexsort(keys[::-1])] == sorted(rows)


def test_the_result_is_mapped_and_its_files_go_with_it(tmp_path: Path) -> None:
    stream, vocab_size = real_stream()
    folder = tmp_path / "new" / "folder"
    orders = count_ngrams_out_of_core(stream, vocab_size, 3, memory_mb=256, folder=folder)
    assert all(isinstance(rows.suffixes, np.memmap) and not rows.suffixes.flags.writeable for rows in orders[1:])
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("small_steps")
def test_an_error_half_way_leaves_nothing(tmp_path: Path) -> None:
    stream, vocab_size = real_stream()
    stream = stream[: 10 + int(stream.argmax())]
    with pytest.raises(CorpusError, match=f"has id {stream.max()}; the vocabulary has {stream.max()}"):
        count_ngrams_out_of_core(stream, int(stream.max()), 3, memory_mb=256, folder=tmp_path)
    steps: list[str] = []

    def stop(step: str) -> None:
        steps.append(step)
        if step == "suffixes of 3-grams":
            raise KeyboardInterrupt  # as a person may

    with pytest.raises(KeyboardInterrupt):
        count_ngrams_out_of_core(stream[:200], vocab_size, 4, memory_mb=256, folder=tmp_path, progress=stop)
    assert len(steps) > 3
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_fails_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, vocab_size = real_stream()
    monkeypatch.setattr(out_of_core, "_ENGINE_SHARE", 0.004)
    with pytest.raises(ConfigError, match=r"counting with memory_mb 256 failed: .*Out of Memory") as caught:
        count_ngrams_out_of_core(stream, vocab_size, 5, memory_mb=256, folder=tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_work_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = np.array([1, 3, 2], np.uint16)
    with pytest.raises(ConfigError, match="memory_mb is 100; must be 256 or more"):
        count_ngrams_out_of_core(stream, 4, 2, memory_mb=100, folder=tmp_path)
    with pytest.raises(CorpusError, match="one-dimensional and not empty"):
        count_ngrams_out_of_core(stream[:0], 4, 2, memory_mb=256, folder=tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigError, match=r"needs duckdb: pip install 'foretype\[large\]'"):
        count_ngrams_out_of_core(stream, 4, 2, memory_mb=256, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


MEASURED = """
import sys
from pathlib import Path
import duckdb, numpy as np
from foretype.train.ngrams.counting.counts import count_ngrams
from foretype.train.ngrams.counting.out_of_core import count_ngrams_out_of_core

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000

stream, how, folder = np.load(sys.argv[1], mmap_mode="r"), sys.argv[2], Path(sys.argv[3])
before = peak()
if how == "memory":
    count_ngrams(stream, 20_000, 5)
else:
    count_ngrams_out_of_core(stream, 20_000, 5, memory_mb=int(how), folder=folder)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_stays_within_its_bound_where_counting_in_memory_does_not(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    stream = (3 + draw.zipf(1.2, 4_500_000) % 19_997).astype(np.uint16)
    stream[::15] = 2
    np.save(tmp_path / "stream.npy", stream)

    def megabytes(how: str) -> float:
        command = [sys.executable, "-c", MEASURED, str(tmp_path / "stream.npy"), how, str(tmp_path)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert megabytes("256") <= 256 < megabytes("memory")


def test_the_option_of_a_recipe_writes_the_same_tables(tmp_path: Path) -> None:
    stream = np.random.default_rng(1).integers(2, 40, 5000).astype(np.uint16)
    for name, limit in (("memory", None), ("disk", 256)):
        train_ngram(stream, 40, NgramConfig(order=3, memory_mb=limit), tmp_path / name)
    assert (tmp_path / "disk").read_bytes() == (tmp_path / "memory").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "memory"]
