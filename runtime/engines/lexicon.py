"""Read the lexicon: a long sorted list of rare words that the models do not know, each with a frequency class.

The file `lexicon.xz` is UTF-8 text compressed with xz. It has one line for each word, in the order of `sort_key`. A
line is the word's class, a digit from 0 to 9, followed by the word. A word of class c is about 2^c times as likely as
one of class 0.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import overload

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.text.extra_words import ExtraWords
from foretype.runtime.text.vocabulary import fold, sort_key

MOST_BYTES = 16 * 2**20
"""Largest size of the text in bytes."""
_PIECE = 2**16
"""Bytes of text that `prepare` reads at once."""
_MEMORY = 128 * 2**20
_WEIGHTS = 2.0 ** np.arange(10)
LONGEST_WORD = 64
"""Largest size of a word in bytes."""


class _Words(Sequence[str]):
    """The words of a lexicon's text, as written or folded. Each is decoded when it is accessed."""

    def __init__(self, text: bytes, begins: NDArray[np.uint32], folded: bool) -> None:
        self._text = text
        self._begins = begins
        self._folded = folded

    def __len__(self) -> int:
        return len(self._begins) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        word = self._text[self._begins[place] + 1 : self._begins[place + 1] - 1].decode()
        if not self._folded:
            return word
        return word.lower() if word.isascii() else fold(word)


class Lexicon:
    """The rare words of a bundle, read at the first access. Shared by sessions, from several threads."""

    def __init__(self, content: bytes) -> None:
        """content: bytes of the file."""
        self._content = content
        self._is_read = False
        self._words: ExtraWords | None = None
        self._text = bytearray()  # what `prepare` has read so far
        self._decompressor = lzma.LZMADecompressor(memlimit=_MEMORY)
        self._preparing = Lock()

    def words(self) -> ExtraWords | None:
        """Return the words, with probabilities that sum to one; None if the file is damaged.

        The first call takes some 40 ms for 200,000 words, unless `prepare` has read them.
        """
        if not self._is_read:
            # Do not wait for `prepare` or use its partial result: a fork may have interrupted it.
            with suppress(lzma.LZMAError, ValueError):
                decompressor = lzma.LZMADecompressor(memlimit=_MEMORY)
                text = decompressor.decompress(self._content, MOST_BYTES)
                if not decompressor.eof:
                    raise ValueError("cut short, or too large")
                self._words = _words(text)
            self._end()
        return self._words

    def prepare(self) -> bool:
        """Read a part of the file, which takes at most 3 ms. Return whether there is more to read."""
        if self._is_read or not self._preparing.acquire(blocking=False):
            return False
        try:
            first = b"" if self._text else self._content  # the decompressor holds the rest
            with suppress(lzma.LZMAError, ValueError):
                self._text += self._decompressor.decompress(first, _PIECE)
                if not self._decompressor.eof:
                    if self._decompressor.needs_input or len(self._text) > MOST_BYTES:
                        raise ValueError("cut short, or too large")
                    return True
                self._words = _words(bytes(self._text))
            self._end()
            return False
        finally:
            self._preparing.release()

    def _end(self) -> None:
        self._is_read = True
        self._content, self._text = b"", bytearray()


def _words(text: bytes) -> ExtraWords:
    """Parse the text of a lexicon. Raises ValueError if `text` is not a lexicon."""
    characters = np.frombuffer(text, np.uint8)
    begins = np.append(np.uint32(0), np.flatnonzero(characters == ord("\n")).astype(np.uint32) + np.uint32(1))
    lengths = np.diff(begins)
    if len(begins) < 2 or begins[-1] != len(text) or lengths.min() < 3 or lengths.max() > LONGEST_WORD + 2:
        raise ValueError("its lines are not a digit and a word each")
    classes = characters[begins[:-1]] - np.uint8(ord("0"))
    # Check for control characters and valid UTF-8 only: inspecting each character would take longer than all the rest.
    control = np.count_nonzero(characters <= ord(" ")) - (len(begins) - 1)
    if classes.max() > 9 or control or not text.decode():
        raise ValueError("its lines are not a digit and a word each")
    weights = _WEIGHTS[classes]
    words, keys = (_Words(text, begins, folded) for folded in (False, True))
    return ExtraWords(words, keys, weights / weights.sum())


def lexicon_file(words: Iterable[tuple[str, int]]) -> bytes:
    """Return the content of a lexicon file for these pairs of word and class, given in any order."""
    lines = [f"{class_}{word}\n" for word, class_ in sorted(words, key=lambda pair: sort_key(pair[0]))]
    return lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
