"""The text form: splitting, classes and the case rule are the same however the text arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_form import FORM, WORDS

from foretype.runtime.text.form import CaseRule, TextForm
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, fold


def tokens(text: str) -> list[str]:
    return [FORM.vocabulary.tokens[i] for i in FORM.encode_text(text)[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sat.", "the cat sat ."),
        ("the May cat", "the May cat"),
        ("May I?", "may I ?"),
        ("US may", "US may"),
        ("the us, monday and i", "the us , Monday <unk> I"),
        ("DON’T", "don't"),
        ("I'm 3.5 at 10:30, 1,000x", "I'm <num> <unk> <num> , <num>"),
        ("see https://a.b/c?d=e or www.x.org", "<unk> <link> <unk> <link>"),
        ("me@example.com, x", "<link> , <unk>"),
        ('"The cat." (May sat)', '" the cat . " ( may sat )'),
        ("well-known U.S", "<unk> - <unk> <unk> . <unk>"),
        ("nai\u0308ve", "naïve"),
    ],
)
def test_text_becomes_tokens_in_sentence_internal_form(text: str, expected: str) -> None:
    assert tokens(text) == expected.split()


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12), max_size=8))
def test_a_line_and_its_chunks_give_the_same_ids(chunks: list[str]) -> None:
    chunks = [part for chunk in chunks for part in chunk.split()]
    whole, whole_starts = FORM.encode_text(" ".join(chunks))
    ids: list[int] = []
    starts = True
    for chunk in chunks:
        more, starts = FORM.encode_text(chunk, starts)
        ids += more
    assert (ids, starts) == (whole, whole_starts)


@given(st.text(st.sampled_from("aàAÀbBcdDeimnNoOstTuUyßİ'-"), min_size=1, max_size=4))
def test_a_prefix_range_holds_exactly_the_words_with_that_prefix(prefix: str) -> None:
    vocabulary = FORM.vocabulary
    low, high = vocabulary.prefix_range(prefix)
    found = set(vocabulary.tokens[low:high])
    assert found == {word for word in WORDS if fold(word).startswith(fold(prefix))}


def test_the_tokenizer_file_alone_gives_splitting_classes_and_ids() -> None:
    from tokenizers import Tokenizer

    stored = Tokenizer.from_str(FORM.tokenizer().to_str())
    encoded = stored.encode("the cat may sit at 3.5, see www.x.org")
    assert encoded.tokens == ["the", "cat", "may", "<unk>", "<unk>", "<num>", ",", "<unk>", "<link>"]
    assert stored.get_vocab() == dict(FORM.vocabulary.exact)


@pytest.mark.parametrize(("dotted_i", "expected"), [(True, ["ışık", "için"]), (False, ["<unk>", "için"])])
def test_the_capital_of_a_dotless_i_has_none_in_turkish(dotted_i: bool, expected: list[str]) -> None:
    tokens = [*SPECIAL_TOKENS, "için", "ışık"]
    form = TextForm({token: i for i, token in enumerate(tokens)}, CaseRule(dotted_i=dotted_i))
    ids, _ = form.encode_text("Işık için")
    assert [tokens[i] for i in ids] == expected
    assert tokens[form.encode_text("İçin")[0][0]] == "için"
