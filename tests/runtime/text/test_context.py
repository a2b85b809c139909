"""Contexts: what counts as the typed word, where no word can stand, and that the way to a text does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_form import FORM

from foretype.runtime.text.context import WINDOW_CHARACTERS, Context, ContextReader, window_start


def read(text: str) -> Context:
    return ContextReader(FORM).read(text)


@pytest.mark.parametrize(
    ("text", "prefix", "head", "open_to_words"),
    [
        ("", "", "", True),
        ("the ca", "ca", "", True),
        ("the ", "", "", True),
        ("don'", "don'", "", True),
        ("well-kn", "kn", "well-", True),
        ("well-", "", "well-", True),
        ("the cat,", "", "", False),
        ("the cat.", "", "", False),
        ("(th", "th", "", True),
        ("he said (", "", "", True),
        ('"', "", "", True),
        ('cat"', "", "", False),
        ("it is 3", "", "3", False),
        ("x86", "x86", "", True),
        ("see https://exa", "exa", "", False),
        ("me@exam", "exam", "", False),
        ("foo_bar", "bar", "foo_", False),
    ],
)
def test_the_word_at_the_cursor(text: str, prefix: str, head: str, open_to_words: bool) -> None:
    context = read(text)
    assert (context.prefix, context.head, context.open_to_words) == (prefix, head, open_to_words)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("", True),
        ("The cat sat. ", True),
        ("the ", False),
        ("sat.\n", True),
        ("the\n", True),
        ('cat? "', True),
        ("a, ", False),
    ],
)
def test_sentence_starts(text: str, starts: bool) -> None:
    assert read(text).starts_sentence is starts


def test_a_line_end_is_a_token_and_a_blank_line_starts_anew() -> None:
    names = [FORM.vocabulary.tokens[i] for i in read("the cat\nmay ").ids]
    assert names == ["<s>", "the", "cat", "</s>", "may"]
    for blank in ("\n\n", "\r\n\r\n", "\n \t\n", "\n\n\n"):
        assert read(f"the cat{blank}may ").ids == read("may ").ids


def test_halves_of_characters_and_endless_runs_are_taken() -> None:
    assert read("the \ud83d ca").prefix == "ca"
    assert not read("a-" * 5000).open_to_words
    assert not read("x" * 100).open_to_words


TEXTS = st.lists(
    st.sampled_from(
        ["the cat ", "May. ", "don't", " ", "\n", "\n\n", "3.5 ", "I'm (", "us-", "é", "-", "U.S", "ca", "x" * 70]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=200)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_any_sequence_of_edits_reads_like_a_fresh_start(texts: list[str]) -> None:
    reader = ContextReader(FORM)
    for text in texts:
        assert reader.read(text) == read(text)


@settings(max_examples=25)
@given(st.integers(0, 3 * WINDOW_CHARACTERS), st.sampled_from(["word ", "a b\n", "wordwithoutspace"]))
def test_typing_on_from_anywhere_reads_like_a_fresh_start(length: int, unit: str) -> None:
    text = (unit * (length // len(unit) + 1))[:length]
    reader = ContextReader(FORM)
    reader.read(text)
    for _ in range(3):
        text += "the "
        assert reader.read(text) == read(text)


def test_the_window_is_bounded_and_moves_rarely() -> None:
    text = "word " * 4000
    starts = [window_start(text[:end]) for end in range(len(text))]
    assert all(end - start <= 2 * WINDOW_CHARACTERS for end, start in enumerate(starts))
    assert len(set(starts)) <= len(text) / WINDOW_CHARACTERS + 1
