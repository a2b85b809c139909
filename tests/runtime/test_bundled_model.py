"""The shipped models: what they must weigh, say of themselves, and be good for."""

from __future__ import annotations

import re

import pytest
from paths import ROOT, SHARED

from foretype.runtime import Model, load
from foretype.runtime.files.bundle import LEXICON, MANIFEST, NGRAM, STEP
from foretype.runtime.files.finding import BUNDLES

WORD_LISTS = {"scowl"}
"""Sources of the lexicon, which are no texts."""
SIZES = {"en": (25_000_000, 7_300_000), "en-tiny": (3_000_000, 600_000)}
"""Bytes that a bundle, and its n-gram tables, may have."""


@pytest.fixture(scope="module", params=SIZES)
def model(request: pytest.FixtureRequest) -> Model:
    return load(request.param)


def test_the_first_is_the_one_that_is_meant_where_none_is_named() -> None:
    assert load(engine="ngram").bundle.name == BUNDLES[0]


def test_it_runs_whole_and_completes_everyday_words(model: Model) -> None:
    assert (model.engine, model.notice) == ("blend", None)
    session = model.session()
    for text, word in (("I would lik", "like"), ("Thank you very m", "much"), ("See you tom", "tomorrow")):
        assert word in [s.text for s in session.suggest(text)], text


def test_it_keeps_within_its_size(model: Model) -> None:
    folder = model.bundle.folder
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) - {LEXICON} == {MANIFEST, NGRAM, STEP, "tokenizer.json"}
    assert sizes.get(LEXICON, 0) <= 2e6
    whole, tables = SIZES[model.bundle.name]
    assert sum(sizes.values()) <= whole
    assert sizes[NGRAM] <= tables


def test_its_card_names_every_source_with_its_licence(model: Model) -> None:
    sources = {source["name"]: source["licence"] for source in model.info()["card"]["sources"]}
    named = {name for names in sources for name in names.split(", ")}
    assert all(sources.values())
    corpus = SHARED / "corpus" / "train"
    if not corpus.is_dir():
        pytest.skip("the corpus is not beside the repository")
    assert named
    assert named - WORD_LISTS <= {path.name.split(".")[0] for path in corpus.iterdir()}


def test_its_recorded_figures_are_those_it_was_shipped_for(model: Model) -> None:
    figures = model.info()["figures"]
    assert abs(figures["int8"]["perplexity_difference"]) <= 0.005
    saved = {engine: figures["evaluation"][engine]["mean"]["plain"]["k3"] for engine in ("blend", "neural", "ngram")}
    assert saved["blend"] > max(saved["neural"], saved["ngram"])


@pytest.mark.parametrize("name", BUNDLES)
def test_it_suggests_no_number_address_or_nick_of_its_training_text(name: str) -> None:
    """A suggestion is one word of the vocabulary: letters, digits, apostrophes. Nicks that were found are withheld."""
    model = load(name, engine="ngram")
    words = model.vocabulary.tokens[model.vocabulary.first_word :]
    assert [word for word in words if not re.fullmatch(r"[^\W_]+(['\u2019·-][^\W_]+)*'?", word)] == []
    withheld = {words[place] for place in model.withheld}
    assert [word for word in words if re.search(r"\d{5}", word)] == []
    assert withheld
    session = model.session()
    for word in withheld:
        assert word.casefold() not in {s.text.casefold() for s in session.suggest(f"Ask {word[:-1]}", k=20)}


def test_the_notice_names_every_source_of_the_bundle_with_its_licence(model: Model) -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8").splitlines()
    for source in model.info()["card"]["sources"]:
        lines = [line for line in notice if line.startswith(f"- {source['what']}: {source['licence']} [")]
        assert len(lines) == 1
        assert model.bundle.name in lines[0].rpartition("[")[2].rstrip("]").split(", ")
