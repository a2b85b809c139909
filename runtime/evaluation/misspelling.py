"""Words as hurried fingers type them: slips put into text, for measuring what typo tolerance is worth.

Each letter is hit with the same probability by one of four slips, all equally frequent: a key beside it instead of it,
a key beside it (or the same again) as well, nothing at all, or the next letter first.
"""

from __future__ import annotations

from random import Random

from foretype.runtime.typos.keyboards import neighbours

RATE = 0.08
"""Letters hit."""


def misspell(word: str, draw: Random, rate: float = RATE, layout: str = "qwerty") -> str:
    """`word` with slips at about `rate` of its letters; capitals and other characters stay."""
    near = neighbours(layout)
    typed: list[str] = []
    letters = list(word)
    place = 0
    while place < len(letters):
        letter = letters[place]
        place += 1
        if letter not in near or draw.random() >= rate:
            typed.append(letter)
            continue
        slip = draw.randrange(4)
        beside = draw.choice(near[letter])
        if slip == 0:
            typed.append(beside)
        elif slip == 1:
            typed += [letter, draw.choice((letter, beside))]
        elif slip == 2 and place < len(letters):
            typed += [letters[place], letter]
            place += 1
    return "".join(typed)
