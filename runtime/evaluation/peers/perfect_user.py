"""Types lines with the suggestions of any system, by the rules of keystroke savings (docs/evaluation.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from foretype.runtime.evaluation.documents import Document, plain, words_of
from foretype.runtime.evaluation.keystrokes import Mode
from foretype.runtime.text.context import MAXIMUM_WORD
from foretype.runtime.text.vocabulary import fold

Suggest = Callable[[str, int], list[str]]
"""Text before the cursor, number of words -> words, best first."""


@dataclass
class Typed:
    """Counts, one entry per line. right1, right3: words that were the first, or among the first three, before a letter.

    The two are counts of the first k words where k is less than three.
    """

    words: list[int] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)
    keystrokes: list[int] = field(default_factory=list)
    right1: list[int] = field(default_factory=list)
    right3: list[int] = field(default_factory=list)

    def saved(self) -> list[int]:
        """Characters that were not typed, by line."""
        return [all_ - typed for all_, typed in zip(self.characters, self.keystrokes, strict=True)]


def type_document(suggest: Suggest, document: Document, mode: Mode, k: int, typed: Typed) -> None:
    """Type the lines of one text, and add their counts to `typed`. The context of a line is all lines before it.

    A suggestion costs one keystroke at any rank, and also types the following space if there is one. Line ends cost
    nothing.
    """
    before = ""
    for written in document:
        line = plain(written) if mode == "plain" else written
        if not line:
            continue
        ranks: list[int | None] = []
        strokes = len(line)
        for start, word, space in words_of(line):
            letters, rank = _letters_needed(suggest, before + line[:start], word, mode, k)
            ranks.append(rank)
            if letters is not None:
                strokes += letters + 1 - len(word) - space
        typed.words.append(len(ranks))
        typed.characters.append(len(line))
        typed.keystrokes.append(strokes)
        typed.right1.append(ranks.count(0))
        typed.right3.append(sum(rank is not None and rank < 3 for rank in ranks))
        before += line + "\n"


def _letters_needed(suggest: Suggest, before: str, word: str, mode: Mode, k: int) -> tuple[int | None, int | None]:
    """Letters of `word` typed until it is offered, and its rank before the first letter; None: not offered."""
    wanted = fold(word) if mode == "plain" else word
    for letters in range(min(len(word), MAXIMUM_WORD + 1)):  # as far as the evaluation of Foretype alone looks
        offered = suggest(before + word[:letters], k)
        texts = [fold(text) for text in offered] if mode == "plain" else offered
        if wanted in texts:
            return letters, None if letters else texts.index(wanted)
    return None, None
