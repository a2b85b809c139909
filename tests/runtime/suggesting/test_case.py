"""Capitals, apostrophes and hyphens: words are offered as they should stand where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype.runtime import Model, load


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("I love music. ev", "everything"),  # as the writer began it, even where a sentence starts
        ("I love music. Ev", "Everything"),
        ("I LOVE MU", "MUSIC"),
        ("I love Mu", "Music"),
        ("see you on mo", "Monday"),
        ("see you on monday", "Monday"),
        ("see you on MO", "MONDAY"),
        ("tom and ann", "Anna"),
        ("I love tea, don'", "don't"),
        ("I love tea, don\u2019", "don\u2019t"),
        ("I love tea, dont", "don't"),
        ("It\u2019s tea, dont", "don\u2019t"),
        ('"mus', "music"),
        ("(Mus", "Music"),
        ("anti-mus", "anti-music"),
    ],
)
def test_words_stand_as_the_place_asks(model: Model, text: str, word: str) -> None:
    assert word in [suggestion.text for suggestion in model.session().suggest(text, k=5)]


def test_a_sentence_starts_with_a_capital(model: Model) -> None:
    for start in ("", "I love music. ", "I love music! ", "Yes?\n", "\n\n"):
        assert all(suggestion.text[0].isupper() for suggestion in model.session().suggest(start, k=5))


def test_a_word_that_is_right_as_it_stands_is_not_offered_in_other_capitals(model: Model) -> None:
    for text in ("I love music", "see you on Monday", "I love Music", "I LOVE MUSIC", "I"):
        typed = text.split()[-1]
        assert typed.casefold() not in [s.text.casefold() for s in model.session().suggest(text, k=5)]
