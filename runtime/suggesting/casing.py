"""How a word is written at one place: its capitals and its apostrophes."""

from __future__ import annotations


def written(word: str, prefix: str, starts_sentence: bool, curly: bool = False) -> str:
    """`word` with the capitals of the typed `prefix`, or a capital where it starts a sentence.

    curly: whether the text writes apostrophes as ’.

    >>> written("the", "", True), written("the", "T", False), written("the", "TH", False), written("Monday", "m", False)
    ('The', 'The', 'THE', 'Monday')
    """
    text = _capitalised(word, prefix, starts_sentence)
    return text.replace("'", "\u2019") if curly else text


def _capitalised(word: str, prefix: str, starts_sentence: bool) -> str:
    if prefix and not prefix[0].isupper():
        return word
    if sum(map(str.isalpha, prefix)) > 1 and prefix.isupper():
        return word.upper()
    if (prefix or starts_sentence) and not any(map(str.isupper, word[1:])):
        return word[0].upper() + word[1:]
    return word
