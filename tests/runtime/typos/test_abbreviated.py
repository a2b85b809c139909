"""Abbreviated typing: letters left out after the first offer the full word where the context supports it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.runtime import Model, load
from foretype.runtime.typos.abbreviated import odds


@pytest.fixture(scope="module")
def model() -> Model:
    return load("en")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("what do you think abt", "about"),
        ("I will see you tmrw", "tomorrow"),
        ("a lot of ppl", "people"),
        ("there is smth", "something"),
        ("send me a msg", "message"),
        ("pls let me knw", "know"),
        ("we shld", "should"),
        ("next wknd", "weekend"),
    ],
)
def test_the_full_word_is_offered_and_is_a_correction(model: Model, text: str, word: str) -> None:
    assert word in {found.text for found in model.session().suggest(text)}
    assert word not in {found.text for found in model.session(typos=False).suggest(text)}


def test_a_finished_abbreviation_can_be_corrected_and_kept(model: Model) -> None:
    session = model.session()
    assert [found.text for found in session.corrections("I will see you tmrw ")] == ["tomorrow "]
    session.keep("tmrw")
    assert session.corrections("I will see you tmrw ") == []
    assert "tomorrow" not in {found.text for found in session.suggest("I will see you tmrw")}


@given(st.text("abcdefgeiou", min_size=4, max_size=10), st.data())
def test_whatever_is_left_out_after_the_first_letter_is_an_abbreviation(word: str, data: st.DataObject) -> None:
    kept = [True, *data.draw(st.lists(st.booleans(), min_size=len(word) - 1, max_size=len(word) - 1))]
    typed = "".join(letter for letter, keep in zip(word, kept, strict=True) if keep)
    assert (odds(typed, word) > 0) == (len(word) - len(typed) >= 2)


def test_other_letters_are_no_abbreviation() -> None:
    assert odds("abx", "about") == odds("bot", "about") == odds("abuot", "about") == 0.0
    assert odds("prgrm", "program") > odds("prgm", "program") > odds("pgm", "program") > 0
