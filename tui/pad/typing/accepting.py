"""Inserts suggestions into the text: words, phrases word by word, and the spaces around them."""

from __future__ import annotations

from collections.abc import Sequence

from foretype.runtime import Suggestion
from foretype.runtime.spacing import accept, takes_space_back
from foretype.tui.editor.actions import EditorActions
from foretype.tui.editor.buffer import Change, Place
from foretype.tui.pad.typing.corrections import Corrections
from foretype.tui.pad.typing.savings import KeystrokeAccount
from foretype.tui.pad.typing.word_count import WordCount

_ALSO_CLOSE = frozenset("'\u2019-/*_\"")
"""Punctuation marks that follow a word without a space while typing, in addition to those of `spacing`."""


NOT_TYPED = frozenset({"paste", "open"})
"""Kinds of edits whose text comes from elsewhere."""


class AcceptingEditor(EditorActions):
    """An editor that can accept suggestions.

    offers: the suggestions at the cursor, best first. goes_on: the rest of a phrase that was accepted in part.
    account: the keystroke account so far. words: the word count of the text. words_typed: number of words finished by
    hand. words_accepted: number of accepted suggestions.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.offers: Sequence[Suggestion] = ()
        self.goes_on = ""
        self.account = KeystrokeAccount()
        self.words = WordCount(self.buffer)
        self.words_typed = 0
        self.words_accepted = 0
        self._automatic_space: Place | None = None  # right after a space that an accepted word added
        self._corrections = Corrections(self.buffer.line)

    def renew(self) -> None:
        """Update the suggestions."""

    def kept(self, word: str) -> None:
        """Note that a word is right as typed."""

    def spaced_marks(self) -> frozenset[str]:
        """Marks that keep a space before them in the language that is written."""
        return frozenset()

    def around_cursor(self) -> tuple[str, str]:
        """The text of the cursor's line before and after the cursor."""
        row, column = self.cursor
        line = self.buffer.lines[row]
        return line[:column], line[column:]

    def changed(self, changes: Sequence[Change], kind: str, travelled: bool) -> None:
        """Count an edit in the account. Each edit except a paste is one key."""
        self.words.note(changes)
        self._automatic_space = None
        accepted = kind == "accept" and not travelled
        if not accepted:
            self.goes_on = ""
        given = sum(len(change.inserted) - len(change.removed) for change in changes)
        if travelled:  # restored text was counted when it was typed, if it was
            self.account.press(0 if kind in NOT_TYPED else min(0, given))
        elif kind not in NOT_TYPED:
            self.account.press(given)
        if accepted:
            self.words_accepted += 1
        elif kind == "type" and not travelled and changes[0].inserted.isspace():
            self.words_typed += 1

    def type_text(self, text: str) -> None:
        """Type a character. A punctuation mark that follows its word directly replaces an automatic space."""
        start, end = self.selection
        close = takes_space_back(text[:1], self.around_cursor()[0], self.spaced_marks()) or text in _ALSO_CLOSE
        if self._automatic_space == self.cursor and start == end and close:
            start = (start[0], start[1] - 1)
        self.change(text, start, end, "type")

    # --- Accepting

    def action_accept_1(self) -> None:
        self.accept(1)

    def action_accept_2(self) -> None:
        self.accept(2)

    def action_accept_3(self) -> None:
        self.accept(3)

    def accept(self, number: int) -> None:
        """Replace the typed part of a word by candidate `number`, counted from 1."""
        self.renew()
        if number <= len(self.offers):
            self._put(self.offers[number - 1])

    def _put(self, offer: Suggestion, goes_on: str = "") -> None:
        """Replace the typed part of a word by `offer`, with the spaces that it needs.

        goes_on: the ghost text to show after it.
        """
        row, column = self.cursor
        before, after = self.around_cursor()
        edit = accept(before, after, offer)
        start = (row, max(0, column - edit.remove_before))
        typed = before[start[1] :] + after[: edit.remove_after]
        self.history.checkpoint()
        self.goes_on = goes_on
        self.change(edit.insert, start, (row, column + edit.remove_after), "accept")
        self.history.checkpoint()
        if edit.skip:
            self.move((row, self.cursor[1] + edit.skip))
        elif edit.brought_space:
            self._automatic_space = self.cursor
        self._corrections.add(start, typed, offer.text)

    def _put_ghost(self, whole: bool) -> bool:
        """Accept the whole ghost text, or its next word. Returns whether there was any."""
        self.renew()
        before, after = self.around_cursor()
        if not self.ghost or after:
            return False
        best = self.offers[0]
        replaces = 0 if self.goes_on else best.replaces
        text = before[len(before) - replaces :] + self.ghost.lstrip(" ")
        taken, rest = text, ""
        if not whole and " " in text:
            taken, _, rest = text.partition(" ")
        self._put(Suggestion(taken, best.probability, replaces), rest)
        return True

    def action_accept_or_indent(self) -> None:
        """Accept the next word of the ghost text, or indent if there is none.

        After a letter, do nothing while there are candidates that ghost text cannot show: the user probably meant one.
        """
        if self._put_ghost(whole=False):
            return
        before, _ = self.around_cursor()
        if not self.offers or before[-1:].isspace() or not before or self.mark is not None:
            self.action_indent()

    def action_accept_word_or_right(self) -> None:
        if not self._put_ghost(whole=False):
            self.motion("word_right")

    def action_accept_all_or_right(self) -> None:
        if not self._put_ghost(whole=True):
            self.motion("right")

    def action_accept_all_or_end(self) -> None:
        if not self._put_ghost(whole=True):
            self.motion("line_end")

    # --- Corrections

    def action_take_correction_back(self) -> None:
        """Restore the text that the last correction replaced, wherever the cursor is, and keep it."""
        last = self._corrections.take()
        if last is None:
            return
        self.history.checkpoint()
        row, column = self.cursor
        longer = len(last.typed) - len(last.text)
        behind = row == last.start[0] and column >= last.end[1]
        self.kept(last.word)
        self.change(last.typed, last.start, last.end, "edit", (row, column + longer if behind else column))
        self.history.checkpoint()

    def undo(self) -> None:
        """Undo the last batch of edits. If that undoes a correction, the word is not corrected again."""
        super().undo()
        undone = self._corrections.undone()
        if undone is not None:
            self.kept(undone.word)
