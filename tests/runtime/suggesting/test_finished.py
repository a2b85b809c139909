"""How likely the word at the cursor is complete: what a host asks before it shows a longer one in grey."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype.runtime import Mixture, Model, Store, load
from foretype.runtime.personal.rows import Observation


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def test_a_whole_word_is_likely_finished_and_a_part_is_not(model: Model) -> None:
    session = model.session()
    assert session.finished("I love the") > 0.5
    assert session.finished("I love th") < 0.1
    assert session.finished("I love qqqq") == 0.0
    for text in ("", "I love ", "see www.exa", "12"):
        assert session.finished(text) == 0.0


def test_it_is_what_the_longer_words_leave(model: Model) -> None:
    """Without words from elsewhere, finished and all longer words share the probability."""
    session = model.session(typos=False, overlooks=1.0)
    for text in ("I love the", "we see a"):
        longer = session.suggest(text, k=len(model.vocabulary))
        assert session.finished(text) + sum(word.probability for word in longer) == pytest.approx(1.0, abs=0.02)


def test_words_of_the_user_count(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        session = model.session(store=store)
        before = session.finished("we like tomah")
        store.learn([Observation(("we", "like"), "tomah", True)] * 3 + [Observation(("we", "like"), "tomahawk")] * 2)
        assert before == 0.0
        assert 0.5 < model.session(store=store).finished("we like tomah") < 1.0


def test_a_mixture_asks_the_model_it_trusts_most(model: Model) -> None:
    field = Mixture([model, model])
    assert field.finished("I love the") == pytest.approx(model.session().finished("I love the"), abs=1e-6)


def test_the_letters_of_the_vocabulary(model: Model) -> None:
    assert set("aeT'") <= model.vocabulary.letters
    assert not {"你", "п", "<"} & model.vocabulary.letters
