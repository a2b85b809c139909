"""A value that is computed when it is first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801
    """As `functools.cached_property`, without its lock, which Python 3.11 takes: a fork would leave it held.

    Two threads may both compute the value; one of the two is kept.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object, owner: type) -> T | lazy[T]:
        if instance is None:
            return self
        # Not a data descriptor: from now on the attribute is found without it.
        value: T = instance.__dict__.setdefault(self._name, self._compute(instance))
        return value
