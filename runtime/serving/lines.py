"""Splits a stream of bytes into lines, without keeping a line that is too long."""

from __future__ import annotations

from collections.abc import Iterator

LONGEST_LINE = 4 * 1024 * 1024
"""Most bytes of one message."""


class Lines:
    """The lines of one stream. A line of more than `longest` bytes is dropped, and None stands for it.

    >>> lines = Lines(longest=5)
    >>> list(lines.feed(b"one\\ntw")), list(lines.feed(b"o\\nfar too")), list(lines.feed(b" long\\nsix")), lines.rest()
    ([b'one'], [b'two', None], [], b'six')
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Add `data`. Yields the lines that end in it, without their line feeds; None as soon as one is too long."""
        *ended, rest = data.split(b"\n")
        for piece in ended:
            if not self._dropping:
                yield None if self._is_too_long(piece) else b"".join([*self._parts, piece])
            self._start()
        if self._dropping:
            return
        if self._is_too_long(rest):
            self._start()
            self._dropping = True
            yield None
        elif rest:
            self._parts.append(rest)
            self._size += len(rest)

    def rest(self) -> bytes:
        """The last line, if the stream ended without a line feed; else empty."""
        return b"".join(self._parts)

    def _is_too_long(self, piece: bytes) -> bool:
        return self._size + len(piece) > self._longest

    def _start(self) -> None:
        self._parts, self._size, self._dropping = [], 0, False
