"""Write a word as its place in the text requires: its capitals and its apostrophes."""

from __future__ import annotations


def written(word: str, prefix: str, starts_sentence: bool, curly: bool = False, dotted_i: bool = False) -> str:
    """Return `word` with the capitals of the typed `prefix`, or with a capital if it starts a sentence.

    curly: whether the text writes apostrophes as ’. dotted_i: whether the capital of "i" is "İ", as in Turkish.

    >>> written("the", "", True), written("the", "T", False), written("the", "TH", False), written("Monday", "m", False)
    ('The', 'The', 'THE', 'Monday')
    """
    capital = prefix[0].isupper() if prefix else starts_sentence
    if capital:
        if sum(map(str.isalpha, prefix)) > 1 and prefix.isupper():
            word = _upper(word, dotted_i)
        elif not any(map(str.isupper, word[1:])):
            word = _upper(word[0], dotted_i) + word[1:]
    return word.replace("'", "\u2019") if curly else word


def _upper(letters: str, dotted_i: bool) -> str:
    return letters.replace("i", "\u0130").upper() if dotted_i else letters.upper()
