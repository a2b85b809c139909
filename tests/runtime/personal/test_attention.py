"""The store counts how often its user overlooks a suggestion, and the session goes by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype.runtime import Filters, Model, Store, load
from foretype.runtime.personal.learning.attention import OVERLOOKS, Attention, Looks
from foretype.runtime.personal.personal_session import PersonalSession

BEFORE = "I am going to the "


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def shown(attention: Attention, *lists: tuple[str, set[str]], before: str = BEFORE) -> None:
    for prefix, words in lists:
        attention.note(before + prefix, prefix, words)


def test_a_word_typed_by_hand_although_shown_was_overlooked_each_time() -> None:
    attention = Attention()
    shown(attention, ("", {"garden", "film"}), ("g", {"garden"}), ("ga", {"gate"}), ("gar", {"garden"}))
    assert attention.follow(BEFORE + "garden", accepted=False) == Looks()  # not finished yet
    assert attention.follow(BEFORE + "garden ", accepted=False) == Looks(0, 3)
    assert attention.follow(BEFORE + "garden a", accepted=False) == Looks()  # counted once


def test_a_word_that_was_chosen_was_taken_once_and_overlooked_before() -> None:
    attention = Attention()
    shown(attention, ("", {"garden"}), ("g", {"gate"}), ("ga", {"garden"}))
    assert attention.follow(BEFORE + "garden ", accepted=True) == Looks(1, 1)


def test_saving_one_letter_is_not_worth_a_look() -> None:
    attention = Attention()
    shown(attention, ("garde", {"garden"}))
    assert attention.follow(BEFORE + "garden ", accepted=False) == Looks()


def test_other_words_and_other_places_tell_nothing() -> None:
    attention = Attention()
    shown(attention, ("", {"film"}), ("g", {"gate"}))
    assert attention.follow(BEFORE + "garden ", accepted=False) == Looks()
    shown(attention, ("", {"garden"}), before="Elsewhere, long before this sentence, somebody wrote that they saw a ")
    assert attention.follow(BEFORE + "garden ", accepted=False) == Looks()


def test_the_next_place_may_be_shown_before_the_word_is_committed() -> None:
    attention = Attention()
    shown(attention, ("", {"garden"}))
    shown(attention, ("", {"and"}), before=BEFORE + "garden ")
    assert attention.follow(BEFORE + "garden ", accepted=True) == Looks(1, 0)


def test_the_chance_moves_from_the_default_to_what_the_user_does() -> None:
    assert Looks().chance_overlooked(0.4) == pytest.approx(0.4)
    assert Looks(500, 0).chance_overlooked(0.4) < 0.05
    assert Looks(0, 500).chance_overlooked(0.4) > 0.9
    many = Looks()
    for _ in range(20_000):
        many = many.followed_by(Looks(1, 3))
    assert many.taken + many.overlooked <= 2000
    assert many.chance_overlooked(0.4) == pytest.approx(0.75, abs=0.02)


def type_by_hand(model: Model, store: Store, text: str, private: bool = False) -> None:
    session = model.session(store=store, private=private)
    for end in range(1, len(text) + 1):
        session.suggest(text[:end])
        session.commit(text[:end])
    session.finish()


def test_who_types_on_is_shown_the_same_words_again_after_a_while(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        type_by_hand(model, store, "I love the music and I think that you love the music. " * 4)
        looks = store.looks()
        assert looks.taken == 0
        assert looks.overlooked > 10
        expected = looks.chance_overlooked(OVERLOOKS)
        session, told = model.session(store=store), model.session(store=store, overlooks=expected)
        assert session.suggest("I love the m") == told.suggest("I love the m")
        default = model.session(store=store, overlooks=OVERLOOKS)
        assert session.suggest("I love the m") != default.suggest("I love the m")
        store.clear()
        assert store.looks() == Looks()


def test_what_waits_to_be_counted_is_dropped_when_everything_is_forgotten(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        personal = PersonalSession(store, model.form, Filters(), private=False)
        personal.refresh()

        def write(text: str) -> None:
            for end in range(1, len(text) + 1):
                personal.learn_typed([(word, None) for word in personal.follow(text[:end], None, False, False)])

        personal.note_shown("", "", ["love"])
        write("love ")
        store.clear()
        personal.learn_typed([(word, None) for word in personal.finish()])  # tells the session what happened
        write("we see and we go ")
        personal.learn_typed([(word, None) for word in personal.finish()])
        assert store.stats()["learned"] > 0
        assert store.looks() == Looks()


def test_nothing_is_counted_in_private(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        type_by_hand(model, store, "I love the music and I think. ", private=True)
        type_by_hand(model, store, "we ")
        assert store.looks() == Looks()
