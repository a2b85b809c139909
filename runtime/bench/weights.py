"""How many bytes of weights one step of an ONNX graph must read, found without the onnx package.

Protocol buffers are fields one after the other: a key (field number and wire type), then a number or so many bytes.
The few fields that matter here, from onnx.proto:

    ModelProto      7 graph
    GraphProto      1 node, 5 initializer
    NodeProto       1 input, 4 op_type, 5 attribute
    AttributeProto  6 g, 11 graphs           (bodies of loops and branches)
    TensorProto     1 dims, 2 data_type, 8 name
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_ROW_READERS = ("Gather", "GatherND", "GatherElements", "GatherBlockQuantized")
"""Operators that read only some rows of their first input."""

# Bits of TensorProto.DataType; types that are not here hold no weights.
_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16, 17: 8, 18: 8}
_BITS |= {19: 8, 20: 8, 21: 4, 22: 4, 23: 4}


@dataclass
class _Graph:
    """Bytes of each initializer, and the names that some node reads whole."""

    sizes: dict[str, int] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def step_weight_bytes(path: Path) -> int:
    """Bytes of the initializers of the ONNX file `path` that one step reads.

    All that a node uses count once, whole; those only ever looked up by row (embedding tables that no output head
    shares) do not count, since a step reads one row of them. Raises ValueError when the file is no ONNX file.
    """
    found = _Graph()
    try:
        for number, graph in _fields(memoryview(path.read_bytes())):
            if number == 7:
                _read_graph(graph, found)
    except (IndexError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not an ONNX file") from error
    return sum(size for name, size in found.sizes.items() if name in found.whole)


def _read_graph(graph: memoryview | int, found: _Graph) -> None:
    for number, value in _fields(graph):
        if number == 1:
            _read_node(value, found)
        elif number == 5:
            name, size = _read_tensor(value)
            found.sizes[name] = size


def _read_node(node: memoryview | int, found: _Graph) -> None:
    inputs, operator = [], ""
    for number, value in _fields(node):
        if number == 1:
            inputs.append(_text(value))
        elif number == 4:
            operator = _text(value)
        elif number == 5:
            for part, inner in _fields(value):
                if part in (6, 11):
                    _read_graph(inner, found)
    found.whole.update(inputs[1:] if operator in _ROW_READERS else inputs)


def _read_tensor(tensor: memoryview | int) -> tuple[str, int]:
    name, dims, bits = "", [], 0
    for number, value in _fields(tensor):
        if number == 1:
            dims += [value] if isinstance(value, int) else list(_numbers(value))
        elif number == 2 and isinstance(value, int):
            bits = _BITS.get(value, 0)
        elif number == 8:
            name = _text(value)
    return name, (math.prod(dims) * bits + 7) // 8


def _fields(message: memoryview | int) -> Iterator[tuple[int, memoryview | int]]:
    """Field number and value, a number or bytes, of each field; TypeError for a number, IndexError at a broken end."""
    if isinstance(message, int):
        raise TypeError("a number where a message should be")
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        length, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, len(message)), at)
        if at + length > len(message):
            raise IndexError("a field goes on after the end")
        yield key >> 3, message[at : at + length]
        at += length


def _numbers(packed: memoryview) -> Iterator[int]:
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that starts at `at`, seven bits a byte, lowest first; and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _text(value: memoryview | int) -> str:
    if isinstance(value, int):
        raise TypeError("a number where text should be")
    return str(value, "utf-8")
