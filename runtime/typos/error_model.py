"""Model how likely a slip is: the odds that somebody who meant one word typed another.

This is the noisy channel of Kernighan, Church and Gale (1990): single insertions, deletions, substitutions and
transpositions of letters have a probability each, and several in one word multiply. Substitutions and insertions that
the keyboard explains (a key beside the intended one) are likelier than others. So are doubled letters that were typed
once or once too often, and confused vowels. Leaving out an apostrophe or an accent is not a slip but a habit, and far
likelier.
"""

from __future__ import annotations

from dataclasses import dataclass

from foretype.runtime.lazy import lazy
from foretype.runtime.typos.accents import without_accent
from foretype.runtime.typos.keyboards import neighbours

_VOWELS = frozenset("aeiouy")
_MOST_KEPT = 4096


@dataclass(frozen=True)
class ErrorModel:
    """The odds of typing and spelling slips, relative to a letter typed as intended.

    layout: the keyboard, one of `LAYOUTS`.
    slips: probability of a slip at a letter; the four kinds share it equally.
    beside: share of substitutions, and of inserted letters, that hit a neighbouring key.
    vowels: share of a vowel's substitutions that write another vowel.
    apostrophe: probability that an apostrophe is left out.
    accent: probability that a letter is typed without its accent.
    """

    layout: str = "qwerty"
    slips: float = 0.04
    beside: float = 0.7
    vowels: float = 0.2
    apostrophe: float = 0.1
    accent: float = 0.2

    def odds(self, typed: str, meant: str) -> float:
        """Return P(typed | meant) / P(meant | meant): 1 for the same letters, 0 if they have too little in common.

        Both are folded. The likeliest series of edits counts. It is found by the recurrence of Damerau's distance
        (optimal string alignment), with products instead of sums, after removing the common start and end.
        """
        start = 0
        shorter = min(len(typed), len(meant))
        while start < shorter and typed[start] == meant[start]:
            start += 1
        end = 0
        while end < shorter - start and typed[-1 - end] == meant[-1 - end]:
            end += 1
        rows, columns = len(typed) - start - end, len(meant) - start - end
        if rows <= 1 and columns <= 1:  # at most one edit, the usual case
            if rows and columns:
                return self._substituted(typed[start], meant[start])
            return self._inserted(typed, start) if rows else self._omitted(meant, start) if columns else 1.0
        omitted = [self._omitted(meant, start + column) for column in range(columns)]
        inserted = [self._inserted(typed, start + row) for row in range(rows)]
        above: list[float] = []
        last = [1.0]
        for odds in omitted:
            last.append(last[-1] * odds)
        for row in range(rows):
            letter = typed[start + row]
            line = [last[0] * inserted[row]]
            for column in range(columns):
                other = meant[start + column]
                value = max(
                    last[column] * (1.0 if letter == other else self._substituted(letter, other)),
                    last[column + 1] * inserted[row],
                    line[column] * omitted[column],
                )
                if above and column and letter == meant[start + column - 1] and typed[start + row - 1] == other:
                    value = max(value, above[column - 1] * self.slips / 4)
                line.append(value)
            above, last = last, line
        return last[columns]

    def _omitted(self, meant: str, place: int) -> float:
        if meant[place] in "'-":
            return self.apostrophe
        doubled = place > 0 and meant[place - 1] == meant[place]
        return self.slips / 4 * (2.0 if doubled else 1.0)

    def _inserted(self, typed: str, place: int) -> float:
        letter, around = typed[place], typed[place - 1 : place] + typed[place + 1 : place + 2]
        if letter in around:
            return self.slips / 4 * self.beside / 2
        near = neighbours(self.layout)
        if any(letter in near.get(other, "") for other in around):
            return self.slips / 4 * self.beside / 8
        return self.slips / 4 * (1.0 - self.beside) / 26

    @lazy
    def _substitutions(self) -> dict[tuple[str, str], float]:
        """Cache of the odds of substitutions, which depend only on the two letters."""
        return {}

    def _substituted(self, typed: str, meant: str) -> float:
        odds = self._substitutions.get((typed, meant))
        if odds is None:
            if len(self._substitutions) > _MOST_KEPT:
                self._substitutions.clear()
            odds = self._substitutions[typed, meant] = self._odds_of_substitution(typed, meant)
        return odds

    def _odds_of_substitution(self, typed: str, meant: str) -> float:
        if typed == meant:
            return 1.0
        if without_accent(meant) == typed:
            return self.accent
        near = neighbours(self.layout).get(meant, "")
        odds = (1.0 - self.beside) / 26
        if typed in near:
            odds += self.beside / len(near)
        if typed in _VOWELS and meant in _VOWELS:
            odds += self.vowels / len(_VOWELS)
        return self.slips / 4 * odds
