"""Reads a safetensors file as memory-mapped numpy arrays, after checking every claim of its header.

The package `safetensors` copies what it loads into numpy; here pages are read when they are first accessed. A file may
come from an untrusted source, so nothing in it is trusted. A wrong header raises a `TableError` that names the file. It
never causes a read outside the file, or an allocation of a size that the header only claims.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foretype.runtime.errors import TableError

Array = npt.NDArray[Any]

_DTYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("<u1"),
    "I8": np.dtype("<i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_LENGTH_BYTES = 8
_MAX_HEADER = 16 * 2**20
_MAX_DIMENSIONS = 8


def read_tables(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Map the tensors of a safetensors file. Returns them by name (read-only), and the file's `__metadata__`.

    The file must keep its size while the arrays are in use: replace it with `os.replace`, and never write into it.
    Raises TableError if the file is missing or truncated, or does not match its header.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES or length > min(size - _LENGTH_BYTES, _MAX_HEADER):
                raise TableError(f"{path}: truncated or no safetensors file: a header of {length} bytes in {size}")
            header = _parse_header(path, file.read(length))
            data = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None
    if data.size != size:
        raise TableError(f"{path}: changed from {size} to {data.size} bytes while it was read")

    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise TableError(f"{path}: damaged header: __metadata__ does not map text to text")
    body = data[_LENGTH_BYTES + length :]
    tables: dict[str, Array] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in header.items():
        dtype, shape, begin, end = _parse_entry(path, name, entry)
        if not 0 <= begin <= end <= body.size or end - begin != math.prod(shape) * dtype.itemsize:
            raise TableError(
                f"{path}: tensor {name!r}: bytes {begin} to {end} of {body.size} do not hold {dtype} {shape}"
            )
        spans.append((begin, end))
        tables[name] = body[begin:end].view(dtype).reshape(shape)
    _check_coverage(path, sorted(spans), body.size)
    return tables, metadata


def _parse_header(path: Path, raw: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path}: damaged header: {error}") from None
    if not isinstance(header, dict):
        raise TableError(f"{path}: damaged header: {type(header).__name__} in place of an object")
    return header


def _parse_entry(path: Path, name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """The type, shape and byte range [begin, end) that the header gives for one tensor."""
    try:
        dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        known = _DTYPES[dtype]
    except (KeyError, TypeError, ValueError):
        raise TableError(f"{path}: damaged header: tensor {name!r} is described as {str(entry)[:100]}") from None
    if len(shape) > _MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in (*shape, begin, end)):
        raise TableError(f"{path}: damaged header: tensor {name!r} is described as {str(entry)[:100]}")
    return known, shape, begin, end


def _check_coverage(path: Path, spans: list[tuple[int, int]], size: int) -> None:
    """Raise TableError unless the tensors tile the file's data: no overlap, no gap, and nothing after the last."""
    position = 0
    for begin, end in spans:
        if begin != position:
            raise TableError(f"{path}: damaged header: a tensor begins at byte {begin}, expected {position}")
        position = end
    if position != size:
        raise TableError(f"{path}: tensors end at byte {position} of {size}")
