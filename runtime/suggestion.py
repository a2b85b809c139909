"""The return values of `suggest`: words for the place at the cursor, with methods to show and accept them.

Offsets count code points, as Python strings do. If your host counts UTF-16 code units (JavaScript, Java, LSP), convert
with `Suggestion.in_utf16`. Suggestions are ordered by the keystrokes they are expected to save, not by probability.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from foretype.runtime.spacing import accept, missing_space


@dataclass(frozen=True)
class Suggestion:
    """A word offered for the place at the cursor.

    text: the whole word as it should appear in the text, without a following space.
    probability: the probability of this word, given the text and the letters typed so far.
    replaces: number of characters directly before the cursor that `text` replaces (0 before the first letter).
    replaces_after: number of characters directly after the cursor that it also replaces (only inside a word).
    """

    text: str
    probability: float
    replaces: int = 0
    replaces_after: int = 0

    def ghost(self, before: str) -> str:
        """The part of the word that is not typed yet, to show in grey at the cursor; "" if it changes typed letters.

        before: the text before the cursor, or its end.

        >>> Suggestion("like", 0.9, replaces=3).ghost("I would lik"), Suggestion("their", 0.5, replaces=3).ghost("thi")
        ('e', '')
        """
        typed = before[len(before) - self.replaces :]
        if self.replaces_after or not self.text.startswith(typed):
            return ""
        return ("" if self.replaces else missing_space(before)) + self.text[len(typed) :]

    def apply(self, before: str, after: str = "") -> tuple[str, int]:
        """Accept the suggestion. Returns the new text, and the position of the cursor in it.

        before, after: the text on both sides of the cursor. A space is added if one is needed; see
        `foretype.runtime.spacing`.

        >>> Suggestion("London", 0.4, replaces=3).apply("We met in Lon", " and")
        ('We met in London and', 17)
        """
        left, right = accept(before, after, self).apply(before, after)
        return left + right, len(left)

    def in_utf16(self, before: str, after: str = "") -> Suggestion:
        """The same suggestion with `replaces` and `replaces_after` in UTF-16 code units.

        before, after: the text on both sides of the cursor. The replaced characters are in it.
        """
        replaced, replaced_after = before[len(before) - self.replaces :], after[: self.replaces_after]
        return replace(self, replaces=utf16_length(replaced), replaces_after=utf16_length(replaced_after))

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)


class Suggestions(list[Suggestion]):
    """The answer to one call: a list of `Suggestion`, most useful first, with the text that it belongs to.

    text: the text before the cursor that was passed. If the field's text differs, the answer is out of date.
    engine: the engine that answered: "blend", "neural", or "ngram" if the neural model cannot run or had no time.
    """

    def __init__(self, found: Iterable[Suggestion], text: str, engine: str) -> None:
        super().__init__(found)
        self.text = text
        self.engine = engine


def utf16_length(text: str) -> int:
    """The number of UTF-16 code units in `text`: two for each character above U+FFFF, one for any other.

    >>> utf16_length("naïve"), utf16_length("👍")
    (5, 2)
    """
    return len(text) + sum(character > "\uffff" for character in text)
