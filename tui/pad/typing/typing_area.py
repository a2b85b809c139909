"""The text area of the pad: an editor that gets suggestions from a session after each key, and learns from typing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from textual import _ansi_sequences, events
from textual.message import Message

from foretype.runtime import Suggestion
from foretype.runtime.errors import ForetypeError
from foretype.runtime.spacing import missing_space
from foretype.runtime.text_session import TextSession
from foretype.tui.editor.actions import MOTIONS
from foretype.tui.editor.buffer import Change, Place
from foretype.tui.pad.keys import Keymap
from foretype.tui.pad.typing.accepting import NOT_TYPED, AcceptingEditor
from foretype.tui.pad.typing.lists import continuation

CHOICES = 3
"""Number of candidates."""

CONTEXT_CHARACTERS = 50_000
"""Approximate amount of text before the cursor that the model sees. Always whole lines."""

LEARNED_CHARACTERS = 5_000
"""Approximate amount of text after the cursor that the session gets for learning. Always whole lines."""

_TIMES = 60
"""Number of suggestion times to keep."""


class _AltDigit(Enum):
    """Keys for Alt+1 to Alt+3. Textual reads ESC 1 as the character that Option+1 types on a Mac ("¡").

    Without these keys, Alt+1 would therefore type that character. Terminals with the Kitty keyboard protocol send a
    different sequence, which Textual reads as alt+1.
    """

    ONE = "alt+1"
    TWO = "alt+2"
    THREE = "alt+3"


for _key in _AltDigit:
    cast(dict[str, Any], _ansi_sequences.ANSI_SEQUENCES_KEYS)[f"\x1b{_key.value[-1]}"] = (_key,)


class TypingArea(AcceptingEditor):
    """An editor with suggestions from a `Session`.

    offers: the suggestions at the cursor, best first. `Suggested` is posted when they change. times: how long the last
    suggestions took, in seconds. quiet: whether suggestions are off. comments: the prefix of lines without suggestions,
    such as "#" in a commit message; "" for none.
    """

    @dataclass
    class Suggested(Message):
        """The suggestions at the cursor have changed.

        words: best first; empty if there are none or they are hidden. A correction of the word before the cursor starts
            with an arrow.
        ghost: whether the first word is shown at the cursor as ghost text.
        """

        words: list[str]
        ghost: bool

    @dataclass
    class Failed(Message):
        """The model failed to suggest. Typing continues without suggestions."""

        error: ForetypeError

    def __init__(
        self,
        text: str,
        session: TextSession,
        keymap: Keymap | None = None,
        letters: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        """letters: returns the letters of the model's words. It is called only when non-ASCII letters are typed."""
        super().__init__(text)
        self._letters = letters
        self.session = session
        self.keymap = keymap or Keymap()
        self.quiet = False
        self.threshold = 0.0
        self.comments = ""
        self.times: deque[float] = deque(maxlen=_TIMES)
        self._answer: Sequence[Suggestion] = ()  # the answer of the model for `_asked`
        self._asked: tuple[str, str] | None = None
        self._hidden = False
        self._stale = False

    def spaced_marks(self) -> frozenset[str]:
        return self.session.language.spaced_marks

    def on_mount(self) -> None:
        self._commit(pasted=True)  # the existing text was not typed here
        self._mark_stale()

    # --- What to offer

    def changed(self, changes: Sequence[Change], kind: str, travelled: bool) -> None:
        """Learn from an edit, count its key, and request new suggestions."""
        super().changed(changes, kind, travelled)
        typed = not travelled and kind not in NOT_TYPED
        self._commit(accepted=typed and kind == "accept", pasted=not typed)
        self._hidden = False
        self._mark_stale()

    def move(self, place: Place, select: bool = False, goal: int | None = None) -> None:
        """Move the cursor, and request suggestions there."""
        super().move(place, select, goal)
        self._mark_stale()

    def ask_again(self) -> None:
        """Forget the last answer and request a new one, because something other than the text has changed."""
        self._asked = None
        self._mark_stale()

    def _mark_stale(self) -> None:
        """Request new suggestions after the keys that are already waiting. A burst of keys thus costs one request."""
        if not self._stale:
            self._stale = True
            self.call_later(self.renew)

    def renew(self) -> None:
        """Update the suggestions for the current text and cursor."""
        if not self._stale:
            return
        self._stale = False
        before, after = self.around_cursor()
        text = self._text_before_cursor()
        if self._hidden or self.quiet or self.mark is not None or self._in_comment(before) or self._is_foreign(before):
            self.offers: Sequence[Suggestion] = ()
        else:
            self._ask(text + missing_space(before), after)
            self.offers = self._answer
        self.ghost = self._ghost(before, after, text)
        self.redraw()
        if self.ghost and not self.goes_on:
            self.call_later(self._lengthen)
        words = [f"← {offer.text.strip()}" if _corrects(offer) else offer.text for offer in self.offers]
        self.post_message(self.Suggested(words, bool(self.ghost)))

    def _is_foreign(self, before: str) -> bool:
        """Whether the last word has letters, but none that the model knows."""
        last = "".join(before.rsplit(maxsplit=1)[-1:])
        if last.isascii():
            return False
        letters = [letter for letter in last if letter.isalpha()]
        return bool(letters) and not any(letter in self._letters() for letter in letters)

    def _in_comment(self, before: str) -> bool:
        return bool(self.comments) and before.startswith(self.comments)

    def _ask(self, text: str, after: str) -> None:
        if (text, after) == self._asked:
            return
        start = time.perf_counter()
        try:
            self._answer = self.session.suggest(text, k=CHOICES, after=after, threshold=self.threshold)
            if text[-1:] == " " and not after:
                corrected = self.session.corrections(text, k=1)
                self._answer = [*self._answer[: CHOICES - len(corrected)], *corrected]
        except ForetypeError as error:
            self._answer = ()
            self.post_message(self.Failed(error))
        self.times.append(time.perf_counter() - start)
        self._asked = text, after

    def _lengthen(self) -> None:
        """Extend the ghost text to several words if the model is sure, once no keys are waiting."""
        if self._stale or not self.ghost or self._asked is None:
            return
        try:
            phrase = self.session.phrase(self._asked[0])
        except ForetypeError as error:
            self.post_message(self.Failed(error))
            return
        best = self.offers[0].text
        if phrase is not None and phrase.text.startswith(best) and len(phrase.text) > len(best):
            self.ghost += phrase.text[len(best) :]
            self.redraw()

    def _ghost(self, before: str, after: str, text: str) -> str:
        """The ghost text after the cursor: the rest of the best word, or of a phrase that was accepted in part.

        There is ghost text only at the end of a line, because elsewhere it would shift the text after it. There is none
        on an empty line, where Tab indents, nor after a finished word, unless the longer word is more probable.

        before, after: the cursor's line. text: all that the model is shown.
        """
        if not self.offers or after or not before.strip() or _corrects(self.offers[0]):
            return ""
        if self.goes_on:
            return self.goes_on
        best = self.offers[0]
        typed = before[len(before) - best.replaces :]
        ghost = best.ghost(before)
        if typed and ghost and self.session.finished(text) > best.probability:
            return ""
        return ghost

    def _text_before_cursor(self) -> str:
        """The text before the cursor, from the start of a line about `CONTEXT_CHARACTERS` back."""
        row, column = self.cursor
        lines = [self.buffer.lines[row][:column]]
        size = column
        while row > 0 and size < CONTEXT_CHARACTERS:
            row -= 1
            lines.append(self.buffer.lines[row])
            size += len(lines[-1]) + 1
        return "\n".join(reversed(lines))

    def _text_after_cursor(self) -> str:
        """The text after the cursor, to the end of a line about `LEARNED_CHARACTERS` ahead."""
        row, column = self.cursor
        lines = [self.buffer.lines[row][column : column + LEARNED_CHARACTERS]]
        size = len(lines[0])
        while row + 1 < len(self.buffer.lines) and size < LEARNED_CHARACTERS:
            row += 1
            lines.append(self.buffer.lines[row])
            size += len(lines[-1]) + 1
        return "\n".join(lines)

    def action_hide_suggestions(self) -> None:
        """Hide suggestions until the text changes."""
        self._hidden = True
        self.goes_on = ""
        self._mark_stale()

    def kept(self, word: str) -> None:
        """Tell the session that a word that the user restored is right."""
        self.session.keep(word)
        self._asked = None

    def _commit(self, accepted: bool = False, pasted: bool = False) -> None:
        """Tell the session about an edit, so that it can learn."""
        self.session.commit(
            self._text_before_cursor(), after=self._text_after_cursor(), accepted=accepted, pasted=pasted
        )

    # --- Keys

    async def on_key(self, event: events.Key) -> None:
        """Run the action of a key at once, or type its character.

        Textual would run the action only when the key reaches the app, and a letter typed right after it could overtake
        it. If an earlier key has moved the focus, keys that waited here are passed to the widget that has it now.
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
        """Start a new line that continues the indentation and the list."""
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
