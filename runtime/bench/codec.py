"""Frozen dataclasses as plain JSON values and back, every value checked against its annotation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> dict[str, Any]:
    """The dataclass `value` as plain JSON values, tuples as lists."""
    return cast("dict[str, Any]", _plain(asdict(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def decode(kind: type[T], value: Any, where: str = "") -> T:
    """What `encode` gave for a dataclass of type `kind`; keys that it does not know are passed over.

    where: the path to `value`, for messages. Raises ValueError naming the place, what stands there and what should.
    """
    return cast("T", _decode(kind, value, where))


def _decode(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _decode_fields(cast("type[Any]", kind), value, where)
    if get_origin(kind) is UnionType:
        if value is None:
            return None
        (kind,) = (inner for inner in get_args(kind) if inner is not NoneType)
        return _decode(kind, value, where)
    if get_origin(kind) is tuple:
        _check(isinstance(value, list), where, value, "a list")
        return tuple(_decode(get_args(kind)[0], inner, f"{where}[{at}]") for at, inner in enumerate(value))
    if kind is float:
        _check(type(value) in (int, float) and math.isfinite(value), where, value, "a number")
        return float(value)
    _check(type(value) is kind, where, value, {int: "a whole number", str: "text", bool: "true or false"}[kind])
    return value


def _decode_fields(kind: type[Any], value: Any, where: str) -> Any:
    _check(isinstance(value, Mapping), where, value, "an object")
    types, inside = get_type_hints(kind), f"{where}." if where else ""
    for field in fields(kind):
        if field.name not in value:
            raise ValueError(f"{inside}{field.name} is missing")
    return kind(
        **{field.name: _decode(types[field.name], value[field.name], inside + field.name) for field in fields(kind)}
    )


def _check(legal: bool, where: str, value: Any, expected: str) -> None:
    if not legal:
        text = repr(value)
        raise ValueError(
            f"{where or 'the whole'} is {text[:40] + '...' if len(text) > 40 else text}; legal: {expected}"
        )
