"""The text area that suggests: ghost text at the cursor, candidates, and the keys that accept them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, cast

from rich.text import Text
from textual import _ansi_sequences, events
from textual.binding import Binding, BindingType
from textual.document._document import EditResult, Location
from textual.document._edit import Edit
from textual.message import Message
from textual.widgets import TextArea

from foretype.runtime import Session, Suggestion
from foretype.runtime.errors import ForetypeError
from foretype.runtime.spacing import accept, missing_space, takes_space_back
from foretype.tui.pad.corrections import Correction, Corrections
from foretype.tui.pad.savings import KeystrokeAccount

CHOICES = 3
"""Candidates on offer."""

CONTEXT_CHARACTERS = 50_000
"""About how much text before the cursor the model is shown; always whole lines."""

LEARNED_CHARACTERS = 5_000
"""About how much text after the cursor the session keeps in mind for learning; always whole lines."""

_CONTROL_CHARACTERS = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "\u200b")
"""A file may hold escape sequences; on the screen each such character has no width and no power."""


class _AltDigit(Enum):
    """Textual takes ESC 1 for the character that Option+1 types on a Mac ("¡"), so Alt+1 would write one.

    Terminals that speak the Kitty keyboard protocol send something else, which Textual reads as alt+1.
    """

    ONE = "alt+1"
    TWO = "alt+2"
    THREE = "alt+3"


for _key in _AltDigit:
    cast(dict[str, Any], _ansi_sequences.ANSI_SEQUENCES_KEYS)[f"\x1b{_key.value[-1]}"] = (_key,)


class _Choice(Edit):
    """An edit that puts a suggestion into the text."""


class _Paste(Edit):
    """An edit that no key typed: the keystroke account leaves it out."""


def _corrects(offer: Suggestion) -> bool:
    """Whether `offer` corrects the finished word before the cursor."""
    return offer.text[-1:].isspace()


class TypingArea(TextArea):
    """A text area over a `Session`.

    offers: what is on offer at the cursor, best first; `Suggested` tells when it changes.
    account: what the keys gave so far.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "accept_or_tab", show=False),
        Binding("end", "accept_all_or_end", show=False),
        Binding("ctrl+r", "take_correction_back", show=False),
        Binding("escape", "hide_suggestions", show=False),
        *(Binding(f"alt+{n}", f"accept({n})", show=False) for n in range(1, CHOICES + 1)),
    ]

    @dataclass
    class Suggested(Message):
        """What is on offer at the cursor has changed.

        words: best first; empty when there is nothing to offer or it is hidden. One that corrects the word before the
            cursor has an arrow before it.
        ghost: whether the first of them stands at the cursor as ghost text.
        seconds: how long the model took for them; None until it was asked.
        """

        words: list[str]
        ghost: bool
        seconds: float | None

    @dataclass
    class Failed(Message):
        """The model could not suggest; typing goes on without."""

        error: ForetypeError

    def __init__(self, text: str, session: Session) -> None:
        self._travelling = False  # whether an undo or redo is under way
        super().__init__(text, highlight_cursor_line=False, max_checkpoints=1000)
        self.match_cursor_bracket = False
        self.account = KeystrokeAccount()
        self.session = session
        self._answer: Sequence[Suggestion] = ()  # what the model said for `_asked`
        self._asked: tuple[str, str] | None = None
        self._seconds: float | None = None
        self.offers: Sequence[Suggestion] = ()
        self._hidden = False
        self._stale = False
        self._automatic_space: Location | None = None  # just behind a space that an accepted word brought
        self._corrections = Corrections(self._line)

    def on_mount(self) -> None:
        self.move_cursor(self.document.end)
        self._commit(pasted=True)  # what stands there already was not typed here
        self._mark_stale()

    # --- What to offer

    def update_suggestion(self) -> None:
        """Textual calls this after each edit."""
        self._hidden = False
        self._automatic_space = None
        self._mark_stale()

    def on_text_area_selection_changed(self) -> None:
        self._mark_stale()

    def _mark_stale(self) -> None:
        """Asks for new suggestions after the keys that wait already: a burst of keys costs one answer."""
        if not self._stale:
            self._stale = True
            self.call_later(self._renew)

    def _renew(self) -> None:
        """Brings what is on offer up to the text and the cursor as they are now."""
        if not self._stale:
            return
        self._stale = False
        before, after = self._around_cursor()
        if self._hidden or not self.selection.is_empty:
            self.offers = ()
        else:
            self._ask(self._text_before_cursor() + missing_space(before), after)
            self.offers = self._answer
        self.suggestion = self._ghost(before, after)
        if self.suggestion:
            self.call_later(self._lengthen)
        words = [f"← {offer.text.strip()}" if _corrects(offer) else offer.text for offer in self.offers]
        self.post_message(self.Suggested(words, bool(self.suggestion), self._seconds))

    def _ask(self, text: str, after: str) -> None:
        if (text, after) == self._asked:
            return
        start = time.perf_counter()
        try:
            self._answer = self.session.suggest(text, k=CHOICES, after=after)
            if text[-1:] == " " and not after:
                corrected = self.session.corrections(text, k=1)
                self._answer = [*self._answer[: CHOICES - len(corrected)], *corrected]
        except ForetypeError as error:
            self._answer = ()
            self.post_message(self.Failed(error))
        self._seconds = time.perf_counter() - start
        self._asked = text, after

    def _lengthen(self) -> None:
        """Goes on with the ghost text for several words where the model is sure, once no key waits."""
        if self._stale or not self.suggestion:
            return
        before, _ = self._around_cursor()
        try:
            phrase = self.session.phrase(self._text_before_cursor() + missing_space(before))
        except ForetypeError as error:
            self.post_message(self.Failed(error))
            return
        best = self.offers[0].text
        if phrase is not None and phrase.text.startswith(best):
            self.suggestion += phrase.text[len(best) :]

    def _ghost(self, before: str, after: str) -> str:
        """The rest of the best word, where it goes on from what is typed, at the end of its line.

        Elsewhere the ghost would push the text behind it about, and the right arrow must move the cursor.
        """
        if not self.offers or after or _corrects(self.offers[0]):
            return ""
        return self.offers[0].ghost(before)

    def _around_cursor(self) -> tuple[str, str]:
        """The cursor's line before and after it."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        return line[:column], line[column:]

    def _line(self, row: int) -> str:
        return self.document.get_line(row) if row < self.document.line_count else ""

    def _text_before_cursor(self) -> str:
        """The text before the cursor, from the start of a line some `CONTEXT_CHARACTERS` back."""
        row, column = self.cursor_location
        lines = [self.document.get_line(row)[:column]]
        size = column
        while row > 0 and size < CONTEXT_CHARACTERS:
            row -= 1
            lines.append(self.document.get_line(row))
            size += len(lines[-1]) + 1
        return "\n".join(reversed(lines))

    def _text_after_cursor(self) -> str:
        """The text after the cursor, as far as the end of a line some `LEARNED_CHARACTERS` on."""
        row, column = self.cursor_location
        lines = [self.document.get_line(row)[column:]]
        size = len(lines[0])
        while row + 1 < self.document.line_count and size < LEARNED_CHARACTERS:
            row += 1
            lines.append(self.document.get_line(row))
            size += len(lines[-1]) + 1
        return "\n".join(lines)

    # --- Accepting

    def action_accept(self, number: int) -> None:
        """Puts candidate `number` (from 1) in the place of what is typed of it."""
        self._renew()
        if number > len(self.offers):
            return
        self._put(self.offers[number - 1])

    def _put(self, offer: Suggestion) -> None:
        """Puts `offer` in the place of what is typed of it, with the spaces it asks for."""
        row, column = self.cursor_location
        before, after = self._around_cursor()
        edit = accept(before, after, offer)
        start = (row, max(0, column - edit.remove_before))
        typed = before[start[1] :] + after[: edit.remove_after]
        self.history.checkpoint()
        end = (row, column + edit.remove_after)
        self.edit(_Choice(edit.insert, start, end, maintain_selection_offset=False))
        self.history.checkpoint()
        if edit.skip:
            self.move_cursor_relative(columns=edit.skip)
        elif edit.brought_space:
            self._automatic_space = self.cursor_location
        self._corrections.add(start, typed, offer.text)

    def action_take_correction_back(self) -> None:
        """Writes again what the last correction replaced, wherever the cursor is, and has the session keep it so."""
        last = self._corrections.take()
        if last is not None:
            self.history.checkpoint()
            self.replace(last.typed, last.start, last.end)
            self.history.checkpoint()
            self._keep(last)

    def _keep(self, correction: Correction) -> None:
        """Has the session take for right what the user brought back."""
        self.session.keep(correction.word)
        self._asked = None

    def action_accept_all_or_end(self) -> None:
        """Accepts the whole ghost text where it has several words; elsewhere goes to the end of the line."""
        self._renew()
        before, after = self._around_cursor()
        if self.suggestion and not after and " " in self.suggestion.strip():
            best = self.offers[0]
            typed = before[len(before) - best.replaces :]
            self._put(Suggestion(typed + self.suggestion.lstrip(), best.probability, best.replaces))
        else:
            self.action_cursor_line_end()

    def action_accept_or_tab(self) -> None:
        """Accepts the best candidate; with none on offer, the key types a tab."""
        self._renew()
        if self.offers:
            self.action_accept(1)
        else:
            self.replace("\t", *self.selection, maintain_selection_offset=False)

    def action_cursor_right(self, select: bool = False) -> None:
        """Accepts the ghost text where there is one; elsewhere moves the cursor."""
        self._renew()
        if self.suggestion and not select:
            self.action_accept(1)
        else:
            self.suggestion = ""  # or Textual inserts it
            self._mark_stale()
            super().action_cursor_right(select)

    def action_hide_suggestions(self) -> None:
        """Offers nothing until the text changes."""
        self._hidden = True
        self._mark_stale()

    async def on_key(self, event: events.Key) -> None:
        """Runs the action of a bound key here and now.

        Textual would run it when the key has come up to the app; a letter typed right behind would overtake it.
        """
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.prevent_default()
                event.stop()
                return
        self._take_space_back(event)

    def _take_space_back(self, event: events.Key) -> None:
        """Types a mark that stands close to its word, a space or a new line in the place of an accepted space."""
        typed = "\n" if event.key == "enter" else event.character
        row, column = self.cursor_location
        if typed is None or self._automatic_space != (row, column) or not self.selection.is_empty:
            return
        if takes_space_back(typed, self._around_cursor()[0]):
            event.prevent_default()
            event.stop()
            self.replace(typed, (row, column - 1), (row, column), maintain_selection_offset=False)

    # --- The keystroke account

    def edit(self, edit: Edit) -> EditResult:
        """Makes the edit; each but a paste is one key, and learned from."""
        result = super().edit(edit)
        self._commit(accepted=isinstance(edit, _Choice), pasted=isinstance(edit, _Paste))
        if not isinstance(edit, _Paste):
            self.account.press(len(edit.text) - len(result.replaced_text))
        return result

    def undo(self) -> None:
        """Takes the last batch of edits back."""
        self._travel(self.history.undo_stack, super().undo)
        undone = self._corrections.undone()
        if undone is not None:
            self._keep(undone)

    def redo(self) -> None:
        """Makes the batch of edits again that was taken back last."""
        self._travel(self.history.redo_stack, super().redo)

    def _travel(self, batches: list[list[Edit]], step: Any) -> None:
        if not batches:
            return
        length = len(self.text)
        self._travelling = True
        try:
            step()
        finally:
            self._travelling = False
        # A batch of edits may have touched more lines than Textual wraps again.
        self.wrapped_document.wrap(self.wrap_width, self.indent_width)
        self._refresh_size()
        self._commit(pasted=True)
        pasted = any(isinstance(edit, _Paste) for edit in batches[-1])
        self.account.press(0 if pasted else len(self.text) - length)

    def _refresh_size(self) -> None:
        """Textual calls this in the middle of an undo, while the cursor may still be behind the end of the text.

        A scrollbar that vanishes then makes it look for the cursor's line, and raise. So the size waits for the end.
        """
        if not self._travelling:
            super()._refresh_size()

    def _commit(self, accepted: bool = False, pasted: bool = False) -> None:
        """Tells the session of an edit, so that it can learn."""
        self.session.commit(
            self._text_before_cursor(), after=self._text_after_cursor(), accepted=accepted, pasted=pasted
        )

    async def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        self._paste(event.text)

    def action_paste(self) -> None:
        self._paste(self.app.clipboard)

    def _paste(self, text: str) -> None:
        if text:
            self.edit(_Paste(text, *self.selection, maintain_selection_offset=False))

    # --- Drawing

    def get_line(self, line_index: int) -> Text:
        """One line to draw."""
        line = super().get_line(line_index)
        line.plain = line.plain.translate(_CONTROL_CHARACTERS)
        return line
