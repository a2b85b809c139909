"""Converts plain values from JSON or TOML to dataclasses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def decode(kind: type[T], value: Any, where: str = "") -> T:
    """Convert `value` to the dataclass `kind`, and check each part of it against its annotation.

    A whole number is accepted for a float, and a list for a tuple; nothing else is converted. Keys that the dataclass
    does not have are ignored, and missing ones take their defaults.

    where: the path to `value`, for error messages. Raises ValueError, one line that names the path, the value there and
    the expected type.
    """
    for path, number in _floats(value, where):
        if not math.isfinite(number):
            raise ValueError(f"{path} is {number}: expected a finite number")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).replace("`", "").partition(" - at $")
        found = value
        place = where
        # A value of a dict has no name in the path: what is reported then is the dict.
        for step in _STEP.finditer(path.partition("[...]")[0]):
            found = found[step[1] or int(step[2])]
            place += step[0]
        text = repr(found)
        text = text if len(text) <= 40 else text[:40] + "..."
        raise ValueError(f"{place.removeprefix('.') or 'the value'} is {text}: {_lower(reason)}") from None


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _floats(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """Yield every float in nested dicts and lists with its path."""
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _floats(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _floats(inner, f"{path}[{index}]")
