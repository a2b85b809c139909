"""The keystroke account: what the keys pressed so far gave in text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class KeystrokeAccount:
    """Keystrokes saved = 1 - keys / characters.

    keys: keys pressed that changed the text: letters, choices of a word (one key each, whatever the word),
        deletions, undo and redo. Moving about, saving and pasting are no part of it.
    characters: characters that these keys put into the text, less those that they took out again.

    Typing by hand saves nothing; a correction costs its keys, as on any keyboard. Deleting more than was
    produced here (text that was in the file before, or was pasted) starts the account anew.
    """

    keys: int = 0
    characters: int = 0

    def press(self, change: int) -> None:
        """Enters one key that made the text longer by `change` characters (shorter where negative)."""
        self.keys += 1
        self.characters += change
        if self.characters < 0:
            self.keys = self.characters = 0

    @property
    def saved(self) -> float:
        """The share saved, from 0 to 1; 0 where corrections cost more keys than choices saved."""
        return max(0.0, 1 - self.keys / self.characters) if self.characters else 0.0
