"""A text form with a vocabulary of a few words, among them pairs that differ only in case."""

from __future__ import annotations

from foretype.runtime.text.form import CaseRule, TextForm
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, sort_key

WORDS = [
    "a",
    "API",
    "can",
    "cat",
    "don't",
    "I",
    "I'm",
    "may",
    "May",
    "Monday",
    "naïve",
    "sat",
    "the",
    "US",
    "us",
    "Zürich",
]
MARKS = ["!", '"', "'", "(", ")", ",", "-", ".", "?"]


def form() -> TextForm:
    tokens = [*SPECIAL_TOKENS, *MARKS, *sorted(WORDS, key=sort_key)]
    ids = {token: i for i, token in enumerate(tokens)}
    return TextForm(ids, CaseRule(preferred={"may": "may", "us": "us"}))


FORM = form()
