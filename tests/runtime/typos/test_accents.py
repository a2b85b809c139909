"""Words are found by their letters without accents, as people type them on a keyboard that lacks these."""

from __future__ import annotations

import numpy as np
import pytest

from foretype.runtime.text.vocabulary import sort_key
from foretype.runtime.typos.accents import Unaccented

WORDS = sorted(
    ["über", "übrig", "uhr", "größe", "café", "cafard", "mañana", "œuvre", "łódź", "ёлка", "мой", "il·lusió", "été"],
    key=sort_key,
)
KEYS = [sort_key(word)[0] for word in WORDS]


def found(typed: str, count: int = 5, whole: bool = False) -> list[tuple[str, int]]:
    probabilities = np.linspace(0.1, 0.01, len(KEYS), dtype=np.float32)
    places = Unaccented(KEYS).starting_with(typed, probabilities, count, whole)
    return [(WORDS[place], letters) for place, letters in places]


@pytest.mark.parametrize(
    ("typed", "word", "letters"),
    [
        ("uber", "über", 4),
        ("ueber", "über", 4),
        ("ueb", "über", 2),
        ("groess", "größe", 5),
        ("manan", "mañana", 5),
        ("oeu", "œuvre", 2),
        ("lodz", "łódź", 4),
        ("елка", "ёлка", 4),
        ("illus", "il·lusió", 6),
    ],
)
def test_a_word_is_found_without_its_accents(typed: str, word: str, letters: int) -> None:
    assert (word, letters) in found(typed)


def test_letters_with_a_key_of_their_own_are_not_taken_apart() -> None:
    assert not found("мои")


def test_words_that_start_with_the_typed_letters_are_left_to_the_vocabulary() -> None:
    assert [word for word, _ in found("caf")] == []
    assert [word for word, _ in found("cafe")] == ["café"]


def test_the_likeliest_come_first_and_whole_words_have_no_further_letters() -> None:
    assert [word for word, _ in found("u", count=2)] == ["über", "übrig"]
    assert found("ete", whole=True) == [("été", 3)]
    assert not found("et", whole=True)


def test_a_vocabulary_without_accents_has_none() -> None:
    assert not Unaccented(["an", "apple"]).starting_with("a", np.ones(2, np.float32), 3, False)
