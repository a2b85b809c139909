"""From a text field to the store: which words were typed in it, when they count, and what they stood after.

A word counts when the one after it is finished, so one that is corrected at once never does. A word outside the
vocabulary waits longer, for the end of its sentence or eight more words, since it may turn out to be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from foretype.runtime.personal.learning.announced_secrets import Scope, carried_into, scope
from foretype.runtime.personal.learning.rules import LINE_START, WRAPPING, Piece, inside_fence, is_fence, read_line
from foretype.runtime.personal.learning.typed_text import ACCEPTED, FOREIGN, TYPED, TypedText
from foretype.runtime.personal.personal_model import PersonalWords
from foretype.runtime.personal.rows import Observation
from foretype.runtime.text.context import without_surrogates
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import is_word

_FINISHED = re.compile(r"(?<!\S)\S++(?=\s)")
_RUNS = re.compile(r"\S+")
_RUN = re.compile(r"\S*$")
_LONGEST_RUN = 256
"""Characters of a run without white space at most; what is longer is no word."""
_ENDS_SENTENCE = re.compile(r"[.!?…][\"'”’)]*\s")
_UNKNOWN_WAITS = 8
"""Words after an unknown one that are waited for: in "... is my password" the announcement comes last."""
_CONTEXT = 2
_LINE_START = Piece(LINE_START, True)
_LONGEST_TEXT = 20_000
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
        self._typed = TypedText()
        self._line = ""  # the line that `_context` was read from
        self._context: tuple[str, ...] = (LINE_START,)
        self._seen = 0  # where the last finished chunk ends that was looked at
        self._waiting: list[tuple[int, int]] = []  # starts and ends of finished chunks that do not count yet

    def follow(self, text: str, after: str | None = None, accepted: bool = False, foreign: bool = False) -> list[Typed]:
        """What counts now that the text before the cursor is `text`, after one edit.

        after: the text after the cursor, or its beginning; None where it is not known. accepted: whether the edit put a
            suggestion in. foreign: whether it put in what is not the user's, or private.
        A word counts when all its characters were typed or accepted here; see `TypedText`.
        """
        text = without_surrogates(text)
        mark = FOREIGN if foreign else ACCEPTED if accepted else TYPED
        shift, kept = self._typed.update(text, None if after is None else without_surrogates(after), mark)
        self._seen = min(max(0, self._seen - shift), kept)
        moved = [(start - shift, end - shift) for start, end in self._waiting]
        # With the space behind it: a word that was gone on with is not that word any more.
        self._waiting = [(start, end) for start, end in moved if start >= 0 and kept > end]
        found: list[Typed] = []
        for match in _FINISHED.finditer(text, _chunk_start(text, self._typed.next_typed(self._seen))):
            if match.end() > self._seen:
                self._waiting.append(match.span())
                self._seen = match.end()
                found += self._due(text)
        return found

    def _due(self, text: str) -> list[Typed]:
        """What counts now of the chunks that wait: once the next is finished, and once it cannot be a secret."""
        due: list[tuple[int, int]] = []
        unknown: list[tuple[int, int]] = []  # those that may be secrets, which are no contexts yet either
        for start, end in self._waiting[:-1]:
            if not self._may_count(text, start, end):
                unknown.append((start, end))
            elif not unknown or len(text[unknown[-1][1] : start].split()) >= _CONTEXT:
                due.append((start, end))
        self._waiting = [span for span in self._waiting if span not in due]
        return [word for span in due for word in self._read(text, *span)]

    def _may_count(self, text: str, start: int, end: int) -> bool:
        """Whether enough of what follows a chunk is known to tell a secret: an unknown word may be one."""
        word = text[start:end].strip(WRAPPING)
        if self._is_common(word) or self._is_common(word.casefold()):
            return True
        following = text[end : self._seen]
        return (
            "\n" in following
            or bool(_ENDS_SENTENCE.search(text[start : self._seen + 1]))
            or (len(following.split()) >= _UNKNOWN_WAITS)
        )

    def finish(self) -> list[Typed]:
        """What counts when nothing more comes in this text: all words typed in it that did not count yet."""
        text = self._typed.known
        found = [word for match in _RUNS.finditer(text) for word in self._read(text, *match.span())]
        self._typed, self._seen, self._waiting = TypedText(), 0, []
        return found

    def disown(self) -> None:
        """Nothing that stands in the field now is learned any more."""
        self._waiting = []
        self._typed.disown()

    def withholds(self, word: str) -> bool:
        """Whether `word` stands where the text announces a secret."""
        carried = False
        for line in self._typed.known[-_LONGEST_TEXT:].split("\n"):
            withheld = scope(line, carried)
            carried = withheld.carries
            if any(withheld.covers(*match.span()) for match in re.finditer(re.escape(word), line)):
                return True
        return False

    def read(self, text: str) -> Iterator[Observation]:
        """All words of `text`, as if it had been typed."""
        fenced = secret = False
        for line in without_surrogates(text).splitlines():
            withheld = scope(line, secret)
            if is_fence(line):
                fenced = not fenced
            elif not fenced:
                pieces = [_LINE_START, *self._pieces(line, withheld)]
                yield from (found for number in range(1, len(pieces)) for found in _observed(pieces, number))
            secret = withheld.carries

    def context(self, before: str) -> tuple[str, ...]:
        """At most two words or marks before the cursor; `before` ends where the word at the cursor begins."""
        start = before.rfind("\n") + 1
        line = without_surrogates(before[start:][-_LONGEST_LINE:])
        if line != self._line:
            pieces = self._pieces(line, scope(line, carried_into(before, start)), _CONTEXT + 1)
            self._line, self._context = line, _known_end([_LINE_START, *pieces])
        return self._context

    def _pieces(self, line: str, withheld: Scope, most: int | None = None) -> Iterator[Piece]:
        return read_line(self._form, line, self._words.own_form, self._is_common, withheld, most)

    def _is_common(self, word: str) -> bool:
        return self._words.place(word) is not None

    def _read(self, text: str, start: int, end: int) -> Iterator[Typed]:
        """The words of the chunk from `start` to `end`, with a look at what comes after it."""
        typed = self._typed
        if not typed.all_typed(start, end) or typed.was_counted(start) or inside_fence(text[:start]):
            return
        accepted = typed.was_accepted(start, end)
        line_start = max(text.rfind("\n", 0, start) + 1, start - _LONGEST_LINE)
        line_end = text.find("\n", end)
        line = text[line_start : len(text) if line_end < 0 else line_end]
        after = len(line[end - line_start :].split())
        withheld = scope(line, carried_into(text, line_start))
        pieces = [_LINE_START, *self._pieces(line, withheld, after + _CONTEXT + 2)]
        for number, piece in enumerate(pieces):
            if piece.chunk == start - line_start:
                for observation in _observed(self._own(pieces, number, line, line_start), number, accepted):
                    yield Typed(observation, text[:start])
        typed.count(start, end)

    def _own(self, pieces: list[Piece], number: int, line: str, line_start: int) -> list[Piece]:
        """`pieces`, those before `number` that the user did not type here hidden: they are no context."""
        first = max(0, number - _CONTEXT)
        return [
            Piece("", False) if first <= place < number and not self._is_own(piece, line, line_start) else piece
            for place, piece in enumerate(pieces)
        ]

    def _is_own(self, piece: Piece, line: str, line_start: int) -> bool:
        if piece.chunk < 0:  # the start of the line
            return True
        end = piece.chunk + len(line[piece.chunk :].split(maxsplit=1)[0])
        return self._typed.all_typed(line_start + piece.chunk, line_start + end)


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
    """Where the run without white space starts that `position` lies in or ends; of an endless run, a late part."""
    match = _RUN.search(text[max(0, position - _LONGEST_RUN) : position])
    assert match is not None  # it may be empty
    return position - len(match.group())
