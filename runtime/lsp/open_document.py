"""One open document with what belongs to it: its session, the words typed in it, and its slips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from lsprotocol import types

from foretype.runtime.errors import StoreError
from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.learning import TypedWords
from foretype.runtime.lsp.prose import Prose, prose_at
from foretype.runtime.lsp.settings import LspSettings
from foretype.runtime.lsp.slips import WORD, Slip, Slips
from foretype.runtime.lsp.turns import Turns
from foretype.runtime.mixture import Models
from foretype.runtime.model import Model
from foretype.runtime.personal.store import Store
from foretype.runtime.suggestion import Suggestions
from foretype.runtime.text_session import TextSession

T = TypeVar("T")
_CORRECTIONS = 3
_MOST_LINES = 40
"""More lines that change at once are not searched for slips: they were pasted or replaced."""


class OpenDocument:
    """A document, and the sessions that answer for it.

    edits: the number of changes so far.
    """

    def __init__(self, uri: str, document: Document) -> None:
        """Call `configure` next."""
        self.uri = uri
        self.document = document
        self.edits = 0
        self.slips = Slips()
        self._typed: TypedWords | None = None  # what is learned when the document is saved; None if nothing is
        self._trouble: str | None = None
        self._touched: tuple[int, int] | None = None  # the first and last line that may have new slips
        self._cursor = Place(0, 0)

    def configure(self, model: Model | Models, store: Store | None, settings: LspSettings) -> None:
        """Start with these settings, or start again after they changed."""
        self._settings = settings
        self._trouble = None
        self._writing = Turns(model.session(store=store, private=True))
        self._checking = Turns(model.session(store=store, private=True))
        learns = settings.learn and store is not None and self.document.language in settings.languages
        first = model.models[0] if isinstance(model, Models) else model  # the one that learns in a mixture
        self._typed = TypedWords(store, first) if learns and store is not None else None

    @property
    def notice(self) -> str | None:
        """None, or one line that says what has to work without."""
        return self._trouble or self._writing.session.notice

    @contextmanager
    def _going_on(self) -> Iterator[TypedWords | None]:
        """Stop learning if the store fails; the document is kept up to date in any case."""
        try:
            yield self._typed
        except StoreError as error:
            self._typed, self._trouble = None, f"nothing is learned: {error}"

    # --- Changes

    def change(self, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Apply the editor's changes. A running answer for the older text ends at once."""
        self.edits += 1
        self._writing.session.cancel()
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                self._replace(change)
            else:
                self.document.rewrite(change.text)
                self._touched = None
                if self._typed is not None:
                    self._typed.forget()

    def save(self) -> None:
        """Learn what was typed, if words are learned here. The editor has saved the document."""
        with self._going_on() as typed:
            if typed is not None:
                typed.save()

    def _replace(self, change: types.TextDocumentContentChangePartial) -> None:
        document, begin, finish = self.document, change.range.start, change.range.end
        start, end = document.place(begin.line, begin.character), document.place(finish.line, finish.character)
        with self._going_on() as typed:
            if typed is not None:
                typed.before_edit(document, start)
        self._cursor = document.replace(start, end, change.text)
        with self._going_on() as typed:
            if typed is not None:
                typed.edited(document, self._cursor)
        first, last = self._touched or (start.line, start.line)
        self._touched = min(first, start.line), max(last + self._cursor.line - end.line, self._cursor.line)

    # --- Answers

    async def ask(self, position: types.Position, call: Callable[[TextSession, Prose], T]) -> tuple[T, Place] | None:
        """Return `call(session, prose)` for the prose at `position`, and the place of it.

        Returns None if no words are wanted there, or if the text changed before the answer was there.
        """
        place = self.document.place(position.line, position.character)
        prose = prose_at(self.document, place, self._settings)
        if prose is None:
            return None
        edits = self.edits
        found = await self._writing.run(lambda session: call(session, prose), lambda: self.edits == edits)
        return None if found is None or self.edits != edits else (found, place)

    async def check(self) -> bool:
        """Search the lines that were edited since the last call for slips. Returns whether it came to the end."""
        first, last = self._touched or (0, -1)
        edits, lines = self.edits, range(first, min(last + 1, len(self.document.lines)))
        for number in lines if len(lines) <= _MOST_LINES else ():
            found: list[Slip] = []
            line = self.document.line(number)
            for word in WORD.finditer(line):
                end = Place(number, word.end())
                prose = None if end == self._cursor else prose_at(self.document, end, self._settings)
                if prose is not None:
                    found += await self._slip(prose, end)
                if self.edits != edits:
                    return False
            self.slips.note(line, tuple(found))
        self._touched = None
        return True

    async def _slip(self, prose: Prose, end: Place) -> list[Slip]:
        def corrections(session: TextSession) -> Suggestions:
            return session.corrections(prose.before, k=_CORRECTIONS, after=prose.after)

        found = await self._checking.run(corrections)
        if not found:
            return []
        return [Slip(end.character - found[0].replaces, end.character, tuple(word.text for word in found))]

    def keep(self, word: str) -> None:
        """Never report `word` as a slip in this document."""
        self.slips.keep(word)
        self._checking.session.keep(word)
