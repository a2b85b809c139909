"""From a text field to the store: which words were typed in it, when they count, and what they stood after.

A word counts when the one after it is finished, so one that is corrected at once never does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from foretype.runtime.personal.personal_model import PersonalWords
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.rules import LINE_START, Piece, announces_secret, inside_fence, is_fence, read_line
from foretype.runtime.text.context import MAXIMUM_WORD, common_prefix, without_surrogates
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import is_word

_FINISHED = re.compile(r"\S+(?=\s)")
_CONTEXT = 2
_LINE_START = Piece(LINE_START, True)
_LONGEST_LINE = 2000
"""Of a longer line, the end is read."""


class Typed(NamedTuple):
    """A word that counts: what is to be learned of it, and the text that stood before it, if it is known."""

    observation: Observation
    before: str


class Learner:
    """Follows one text field."""

    def __init__(self, form: TextForm, words: PersonalWords) -> None:
        self._form = form
        self._words = words
        self._last = ""
        self._line = ""  # the line that `_context` was read from
        self._context: tuple[str, ...] = (LINE_START,)
        self._seen = 0  # where the last finished chunk ends that was looked at
        self._barrier = 0  # text before is not the user's, or private: nothing of it is learned, nor a context
        self._pending: tuple[int, int, bool] | None = None  # its start and end, and whether it was accepted

    def follow(self, text: str, accepted: bool = False, foreign: bool = False) -> list[Typed]:
        """What counts now that the text before the cursor is `text`.

        Text that appears at once, more than a word of it, was there before or was pasted: it is not learned, unless it
        was `accepted`. Nor is what is said to be `foreign`, or what stands before it.
        """
        text = without_surrogates(text)
        last, self._last = self._last, text
        found: list[Typed] = []
        common = len(last) if text.startswith(last) else common_prefix(text, last)
        self._barrier = min(self._barrier, common)
        # With the space behind it: a word that was gone on with is not that word any more.
        if self._pending is not None and common <= self._pending[1]:
            self._pending = None
        self._seen = min(self._seen, common)
        grown = len(text) - self._seen
        if foreign or grown > (1 if accepted else 3) * (MAXIMUM_WORD + 2):
            found = self.flush()
            self._seen = self._barrier = len(text)
            return found
        fresh = [
            match for match in _FINISHED.finditer(text, _chunk_start(text, self._seen)) if match.end() > self._seen
        ]
        if len(fresh) > 1 and not accepted:
            found = self.flush()
            self._seen, self._barrier = fresh[-1].end(), len(text)
            return found
        for match in fresh:
            found += self.flush()
            chosen = accepted and match.end() > common
            self._pending, self._seen = (match.start(), match.end(), chosen), match.end()
        return found

    def flush(self) -> list[Typed]:
        """What counts when nothing more comes: the last finished word."""
        if self._pending is None:
            return []
        (start, end, accepted), self._pending = self._pending, None
        return list(self._read(self._last, start, end, accepted))

    def read(self, text: str) -> Iterator[Observation]:
        """All words of `text`, as if it had been typed."""
        fenced = secret = False
        for line in without_surrogates(text).splitlines():
            if is_fence(line):
                fenced = not fenced
            elif not fenced:
                pieces = [_LINE_START, *self._pieces(line, secret=secret)]
                yield from (found for number in range(1, len(pieces)) for found in _observed(pieces, number))
            secret = announces_secret(line)

    def context(self, before: str) -> tuple[str, ...]:
        """At most two words or marks before the cursor; `before` ends where the word at the cursor begins."""
        line = without_surrogates(before[before.rfind("\n") + 1 :][-_LONGEST_LINE:])
        if line != self._line:
            self._line, self._context = line, _known_end([_LINE_START, *self._pieces(line, _CONTEXT + 1)])
        return self._context

    def _pieces(self, line: str, most: int | None = None, secret: bool = False) -> Iterator[Piece]:
        return read_line(self._form, line, self._words.own_form, self._is_common, most, secret)

    def _is_common(self, word: str) -> bool:
        return self._words.place(word) is not None

    def _read(self, text: str, start: int, end: int, accepted: bool) -> Iterator[Typed]:
        """The words of the chunk from `start` to `end`, with a look at what comes after it."""
        if start < self._barrier or inside_fence(text[:start]):
            return
        line_start = max(text.rfind("\n", 0, start) + 1, start - _LONGEST_LINE)
        line_end = text.find("\n", end)
        line = text[line_start : len(text) if line_end < 0 else line_end]
        after = len(line[end - line_start :].split())
        previous = text[text.rfind("\n", 0, max(0, line_start - 1)) + 1 : max(0, line_start - 1)]
        pieces = [_LINE_START, *self._pieces(line, after + _CONTEXT + 2, announces_secret(previous))]
        # What stands before the barrier is no context.
        pieces = [piece if max(0, piece.chunk) + line_start >= self._barrier else Piece("", False) for piece in pieces]
        for number, piece in enumerate(pieces):
            if piece.chunk == start - line_start:
                for observation in _observed(pieces, number, accepted):
                    yield Typed(observation, text[:start])


def _observed(pieces: list[Piece], number: int, accepted: bool = False) -> Iterator[Observation]:
    piece = pieces[number]
    if piece.learnable and is_word(piece.text):
        context = _known_end(pieces[max(0, number - _CONTEXT) : number])
        yield Observation(context, piece.text, accepted)
        if piece.compound:
            yield Observation(context, piece.compound, accepted)


def _known_end(pieces: list[Piece]) -> tuple[str, ...]:
    """The last pieces, back to one that is not to be learned."""
    known: list[str] = []
    for piece in reversed(pieces[-_CONTEXT:]):
        if not piece.learnable:
            break
        known.append(piece.text)
    return tuple(reversed(known))


def _chunk_start(text: str, position: int) -> int:
    while position > 0 and not text[position - 1].isspace():
        position -= 1
    return position
