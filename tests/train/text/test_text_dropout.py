"""Text as people type it: what is dropped, how often, and that the same seed drops the same."""

from __future__ import annotations

import pytest

from foretype.runtime.errors import ConfigError
from foretype.train.recipe import make_recipe
from foretype.train.text.dropout import TextDropout, without_case
from foretype.train.text.tokenizer import VocabularyConfig, count_sources, learn_text_form

DOCUMENTS = [[f"Hello there, Tom {number}!", "It's fine - isn't it?"] for number in range(2000)]


def test_a_plain_line_has_no_capitals_and_no_marks_but_apostrophes_inside_words() -> None:
    assert without_case("I don't know - 'Maybe' at 9:30, Tom_B!") == "i don't know maybe at 9 30 tom b"
    assert without_case("Don\u2019t!") == "don't"
    assert without_case("...") == ""


def test_shares_of_documents_lose_their_marks_and_their_neighbours() -> None:
    found = list(TextDropout(plain=0.3, single_lines=0.4).apply(DOCUMENTS, "seed"))
    assert found == list(TextDropout(plain=0.3, single_lines=0.4).apply(DOCUMENTS, "seed"))
    lines = [line for document in found for line in document]
    assert len(lines) == 2 * len(DOCUMENTS), "nothing is lost"
    assert sum(line.islower() for line in lines) / len(lines) == pytest.approx(0.3, abs=0.04)
    assert sum(len(document) == 1 for document in found) / 2 / len(DOCUMENTS) == pytest.approx(0.4, abs=0.04)


def test_without_dropout_the_text_stays() -> None:
    assert list(TextDropout().apply(DOCUMENTS, "seed")) == DOCUMENTS
    assert list(TextDropout(plain=1.0).apply([["..."], ["Hi!"]], "seed")) == [["hi"]], "no empty document"


def test_a_share_is_from_0_to_1() -> None:
    with pytest.raises(ConfigError, match=r"text.plain is 1.5; must be 0 to 1"):
        make_recipe({"text": {"plain": 1.5}})


def test_words_of_one_source_count_less() -> None:
    texts = [("a", [["we like Traefik Traefik Traefik"]]), ("b", [["we like tea tea"]]), ("c", [["we see tea"]])]
    counts = count_sources(texts, {}, spread=3)
    assert counts[0]["we"] == 3.0
    assert counts[0]["Traefik"] == 1.0
    assert counts[0]["tea"] == pytest.approx(2.0)
    assert "Traefik" not in learn_text_form(counts, VocabularyConfig(100, 1.5)).vocabulary.exact
    assert count_sources(texts[:2], {}, spread=3)[0]["Traefik"] == 3.0, "with fewer sources than that, all count"
