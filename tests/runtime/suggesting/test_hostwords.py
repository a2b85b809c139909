"""Words that the host gives at run time: where they come up, how they are written, what they leave to the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype.runtime import ConfigError, Model, Session, load
from foretype.runtime.personal.learning.attention import OVERLOOKS
from foretype.runtime.suggesting.host_words import HIGHEST_SHARE


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def texts(session: Session, text: str, k: int = 5) -> list[str]:
    return [suggestion.text for suggestion in session.suggest(text, k=k)]


def session_with(model: Model, *words: str, weight: float = 1.0, overlooks: float = OVERLOOKS) -> Session:
    session = model.session(overlooks=overlooks)
    session.add_words(dict.fromkeys(words, weight))
    return session


def test_a_word_from_outside_the_vocabulary_comes_up_in_the_case_of_the_host(model: Model) -> None:
    session = session_with(model, "Kubernetes", "iPhone", "npm")
    assert texts(session, "I love kub") == ["Kubernetes"]
    assert texts(session, "I love Kub") == ["Kubernetes"]
    assert texts(session, "I LOVE KUB") == ["KUBERNETES"]
    assert texts(session, "Iph") == ["iPhone"]
    assert texts(session, "np") == ["npm"]
    assert texts(session, "Np") == ["Npm"]
    assert {suggestion.replaces for suggestion in session.suggest("I love kub")} == {3}


def test_it_waits_for_its_first_letter_unless_it_is_likely(model: Model) -> None:
    assert "Kubernetes" not in texts(session_with(model, "Kubernetes"), "I love ")
    assert texts(session_with(model, "Kubernetes", weight=1000.0), "I love ", k=200).index("Kubernetes") < 20


def test_a_word_that_is_typed_in_full_is_not_offered(model: Model) -> None:
    assert "Kubernetes" not in texts(session_with(model, "Kubernetes"), "I love Kubernetes")
    assert texts(session_with(model, "Kubernetes"), "I love kubernetes") == ["Kubernetes"]


def test_a_word_inside_the_vocabulary_becomes_likelier(model: Model) -> None:
    """Behind a mark, no word is left out as a repetition."""
    plain, raised = model.session(), session_with(model, "music", weight=100.0)
    before = {s.text: s.probability for s in plain.suggest("I love, ", k=200)}
    after = {s.text: s.probability for s in raised.suggest("I love, ", k=200)}
    assert after["music"] == pytest.approx(0.99 * before["music"] + 0.01, abs=1e-5)
    assert after["the"] == pytest.approx(0.99 * before["the"], abs=1e-5)


def test_all_probabilities_still_sum_to_one(model: Model) -> None:
    session = session_with(model, "Kubernetes", "Foretype", "music", weight=100.0)
    assert sum(s.probability for s in session.suggest("I love ", k=500)) == pytest.approx(1.0, abs=1e-3)
    assert sum(s.probability for s in session.suggest("I love k", k=500)) == pytest.approx(1.0, abs=1e-3)


def test_weights_order_the_words(model: Model) -> None:
    session = model.session()
    session.add_words({"zebra": 1.0, "zenith": 3.0, "zest": 2.0})
    assert [s.text for s in session.suggest("I love ze")] == ["zenith", "zest", "zebra"]
    session.add_words({"zebra": 9.0})
    assert texts(session, "I love ze")[0] == "zebra"


def test_however_many_words_leave_most_of_the_probability_to_the_model(model: Model) -> None:
    session = model.session()
    session.add_words({f"Zz{chr(97 + i % 26)}{chr(97 + i // 26)}": 1000.0 for i in range(500)})
    found = session.suggest("I love, ", k=1000)
    assert sum(s.probability for s in found if s.text.startswith("Zz")) == pytest.approx(HIGHEST_SHARE, abs=1e-3)
    assert found[0].text in {s.text for s in model.session().suggest("I love, ")}


def test_words_with_hyphens_and_apostrophes_are_completed_through_them(model: Model) -> None:
    session = session_with(model, "Foo-Bar", "O'Brien")
    assert "Foo-Bar" in texts(session, "I love Foo")
    found = session.suggest("I love Foo-")
    assert "Foo-Bar" in [s.text for s in session.suggest("I love foo-", k=200)]
    assert {s.replaces for s in found} == {4}
    assert texts(session, "I love Foo-B")[0] == "Foo-Bar"
    assert "anti-O'Brien" in texts(session, "anti-O'B")
    assert texts(session, "I love O\u2019B") == ["O\u2019Brien"]


def test_removed_words_are_gone_and_others_stay(model: Model) -> None:
    session = session_with(model, "Kubernetes", "Kubrick", "music")
    assert texts(session, "I love Kub") == ["Kubernetes", "Kubrick"]
    session.remove_words(["Kubernetes", "music", "never added"])
    assert texts(session, "I love Kub") == ["Kubrick"]
    session.remove_words(["Kubrick"])
    assert session.suggest("I love mus") == model.session().suggest("I love mus")
    assert texts(session, "I love Kub") == []


def test_without_repeats_a_host_word_is_shown_once(model: Model) -> None:
    session = session_with(model, "Kubernetes", overlooks=0.0)
    assert "Kubernetes" in texts(session, "I love K")
    assert texts(session, "I love Ku") == []


def test_without_time_host_words_are_there_too(model: Model) -> None:
    found = session_with(model, "Kubernetes").suggest("I love kub", deadline_ms=0.0)
    assert (found.engine, [s.text for s in found]) == ("ngram", ["Kubernetes"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"": 1.0}, "word '' cannot be suggested"),
        ({"Anna Smith": 1.0}, "word 'Anna Smith' cannot be suggested; expected starts with a letter, has no spaces"),
        ({"3M": 1.0}, "word '3M'"),
        ({"tab\tbed": 1.0}, "cannot be suggested"),
        ({"half\ud800": 1.0}, "cannot be suggested"),
        ({"x" * 65: 1.0}, "cannot be suggested"),
        ({"Zoë": 0.0}, "weight of 'Zoë' is 0.0; it must be above 0 and at most 1000"),
        ({"Zoë": float("nan")}, "weight of 'Zoë' is nan"),
        ({"fine": 1.0, "Zoë": 1001.0}, "weight of 'Zoë' is 1001.0"),
    ],
)
def test_words_that_are_not_legal_are_named_and_none_is_added(
    model: Model, words: dict[str, float], complaint: str
) -> None:
    session = model.session()
    with pytest.raises(ConfigError, match=complaint):
        session.add_words(words)
    assert "fine" not in texts(session, "I love fin")
