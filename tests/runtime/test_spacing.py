"""Spaces around accepted words, and words at a cursor that has text on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.runtime import Model, Suggestion, load
from foretype.runtime.spacing import accept, missing_space, takes_space_back
from foretype.runtime.text.context import word_after
from foretype.runtime.text.languages import LANGUAGES


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.mark.parametrize(
    ("before", "after", "suggestion", "result"),
    [
        ("I lo", "", Suggestion("love", 1, 2), ("I love ", "")),
        ("I lo", " you", Suggestion("love", 1, 2), ("I love ", "you")),
        ("(in Lon", ") and", Suggestion("London", 1, 3), ("(in London", ") and")),
        ("in Lon", ", and", Suggestion("London", 1, 3), ("in London", ", and")),
        ("well,", "", Suggestion("yes", 1), ("well, yes ", "")),
        ("(", "", Suggestion("yes", 1), ("(yes ", "")),
        ('"', "", Suggestion("Yes", 1), ('"Yes ', "")),
        ('He said "', '"', Suggestion("yes", 1), ('He said "yes', '"')),
        ("I would ", "like", Suggestion("really", 1), ("I would really ", "like")),
        ("mu", "ic now", Suggestion("music", 1, 2, 2), ("music ", "now")),
        ("I love musci ", "", Suggestion("music ", 1, 6), ("I love music ", "")),
        ("I love musci, ", "", Suggestion("music, ", 1, 7), ("I love music, ", "")),
        ("", "", Suggestion("I", 1), ("I ", "")),
    ],
)
def test_an_accepted_word_has_the_spaces_it_needs(
    before: str, after: str, suggestion: Suggestion, result: tuple[str, str]
) -> None:
    edit = accept(before, after, suggestion)
    assert edit.apply(before, after) == result
    assert edit.brought_space == (edit.insert.endswith(" ") and not suggestion.text.endswith(" "))


@pytest.mark.parametrize("mark", [*",.!?;:) \n", "\u201d"])
def test_marks_take_the_space_back(mark: str) -> None:
    assert takes_space_back(mark, "word ")


def test_other_characters_leave_it_and_quotes_only_close_what_is_open() -> None:
    assert not any(takes_space_back(typed, "word ") for typed in 'a("-\u201c3')
    assert takes_space_back('"', 'He said "yes ')
    assert not takes_space_back('"', 'He said "yes" and ')


def test_french_keeps_the_space_before_its_high_marks() -> None:
    spaced = LANGUAGES["fr"].spaced_marks
    assert not any(takes_space_back(mark, "mot ", spaced) for mark in ";:!?\u00bb")
    assert all(takes_space_back(mark, "mot ", spaced) for mark in ",.)\u2026 ")


def test_a_space_is_due_after_a_mark_and_none_after_openers() -> None:
    assert [missing_space(before) for before in ("a,", "a.", "a)", "", "a ", "(", '"', "a", "\u201c")] == [
        " ", " ", " ", "", "", "", "", "", "",
    ]  # fmt: skip


@given(before=st.text(max_size=10), after=st.text(max_size=10), word=st.sampled_from(["a", "don't", "b "]))
def test_accepting_never_loses_other_text(before: str, after: str, word: str) -> None:
    left, right = accept(before, after, Suggestion(word, 1.0)).apply(before, after)
    assert (left + right).startswith(before)
    assert (left + right).endswith(after)


def test_inside_a_word_only_what_fits_both_halves_is_offered(model: Model) -> None:
    found = model.session().suggest("I love mu", after="ic now")
    assert [(s.text, s.replaces, s.replaces_after) for s in found] == [("music", 2, 2)]
    assert model.session().suggest("I love mus", after="xx") == []
    assert model.session().suggest("I love mus", after="ic") == []  # nothing is missing


def test_the_word_that_follows_is_not_offered_again(model: Model) -> None:
    session = model.session()
    best = session.suggest("I love ")[0].text
    for after in (f" {best} today", f"{best} today"):
        found = session.suggest("I love ", after=after)
        assert len(found) == 3
        assert best not in [suggestion.text for suggestion in found]
    assert session.suggest("I love ", after=". Yes") == session.suggest("I love ")


def test_words_after_the_cursor() -> None:
    assert word_after("ely to") == ("ely", "to")
    assert word_after("  don't, well-known") == ("", "don't")
    assert word_after("n't") == ("n't", "")
    assert word_after("\nnext") == ("", "")
