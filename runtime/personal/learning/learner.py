"""Follows a text field and decides which words were typed in it, when they count, and after which context.

A word counts when the next word is finished, so a word that is corrected at once never counts. A word outside the
vocabulary waits longer, until the end of its sentence or for eight more words, since it may turn out to be a secret.
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
"""Maximum number of characters in a run without white space. A longer run is not a word."""
_ENDS_SENTENCE = re.compile(r"[.!?…][\"'”’)]*\s")
_UNKNOWN_WAITS = 8
"""Number of words to wait for after an unknown word: in "... is my password" the announcement comes last."""
_CONTEXT = 2
_LINE_START = Piece(LINE_START, True)
_LONGEST_TEXT = 20_000
_LONGEST_LINE = 2000
"""Maximum number of characters of a line. Only the end of a longer line is read."""


class Typed(NamedTuple):
    """A word that counts: the observation to learn, and the text that stood before the word."""

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
        self._seen = 0  # the end of the last finished chunk that was examined
        self._waiting: list[tuple[int, int]] = []  # starts and ends of finished chunks that do not count yet

    def follow(self, text: str, after: str | None = None, accepted: bool = False, foreign: bool = False) -> list[Typed]:
        """Follow one edit after which `text` stands before the cursor, and return the words that count now.

        after: the text after the cursor, or its beginning; None if it is not known. accepted: whether the edit inserted
            a suggestion. foreign: whether the edit inserted private text, or text that the user did not type.
        A word counts if all its characters were typed or accepted here; see `TypedText`.
        """
        text = without_surrogates(text)
        mark = FOREIGN if foreign else ACCEPTED if accepted else TYPED
        shift, kept = self._typed.update(text, None if after is None else without_surrogates(after), mark)
        self._seen = min(max(0, self._seen - shift), kept)
        moved = [(start - shift, end - shift) for start, end in self._waiting]
        # The space after the word must still be there: otherwise the word was continued and is another word.
        self._waiting = [(start, end) for start, end in moved if start >= 0 and kept > end]
        found: list[Typed] = []
        for match in _FINISHED.finditer(text, _chunk_start(text, self._typed.next_typed(self._seen))):
            if match.end() > self._seen:
                self._waiting.append(match.span())
                self._seen = match.end()
                found += self._due(text)
        return found

    def _due(self, text: str) -> list[Typed]:
        """Words of the waiting chunks that count now: the next chunk is finished, and they cannot be secrets."""
        due: list[tuple[int, int]] = []
        unknown: list[tuple[int, int]] = []  # chunks that may be secrets; they cannot be contexts yet either
        for start, end in self._waiting[:-1]:
            if not self._may_count(text, start, end):
                unknown.append((start, end))
            elif not unknown or len(text[unknown[-1][1] : start].split()) >= _CONTEXT:
                due.append((start, end))
        self._waiting = [span for span in self._waiting if span not in due]
        return [word for span in due for word in self._read(text, *span)]

    def _may_count(self, text: str, start: int, end: int) -> bool:
        """Whether a chunk is a common word, or enough text follows it to know whether it is an announced secret."""
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
        """End this text, and return all words typed in it that did not count yet."""
        text = self._typed.known
        found = [word for match in _RUNS.finditer(text) for word in self._read(text, *match.span())]
        self._typed, self._seen, self._waiting = TypedText(), 0, []
        return found

    def disown(self) -> None:
        """Never learn any of the text that is in the field now."""
        self._waiting = []
        self._typed.disown()

    def withholds(self, word: str) -> bool:
        """Whether `word` occurs where the text announces a secret."""
        carried = False
        for line in self._typed.known[-_LONGEST_TEXT:].split("\n"):
            withheld = scope(line, carried)
            carried = withheld.carries
            if any(withheld.covers(*match.span()) for match in re.finditer(re.escape(word), line)):
                return True
        return False

    def read(self, text: str) -> Iterator[Observation]:
        """Yield all words of `text` that may be learned, as if it had been typed."""
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
        """At most two words or marks at the end of `before`, which ends where the word at the cursor begins."""
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
        """Yield the words to learn from the chunk from `start` to `end`, taking the text after it into account."""
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
        """Hide the `pieces` before `number` that the user did not type here: they must not be used as context."""
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
    """The last pieces, back to the first that must not be learned."""
    known: list[str] = []
    for piece in reversed(pieces[-_CONTEXT:]):
        if not piece.learnable:
            break
        known.append(piece.text)
    return tuple(reversed(known))


def _chunk_start(text: str, position: int) -> int:
    """The start of the run without white space that contains or ends at `position`, at most `_LONGEST_RUN` back."""
    match = _RUN.search(text[max(0, position - _LONGEST_RUN) : position])
    assert match is not None  # it may be empty
    return position - len(match.group())
