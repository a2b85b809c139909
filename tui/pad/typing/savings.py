"""The keystroke account: how much text the keys produced so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class KeystrokeAccount:
    """Keystrokes saved = 1 - keys / characters.

    keys: pressed keys that changed the text: letters, accepted words (one key each), deletions, undo and redo. Moving
        the cursor, saving and pasting do not count.
    characters: characters that these keys inserted, minus those that they removed.

    Typing by hand saves nothing. A correction costs its keys, as on any keyboard. Deleting more than the keys produced
    (text that was in the file before, or pasted text) resets the account.
    """

    keys: int = 0
    characters: int = 0

    def press(self, change: int) -> None:
        """Count one key that made the text longer by `change` characters (shorter if negative)."""
        self.keys += 1
        self.characters += change
        if self.characters < 0:
            self.keys = self.characters = 0

    @property
    def saved(self) -> float:
        """The share of keystrokes saved, from 0 to 1; 0 if corrections cost more keys than accepted words saved."""
        return max(0.0, 1 - self.keys / self.characters) if self.characters else 0.0
