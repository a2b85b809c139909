"""The whole way from text to suggestions, on a model trained here."""

from __future__ import annotations

from pathlib import Path

from foretype.runtime import load


def test_a_trained_bundle_completes_words(tiny_bundle: Path) -> None:
    for engine in ("blend", "neural", "ngram"):
        session = load(tiny_bundle, engine=engine).session()
        assert "remember" in [s.text for s in session.suggest("I think that you rem")], engine
        assert session.suggest("I think that you ", k=5), engine
