"""The text of the pad: an editor that asks a session for suggestions after each key, and learns from what is typed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from textual import _ansi_sequences, events
from textual.message import Message

from foretype.runtime import Session, Suggestion
from foretype.runtime.errors import ForetypeError
from foretype.runtime.spacing import missing_space
from foretype.tui.editor.actions import MOTIONS
from foretype.tui.editor.buffer import Change, Place
from foretype.tui.pad.keys import Keymap
from foretype.tui.pad.typing.accepting import AcceptingEditor
from foretype.tui.pad.typing.lists import continuation

CHOICES = 3
"""Candidates on offer."""

CONTEXT_CHARACTERS = 50_000
"""About how much text before the cursor the model is shown; always whole lines."""

LEARNED_CHARACTERS = 5_000
"""About how much text after the cursor the session keeps in mind for learning; always whole lines."""

_TIMES = 60
"""Durations of the last suggestions that are kept."""


class _AltDigit(Enum):
    """Textual takes ESC 1 for the character that Option+1 types on a Mac ("¡"), so Alt+1 would write one.

    Terminals that speak the Kitty keyboard protocol send something else, which Textual reads as alt+1.
    """

    ONE = "alt+1"
    TWO = "alt+2"
    THREE = "alt+3"


for _key in _AltDigit:
    cast(dict[str, Any], _ansi_sequences.ANSI_SEQUENCES_KEYS)[f"\x1b{_key.value[-1]}"] = (_key,)


class TypingArea(AcceptingEditor):
    """An editor over a `Session`.

    offers: the suggestions at the cursor, best first; `Suggested` tells when they change. times: how long the last
    ones took, in seconds. quiet: whether nothing is offered here. comments: how lines begin in which nothing is
    offered, such as "#" in a commit message.
    """

    @dataclass
    class Suggested(Message):
        """The suggestions at the cursor have changed.

        words: best first; empty if there is nothing to offer or it is hidden. One that corrects the word before the
            cursor has an arrow before it.
        ghost: whether the first of them is shown at the cursor as ghost text.
        """

        words: list[str]
        ghost: bool

    @dataclass
    class Failed(Message):
        """The model could not suggest; typing goes on without."""

        error: ForetypeError

    def __init__(
        self,
        text: str,
        session: Session,
        keymap: Keymap | None = None,
        letters: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        """letters: those of the model's words, asked for when other than ASCII letters are typed."""
        super().__init__(text)
        self._letters = letters
        self.session = session
        self.keymap = keymap or Keymap()
        self.quiet = False
        self.comments = ""
        self.times: deque[float] = deque(maxlen=_TIMES)
        self._answer: Sequence[Suggestion] = ()  # what the model said for `_asked`
        self._asked: tuple[str, str] | None = None
        self._hidden = False
        self._stale = False

    def on_mount(self) -> None:
        self._commit(pasted=True)  # what is there already was not typed here
        self._mark_stale()

    # --- What to offer

    def changed(self, changes: Sequence[Change], kind: str) -> None:
        """Learn from an edit, count its keys, and ask for new suggestions."""
        super().changed(changes, kind)
        self._commit(accepted=kind == "accept", pasted=kind in ("paste", "open") or " " in kind)
        self._hidden = False
        self._mark_stale()

    def move(self, place: Place, select: bool = False, goal: int | None = None) -> None:
        """Put the cursor at a place, and ask for suggestions there."""
        super().move(place, select, goal)
        self._mark_stale()

    def ask_again(self) -> None:
        """Forget the last answer: something other than the text has changed."""
        self._asked = None
        self._mark_stale()

    def _mark_stale(self) -> None:
        """Ask for new suggestions after the keys that wait already: a burst of keys costs one answer."""
        if not self._stale:
            self._stale = True
            self.call_later(self.renew)

    def renew(self) -> None:
        """Bring the suggestions up to the text and the cursor as they are now."""
        if not self._stale:
            return
        self._stale = False
        before, after = self.around_cursor()
        if self._hidden or self.quiet or self.mark is not None or self._in_comment(before) or self._is_foreign(before):
            self.offers: Sequence[Suggestion] = ()
        else:
            self._ask(self._text_before_cursor() + missing_space(before), after)
            self.offers = self._answer
        self.ghost = self._ghost(before, after)
        self.redraw()
        if self.ghost and not self.goes_on:
            self.call_later(self._lengthen)
        words = [f"← {offer.text.strip()}" if _corrects(offer) else offer.text for offer in self.offers]
        self.post_message(self.Suggested(words, bool(self.ghost)))

    def _is_foreign(self, before: str) -> bool:
        """Whether the last word is written in letters that the model does not have."""
        words = before.split()
        if not words or words[-1].isascii():
            return False
        letters = [letter for letter in words[-1] if letter.isalpha()]
        return bool(letters) and not any(letter in self._letters() for letter in letters)

    def _in_comment(self, before: str) -> bool:
        return bool(self.comments) and before.startswith(self.comments)

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
        self.times.append(time.perf_counter() - start)
        self._asked = text, after

    def _lengthen(self) -> None:
        """Go on with the ghost text for several words if the model is sure, once no key waits."""
        if self._stale or not self.ghost:
            return
        before, _ = self.around_cursor()
        try:
            phrase = self.session.phrase(self._text_before_cursor() + missing_space(before))
        except ForetypeError as error:
            self.post_message(self.Failed(error))
            return
        best = self.offers[0].text
        if phrase is not None and phrase.text.startswith(best) and len(phrase.text) > len(best):
            self.ghost += phrase.text[len(best) :]
            self.redraw()

    def _ghost(self, before: str, after: str) -> str:
        """What follows the cursor in grey: the rest of the best word, or of a phrase that was accepted in part.

        Only at the end of a line: elsewhere it would push the text behind it about. Not on a line without text, where
        Tab indents. Not behind a finished word, unless the longer one is likelier.
        """
        if not self.offers or after or not before.strip() or _corrects(self.offers[0]):
            return ""
        if self.goes_on:
            return self.goes_on
        best = self.offers[0]
        typed = before[len(before) - best.replaces :]
        ghost = best.ghost(before)
        if typed and ghost and self.session.finished(self._text_before_cursor()) > best.probability:
            return ""
        return ghost

    def _text_before_cursor(self) -> str:
        """The text before the cursor, from the start of a line some `CONTEXT_CHARACTERS` back."""
        row, column = self.cursor
        lines = [self.buffer.lines[row][:column]]
        size = column
        while row > 0 and size < CONTEXT_CHARACTERS:
            row -= 1
            lines.append(self.buffer.lines[row])
            size += len(lines[-1]) + 1
        return "\n".join(reversed(lines))

    def _text_after_cursor(self) -> str:
        """The text after the cursor, up to the end of a line some `LEARNED_CHARACTERS` on."""
        row, column = self.cursor
        lines = [self.buffer.lines[row][column : column + LEARNED_CHARACTERS]]
        size = len(lines[0])
        while row + 1 < len(self.buffer.lines) and size < LEARNED_CHARACTERS:
            row += 1
            lines.append(self.buffer.lines[row])
            size += len(lines[-1]) + 1
        return "\n".join(lines)

    def action_hide_suggestions(self) -> None:
        """Offer nothing until the text changes."""
        self._hidden = True
        self.goes_on = ""
        self._mark_stale()

    def kept(self, word: str) -> None:
        """Have the session take for right what the user brought back."""
        self.session.keep(word)
        self._asked = None

    def _commit(self, accepted: bool = False, pasted: bool = False) -> None:
        """Tell the session of an edit, so that it can learn."""
        self.session.commit(
            self._text_before_cursor(), after=self._text_after_cursor(), accepted=accepted, pasted=pasted
        )

    # --- Keys

    async def on_key(self, event: events.Key) -> None:
        """Run the action of a key here and now, or type its character.

        Textual would run it when the key has come up to the app; a letter typed right behind would overtake it. A key
        that waited here while another one moved the focus belongs to the widget that has it now.
        """
        focused = self.screen.focused
        if focused is not None and focused is not self:
            focused.post_message(events.Key(event.key, event.character))
            event.prevent_default()
            event.stop()
            return
        action = self.keymap.action(event.key)
        if action is not None:
            name, select = action
            if select or name in MOTIONS:
                self.motion(name, select)
            else:
                await self.app.run_action(name, self if hasattr(self, f"action_{name}") else self.app)
        elif event.key == "enter":
            self.type_newline()
        elif event.is_printable and event.character is not None and not event.key.startswith(("alt+", "ctrl+")):
            self.type_text(event.character)
        elif not event.key.startswith("alt+"):
            return
        event.prevent_default()
        event.stop()

    def type_newline(self) -> None:
        """Break the line; the new one continues its indentation and its list."""
        before, _ = self.around_cursor()
        ends, start = continuation(before)
        self.history.checkpoint()
        if ends:
            row, column = self.cursor
            self.change("", (row, column - len(ends)), (row, column), "type")
        else:
            self.type_text("\n" + start)


def _corrects(offer: Suggestion) -> bool:
    """Whether `offer` corrects the finished word before the cursor."""
    return offer.text[-1:].isspace()
