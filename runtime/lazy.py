"""An attribute that is computed at its first access, and then kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801
    """Like `functools.cached_property`, but without the lock of Python 3.11, which could stay locked after a fork.

    Two threads may both compute the value; only one of the results is kept.
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
        # This is not a data descriptor, so later accesses find the attribute in `__dict__`.
        value: T = instance.__dict__.setdefault(self._name, self._compute(instance))
        return value
