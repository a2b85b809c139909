"""Write a word as its place in the text requires: its capitals and its apostrophes."""

from __future__ import annotations


def written(word: str, prefix: str, starts_sentence: bool, curly: bool = False) -> str:
    """Return `word` with the capitals of the typed `prefix`, or with a capital if it starts a sentence.

    curly: whether the text writes apostrophes as ’.

    >>> written("the", "", True), written("the", "T", False), written("the", "TH", False), written("Monday", "m", False)
    ('The', 'The', 'THE', 'Monday')
    """
    capital = prefix[0].isupper() if prefix else starts_sentence
    if capital:
        if sum(map(str.isalpha, prefix)) > 1 and prefix.isupper():
            word = word.upper()
        elif not any(map(str.isupper, word[1:])):
            word = word[0].upper() + word[1:]
    return word.replace("'", "\u2019") if curly else word
