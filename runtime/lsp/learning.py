"""Collects the words that a user types in a document, and learns them when the document is saved."""

from __future__ import annotations

from foretype.runtime.engines.loading import Engines
from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.prose import own_text
from foretype.runtime.personal.learning.learner import Learner
from foretype.runtime.personal.personal_model import PersonalWords
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.store import Store

_MOST_WAITING = 10_000
"""Words that are kept until the document is saved. Beyond this, no more are collected."""


class TypedWords:
    """The words typed in one document since it was opened or saved.

    The rules are those of every text field (`runtime.personal.learning`): what stood in the file, was pasted, or may be
    a secret is not learned. Lines of quoted mail are left out.
    """

    def __init__(self, store: Store, engines: Engines) -> None:
        self._store = store
        self._words = PersonalWords(store, engines.vocabulary)
        self._learner = Learner(engines.form, self._words)
        self._waiting: list[Observation] = []
        self._cursor: Place | None = None
        self._cleared = 0.0  # how often the store was cleared when the first of these words was typed

    def before_edit(self, document: Document, place: Place) -> None:
        """Note that the user is about to edit at `place`: text seen here for the first time was not typed here.

        Raises StoreError.
        """
        if self._cursor is None:
            self._cleared = self._store.cleared()
            self._words.refresh()
        if place != self._cursor:
            self._follow(document, place, foreign=True)

    def edited(self, document: Document, place: Place) -> None:
        """Note an edit that ends at `place`. What it inserted counts as typed if one key press can have done it."""
        self._cursor = place
        self._follow(document, place, foreign=False)

    def forget(self) -> None:
        """Learn nothing of what stands in the document now."""
        self._learner.finish()
        self._waiting, self._cursor = [], None

    def save(self) -> int:
        """Learn what was typed since the last call, unless the user cleared the store in the meantime.

        Returns the number of words. Raises StoreError.
        """
        if self._cursor is None:
            return 0
        if self._store.cleared() != self._cleared:
            self.forget()
            return 0
        typed = self._waiting + [word.observation for word in self._learner.finish()]
        self._waiting, self._cursor = [], None
        self._store.learn(typed)
        return len(typed)

    def _follow(self, document: Document, place: Place, foreign: bool) -> None:
        before, after = document.before(place), document.after(place)
        whole = own_text(before + "\0" + after, document.language)
        if "\0" not in whole:  # the place is in a line that is left out
            return
        before, after = whole.split("\0", 1)
        typed = self._learner.follow(before, after, foreign=foreign)
        self._waiting += [word.observation for word in typed][: max(0, _MOST_WAITING - len(self._waiting))]
