"""Simulates typing slips in text, to measure the benefit of typo tolerance.

Each letter gets a slip with the same probability. There are four equally frequent slips: a neighbouring key instead of
the letter, a neighbouring key (or the same key again) after it, the letter left out, or the next letter typed first.
"""

from __future__ import annotations

from random import Random

from foretype.runtime.typos.keyboards import neighbours

RATE = 0.08
"""Default share of letters that get a slip."""


def misspell(word: str, draw: Random, rate: float = RATE, layout: str = "qwerty") -> str:
    """Return `word` with slips at about `rate` of its letters. Capitals and other characters do not change."""
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
