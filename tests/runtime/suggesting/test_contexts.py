"""Suggestions that people do not have to be embarrassed by: a set of contexts, and the rules behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import DATA

from foretype.runtime import Filters, Model, Store, load
from foretype.runtime.suggesting.code import CodeReader, names_of_code
from foretype.runtime.text.abbreviations import Abbreviation, abbreviation_before

LINES = [line for line in (DATA / "contexts.tsv").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def model() -> Model:
    return load("en")


def offered(model: Model, text: str) -> set[str]:
    return {suggestion.text for suggestion in model.session().suggest(text)}


def failures(model: Model, never: bool, must: bool) -> list[str]:
    """The contexts of the set in which a word is offered that must not be, or none of those that must."""
    found = []
    for line in LINES:
        text, bad, good = (field.replace("\\n", "\n") for field in line.split("\t"))
        shown = offered(model, text)
        wrong = never and bad != "-" and shown & set(bad.split())
        missing = must and good != "-" and not shown & set(good.split())
        if wrong or missing:
            found.append(f"{text!r}: {sorted(shown)}")
    return found


def test_no_context_of_the_set_embarrasses(model: Model) -> None:
    assert len(LINES) >= 150
    assert failures(model, never=True, must=True) == []


def test_the_tiny_model_embarrasses_hardly_ever() -> None:
    assert len(failures(load("en-tiny"), never=True, must=False)) <= 2


def test_forms_of_one_word_take_one_place(model: Model) -> None:
    for text in ("I would like a lat", "that is oka", "us", "it was on ma", "he is a wil"):
        texts = [suggestion.text.casefold() for suggestion in model.session().suggest(text, k=8)]
        assert len(texts) == len(set(texts))


def test_words_that_people_repeat_may_be_repeated(model: Model) -> None:
    assert "ha" in {suggestion.text for suggestion in model.session().suggest("ha ha ", k=20)}
    assert "the" not in {suggestion.text for suggestion in model.session().suggest("before the ", k=20)}
    assert "the" not in {suggestion.text for suggestion in model.session().suggest("before the th", k=20)}


def test_a_misspelling_is_offered_to_those_who_write_it(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        session = model.session(store=store)
        assert "dont" not in {suggestion.text for suggestion in session.suggest("i do", k=8)}
        session.learn("i dont know. i dont care. we dont go. they dont mind.")
        assert "dont" in {suggestion.text for suggestion in session.suggest("i do", k=8)}


def test_a_correction_that_was_ignored_is_not_offered_again(model: Model) -> None:
    session = model.session()
    assert [word.text for word in session.corrections("I recieve ")] == ["receive "]
    assert session.corrections("I recieve mail. You recieve ") == []
    assert [word.text for word in session.corrections("i think i ", threshold=0.1)] == []
    assert [word.text for word in session.corrections("I recieved it. You recieve ")] == ["receive "]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Dear Mr.", Abbreviation.TITLE),
        ("(e.g.", Abbreviation.OTHER),
        ("the U.S.", Abbreviation.OTHER),
        ("P.S.", None),
        ("So do I.", None),
        ("we met.", None),
        ("the etc", None),
        ("best.", None),
        (".", None),
        ("", None),
    ],
)
def test_abbreviations_are_told_from_ends_of_sentences(text: str, kind: Abbreviation | None) -> None:
    assert abbreviation_before(text, len(text)) == kind


def test_the_sentence_goes_on_after_an_abbreviation(model: Model) -> None:
    assert all(word.islower() or word == "I" for word in offered(model, "some fruit, e.g. "))
    assert all(word[0].isupper() for word in offered(model, "Dear Mrs. "))
    assert all(word[0].isupper() for word in offered(model, "We met. "))


CODE = "Call it:\n\n```python\nfoo_bar = load()\nfoo_baz(foo_bar)\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (CODE + "print(fo", ["foo_bar", "foo_baz"]),
        (CODE + "print(", []),
        (CODE + "```\nand `foo_b", ["foo_bar", "foo_baz"]),
        ("~~~\nvalue\n~~~~\n~~~\nval", ["value"]),
        ("````\nvalue\n```\nval", ["value"]),
        ("Use `value` and then `val", ["value"]),
    ],
)
def test_in_code_only_names_of_the_text_are_offered(model: Model, text: str, names: list[str]) -> None:
    typed = CodeReader().read(text)
    assert typed is not None
    assert [word.text for word in names_of_code(text, typed)] == names
    assert [word.text for word in model.session().suggest(text)] == names


@pytest.mark.parametrize(
    "text",
    ["", "plain", CODE + "```\nand th", "Use `value` and th", "a ~~~ b th", "```one line``` th", "5 ` th\nand th"],
)
def test_prose_is_no_code(text: str) -> None:
    assert CodeReader().read(text) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.text("`~ \nab", max_size=6)), max_size=12))
def test_a_reader_that_followed_the_edits_tells_the_same(edits: list[tuple[int, int, str]]) -> None:
    text, reader = "", CodeReader()
    for at, deleted, inserted in edits:
        text = text[:at] + inserted + text[at + deleted :]
        assert reader.read(text) == CodeReader().read(text)


def test_words_that_are_never_suggested_are_not_offered_in_code_either(model: Model) -> None:
    text = CODE + "print(foo"
    session = model.session(filters=Filters.of(never=["foo_bar"]))
    assert [word.text for word in session.suggest(text)] == ["foo_baz"]
    assert [word.text for word in session.suggest(text)] == ["foo_baz"]
    assert model.session().suggest(text, threshold=0.9) == []


def test_nothing_is_corrected_in_code(model: Model) -> None:
    session = model.session()
    assert [word.text for word in session.corrections("I recieve")] == ["receive"]
    assert session.corrections(CODE + "I recieve") == []
    assert session.corrections("Call `I recieve") == []
