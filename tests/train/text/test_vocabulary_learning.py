"""Learning the vocabulary: which words get in, and in which written form."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from corpora import sentences

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, sort_key
from foretype.train.text.tokenizer import (
    VocabularyConfig,
    choose_tokens,
    count_pieces,
    count_sources,
    learn_text_form,
    load_text_form,
    save_text_form,
)

ALL = VocabularyConfig(size=1000, minimum_count=1)


def learn(*lines: str, config: VocabularyConfig = ALL) -> TextForm:
    return learn_text_form(count_pieces([list(lines)]), config)


def words(form: TextForm) -> set[str]:
    return set(form.vocabulary.tokens[form.vocabulary.first_word :])


def test_case_is_decided_inside_sentences_not_at_their_start() -> None:
    # "The" and "Tom" start sentences equally often; only inside them do they differ.
    form = learn(*["The dog saw Tom and the cat.", "Tom and the dog saw me. The end of it."] * 3)
    assert {"the", "Tom", "end"} <= words(form)
    assert not {"The", "tom", "End"} & words(form)


def test_a_sentence_start_behind_a_quote_or_a_full_stop_does_not_count() -> None:
    form = learn(*['He told me: "yes. Maybe we will." Perhaps it is so, maybe not, perhaps.'] * 3)
    assert {"maybe", "perhaps"} <= words(form)
    assert not {"Maybe", "Perhaps"} & words(form)


@pytest.mark.parametrize(
    "noise", ["BREAKING NEWS ABOUT THE DOG AND THE CAT", "News About The Dog And The Cat", "THE DOG. THE CAT. THE END"]
)
def test_lines_in_capitals_do_not_count(noise: str) -> None:
    form = learn(*["We saw the dog and the cat."] * 3, *[noise] * 50)
    assert {"the", "dog", "cat"} <= words(form)
    assert not {"The", "THE", "Dog", "DOG"} & words(form)


def test_chat_in_lower_case_does_not_pull_names_down() -> None:
    form = learn(*["We met Anna on Monday and I paid."] * 5, *["i met anna on monday lol", "anna i think so"] * 50)
    assert {"Anna", "Monday", "I", "lol"} <= words(form)
    assert not {"anna", "monday", "i"} & words(form)
    assert form.encode_text("anna")[0] == form.encode_text("Anna")[0] == [form.vocabulary.exact["Anna"]]


def test_a_word_never_seen_inside_a_sentence_is_written_small_unless_it_never_is() -> None:
    assert "hello" in words(learn("Hello there all of you.", "hello"))
    assert "Hello" in words(learn("Hello there all of you."))


def test_a_second_form_is_kept_by_its_share() -> None:
    may, month = "We think it may rain here.", "We think that May is warm."
    assert {"may", "May"} <= words(learn(*[may] * 30, *[month] * 10))
    assert words(learn(*[may] * 90, *[month] * 10)) & {"may", "May"} == {"may"}
    assert words(learn(*[may] * 4, *[month] * 3)) & {"may", "May"} == {"may"}, "too few to tell"
    # All in capitals it is mostly another word, so that a smaller share will do.
    country = "They came to the US with them."
    assert {"us", "US"} <= words(learn(*["They came to see us with them."] * 90, *[country] * 10))


def test_the_form_without_capitals_is_preferred_when_it_is_the_commoner() -> None:
    form = learn(*["We think it may rain here."] * 30, *["We think that May is warm."] * 10)
    assert form.rule.preferred == {"may": "may"}
    # At the start of a sentence the capital says nothing; inside it does.
    assert form.encode_text("May I")[0][0] == form.vocabulary.exact["may"]
    assert form.encode_text("in May")[0][-1] == form.vocabulary.exact["May"]


def test_the_most_frequent_tokens_fill_the_vocabulary_up_to_its_size() -> None:
    lines = [" ".join(f"w{chr(97 + i // 10)}{chr(97 + i % 10)}" for i in range(n)) for n in range(1, 101)]
    form = learn(*lines, config=VocabularyConfig(size=60, minimum_count=1))
    assert len(form.vocabulary) == 60
    assert words(form) == {f"w{chr(97 + i // 10)}{chr(97 + i % 10)}" for i in range(60 - len(SPECIAL_TOKENS))}
    rare = learn(*lines, config=VocabularyConfig(size=1000, minimum_count=91))
    assert len(words(rare)) == 10


def test_the_order_of_tokens_is_special_marks_words() -> None:
    form = learn("We paid 20 to a@b.org, didn't we? Zoë and zoo and Émile!", "Ägypten, apple")
    tokens = form.vocabulary.tokens
    assert tokens[:5] == SPECIAL_TOKENS
    assert tokens[5 : form.vocabulary.first_word] == tuple(sorted("!,?"))
    assert list(tokens[form.vocabulary.first_word :]) == sorted(words(form), key=sort_key)
    assert "didn't" in words(form)


def test_weights_decide_what_counts() -> None:
    texts = [("talk", [["alpha beta"]]), ("mail", [["beta gamma"]])]
    anywhere, _ = count_sources(texts, {"talk": 4.0})
    assert dict(anywhere) == {"alpha": 4.0, "beta": 5.0, "gamma": 1.0}
    form = learn_text_form(count_sources(texts, {"mail": 0.5}), VocabularyConfig(size=1000, minimum_count=1))
    assert words(form) == {"alpha", "beta"}


def test_the_same_text_in_any_order_gives_the_same_vocabulary() -> None:
    lines = list(sentences(400, seed=3))
    first = learn(*lines)
    random.Random(0).shuffle(lines)
    second = learn(*lines)
    assert first.tokenizer().to_str() == second.tokenizer().to_str()
    assert first.rule == second.rule


def test_text_without_words_and_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(CorpusError, match="no words"):
        choose_tokens(count_pieces([["1 2 ... !"]]), ALL)
    with pytest.raises(ConfigError, match="vocabulary size is 10; must be 50 to 1000000"):
        VocabularyConfig(size=10)
    with pytest.raises(ConfigError, match=r"form_share is -0\.1"):
        VocabularyConfig(form_share=-0.1)


def test_a_stored_text_form_is_the_same_and_a_damaged_one_is_refused_by_name(tmp_path: Path) -> None:
    form = learn(*sentences(200, seed=4))
    save_text_form(form, tmp_path)
    again = load_text_form(tmp_path)
    assert again.vocabulary == form.vocabulary
    assert again.rule == form.rule
    for name, text in (("case.json", '{"preferred": {"x": "nowhere"}}'), ("tokenizer.json", '{"version"')):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(CheckpointError, match=name):
            load_text_form(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        load_text_form(tmp_path)
