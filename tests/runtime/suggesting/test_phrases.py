"""Suggestions of several words: only while the model is sure, never over the end of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import harm
import pytest

from foretype.runtime import Model, load
from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.evaluation.writing import evaluate_phrases


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def test_a_phrase_begins_with_the_best_word_and_is_as_likely_as_was_asked(model: Model) -> None:
    session = model.session()
    found = 0
    for text in ("I love tea very mu", "Anna and th", "see you on Mon", "I think th", "I love everyth", "don't y"):
        phrase = session.phrase(text, confidence=0.2)
        if phrase is None:
            continue
        found += 1
        best = session.suggest(text, k=1)[0]
        assert phrase.text.startswith(best.text + " ")
        assert 0.2 <= phrase.probability <= best.probability
        assert phrase.replaces == best.replaces
        assert phrase == model.session().phrase(text, confidence=0.2)
    assert found


def test_the_bound_and_the_number_of_words_hold(model: Model) -> None:
    session = model.session()
    assert session.phrase("I think th", confidence=1.0) is None
    assert session.phrase("I think th", words=1, confidence=0.0) is None
    long = session.phrase("I think th", words=4, confidence=0.0)
    assert long is not None
    assert len(long.text.split(" ")) == 4


def test_typing_along_a_phrase_asks_the_engines_nothing_new(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    ask = NgramModel.probabilities

    def counted(self: NgramModel, context: Sequence[int]) -> Any:
        asked.append(tuple(context))
        return ask(self, context)

    monkeypatch.setattr(NgramModel, "probabilities", counted)
    session = model.session()
    first = session.phrase("I think th", confidence=0.0, words=3)
    assert first is not None
    assert len(asked) == 3  # one for each word
    again = session.phrase("I think " + first.text[:3], confidence=0.0, words=3)
    assert again is not None
    assert again.text == first.text
    assert len(asked) == 3


def test_a_withheld_word_is_no_part_of_a_phrase(model: Model, tiny_bundle: Path, tmp_path: Path) -> None:
    phrase = model.session().phrase("I think th", confidence=0.0, words=3)
    assert phrase is not None
    name = phrase.text.split()[1]
    bundle = harm.copy(tiny_bundle, tmp_path / "bundle")
    harm.change_manifest(bundle, lambda manifest: manifest.update(withheld=[name]))
    other = load(bundle).session().phrase("I think th", confidence=0.0, words=6)
    assert other is not None
    assert name not in other.text.split()


def test_no_phrase_where_no_word_can_stand(model: Model) -> None:
    assert model.session().phrase("3") is None
    assert model.session().phrase("http://mus") is None


def test_figures_of_phrases_agree_with_themselves(model: Model, corpus: tuple[Path, Path]) -> None:
    document = corpus[1].read_text(encoding="utf-8").splitlines()[:20]
    use = evaluate_phrases(model, [document], confidence=0.5)
    figures = use.figures()
    assert use.offered > 0
    assert figures["savings"] >= figures["savings_words"] > 0
    assert 0 <= figures["wrong"] <= 1
    # Where nothing is sure enough, all is word by word.
    never = evaluate_phrases(model, [document], confidence=1.0)
    assert never.offered == 0
    assert never.with_phrases == never.keystrokes
