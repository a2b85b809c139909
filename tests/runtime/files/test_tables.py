"""Tables are mapped exactly as written, and no damaged file gets further than a TableError that names it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("safetensors", reason="the extra `train` is not installed")

from safetensors.numpy import save_file

from foretype.runtime.errors import TableError
from foretype.runtime.files.tensors import read_tables

TENSORS: dict[str, np.ndarray] = {
    "floats": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
    "codes": np.arange(5, dtype=np.uint8),
    "halves": np.array([0.5, 1.5], np.float16),
    "ids": np.array([[7, 65535]], np.uint16),
    "rows": np.array([-(2**40)], np.int64),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 4), np.float64),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.safetensors"
    save_file(TENSORS, path, {"format": "test"})
    return path


def write(path: Path, header: Any, data: bytes = b"") -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path


def test_reads_what_safetensors_wrote(file: Path) -> None:
    tables, metadata = read_tables(file)
    assert metadata == {"format": "test"}
    assert tables.keys() == TENSORS.keys()
    for name, expected in TENSORS.items():
        assert tables[name].dtype == expected.dtype
        np.testing.assert_array_equal(tables[name], expected, strict=True)


def test_tables_are_read_only(file: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_tables(file)[0]["codes"][0] = 1


def test_a_file_cut_anywhere_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(TableError, match=r"some\.safetensors"):
            read_tables(file)


def test_a_file_with_more_at_its_end_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(TableError, match=r"some\.safetensors"):
        read_tables(file)


def tensor(begin: int = 0, end: int = 4, shape: Any = (4,), dtype: Any = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"not JSON",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
        [],
        {"__metadata__": {"a": 1}, "t": tensor()},
        {"__metadata__": [], "t": tensor()},
        {"t": None},
        {"t": {}},
        {"t": tensor(dtype="BF16")},
        {"t": tensor(dtype=["U8"])},
        {"t": tensor(shape=4)},
        {"t": tensor(shape=[True, 4])},
        {"t": tensor(shape=[-2, -2])},
        {"t": tensor(shape=[2.0, 2])},
        {"t": tensor(shape=[2**40, 2**40])},
        {"t": tensor(shape=[1] * 70 + [4])},
        {"t": tensor(end=2**62, shape=[2**62])},
        {"t": tensor(begin=-4, end=0)},
        {"t": tensor(begin=1)},
        {"t": tensor(end=3, shape=[3])},
        {"t": tensor(), "overlapping": tensor(begin=2, shape=[2])},
        {"t": tensor(end=1, shape=[1]), "after a gap": tensor(begin=2, shape=[2])},
        b'{"t": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4, 4]}}',
        b'{"t": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "t": 0}',
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: Any) -> None:
    path = write(tmp_path / "liar.safetensors", header, b"data")
    with pytest.raises(TableError, match=r"liar\.safetensors"):
        read_tables(path)


@pytest.mark.parametrize("length", [2**20, 2**40, 2**63, 2**64 - 1])
def test_an_absurd_header_length_is_refused_before_memory_is_taken(tmp_path: Path, length: int) -> None:
    path = tmp_path / "absurd.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(TableError, match=r"absurd\.safetensors"):
        read_tables(path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(TableError, match=path.name):
            read_tables(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_any_altered_byte_is_refused_or_stays_inside_the_file(file: Path, position: int, value: int) -> None:
    save_file(TENSORS, file, {"format": "test"})
    raw = bytearray(file.read_bytes())
    raw[position % len(raw)] = value
    file.write_bytes(raw)
    try:
        tables, _ = read_tables(file)
    except TableError as error:
        assert "some.safetensors" in str(error)  # noqa: PT017
    else:
        assert sum(table.nbytes for table in tables.values()) < len(raw)
