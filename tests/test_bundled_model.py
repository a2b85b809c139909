"""The shipped model: what it must weigh, say of itself, and be good for."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype.runtime import Model, load
from foretype.runtime.bundle import MANIFEST, NGRAM, STEP


@pytest.fixture(scope="module")
def model() -> Model:
    return load()


def test_it_runs_whole_and_completes_everyday_words(model: Model) -> None:
    assert (model.engine, model.notice) == ("blend", None)
    session = model.session()
    for text, word in (("I would lik", "like"), ("Thank you very m", "much"), ("See you tom", "tomorrow")):
        assert word in [s.text for s in session.suggest(text)], text


def test_it_keeps_within_its_size(model: Model) -> None:
    folder = model.bundle.folder
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) == {MANIFEST, NGRAM, STEP, "tokenizer.json"}
    assert sum(sizes.values()) <= 25_000_000
    assert sizes[NGRAM] <= 6_000_000


def test_its_card_names_every_source_with_its_licence(model: Model) -> None:
    sources = {source["name"]: source["licence"] for source in model.info()["card"]["sources"]}
    named = {name for names in sources for name in names.split(", ")}
    assert all(sources.values())
    corpus = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "train"
    if not corpus.is_dir():
        pytest.skip("the corpus is not beside the repository")
    assert named == {path.name.split(".")[0] for path in corpus.iterdir()}


def test_its_recorded_figures_are_those_it_was_shipped_for(model: Model) -> None:
    figures = model.info()["figures"]
    assert figures["int8"]["top3_agreement"] >= 0.965
    assert abs(figures["int8"]["perplexity_difference"]) <= 0.005
    saved = {engine: figures["evaluation"][engine]["mean"]["plain"]["k3"] for engine in ("blend", "neural", "ngram")}
    assert saved["blend"] > max(saved["neural"], saved["ngram"])
    assert figures["evaluation"]["blend"]["microseconds"]["letter_p50"] <= 100
    assert figures["evaluation"]["blend"]["microseconds"]["any_p99"] <= 3000
