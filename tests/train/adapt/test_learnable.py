"""What the personal store may not learn is not trained on, and frequent words of the writer enter the vocabulary."""

from __future__ import annotations

import pytest
from text_form import FORM

from foretype.runtime.text.vocabulary import NUMBER_ID, UNKNOWN_ID
from foretype.train.adapt.learnable import encode_all, encode_learnable, extended
from foretype.train.text.shards import encode_document

HARMLESS = ["The cat sat.", "May I?"]


def words(document: list[str]) -> list[str]:
    return [FORM.vocabulary.tokens[id_] for id_ in encode_learnable(FORM, document)]


def test_harmless_text_is_encoded_as_in_training() -> None:
    assert encode_learnable(FORM, HARMLESS) == encode_document(FORM, HARMLESS)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("the password is cat monday us", []),
        ("cat sat. My PIN: the cat us", ["cat", "sat", "."]),
        ("the cat `can sat` us", ["the", "cat", "us"]),
    ],
)
def test_secrets_and_code_become_unknown_words(line: str, left: list[str]) -> None:
    encoded = [word for word in words([line])[1:-1] if word != "<unk>"]
    assert [word for word in encoded if word in ("the", "cat", "sat", ".", "us", "can", "Monday")][: len(left)] == left
    assert "Monday" not in encoded
    assert "can" not in encoded


def test_a_code_fence_is_left_out_and_a_number_stays_a_class() -> None:
    assert words(["```", "the cat", "```", "sat 1234"]) == ["<s>", "sat", "<num>", "</s>"]
    assert NUMBER_ID in encode_learnable(FORM, ["sat 1234"])


def test_frequent_words_of_the_writer_enter_the_vocabulary_in_order() -> None:
    document = ["the Frobnicator sat", "a Frobnicator can", "Frobnicator sat", "the rare cat"]
    form = extended(FORM, [document], least=3, most=10)
    new = set(form.vocabulary.tokens) - set(FORM.vocabulary.tokens)
    assert new == {"Frobnicator"}
    assert form.rule == FORM.rule
    stream = encode_all(form, [document])
    assert list(stream).count(form.vocabulary.exact["Frobnicator"]) == 3
    assert list(stream).count(UNKNOWN_ID) == 1


def test_secrets_never_enter_the_vocabulary() -> None:
    document = ["my password is Hunterish", "the password is Hunterish", "password: Hunterish", "xK3vq9 sat"] * 2
    assert extended(FORM, [document], least=2, most=10).vocabulary.exact.keys().isdisjoint({"Hunterish", "xK3vq9"})
