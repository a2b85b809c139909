"""Checks arguments, and raises clear errors: TypeError for a wrong type, ConfigError for a wrong value."""

from __future__ import annotations

import math
from numbers import Integral, Real

from foretype.runtime.errors import ConfigError


def check_text(**texts: str) -> None:
    """Raise TypeError if one of `texts`, name -> value, is not a str.

    >>> check_text(text=None)
    Traceback (most recent call last):
    TypeError: text must be a str, not NoneType
    """
    for name, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")


def check_count(name: str, value: int, least: int = 0) -> None:
    """Raise TypeError if `value` is not a whole number, ConfigError if it is below `least`."""
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, Integral)):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < least:
        raise ConfigError(f"{name} is {value}; expected {least} or more")


def check_question(text: str, k: int, after: str, threshold: float, deadline_ms: float | None = None) -> None:
    """Check the arguments of `Session.suggest`."""
    check_text(text=text, after=after)
    check_count("k", k)
    check_number("threshold", threshold, 1.0)
    if deadline_ms is not None:
        check_number("deadline_ms", deadline_ms)


def check_number(name: str, value: float, most: float = math.inf) -> None:
    """Raise TypeError if `value` is not a number, ConfigError if it is not between 0 and `most`."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, Real)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not 0 <= value <= most:  # also rejects NaN
        raise ConfigError(f"{name} is {value}; expected 0 {'or more' if most == math.inf else f'to {most:g}'}")
