"""What a session does with the user's store: when a word is offered, when it is learned, and when it never is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sessions import forms, texts, write

from foretype.runtime import Model, load
from foretype.runtime.errors import BundleError, ConfigError
from foretype.runtime.files.bundle import MANIFEST
from foretype.runtime.filters import Filters, offensive_words
from foretype.runtime.personal.store import Store
from foretype.runtime.text.vocabulary import fold


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "personal" / "s.sqlite3")


def test_a_new_word_is_a_last_resort_after_once_and_offered_like_any_after_twice(model: Model, store: Store) -> None:
    session = model.session(store=store)
    text = write(session, "I like Tomahawk very much. ")
    assert set(texts(session, text + "I like Tom")) == {"Tomorrow", "Tomahawk"}
    assert "Tomahawk" not in texts(session, text + "I like T")
    text = write(session, "We like Tomahawk very much. ", text)
    assert "Tomahawk" in texts(session, text + "They like ", k=5)
    assert "Tomahawk" in texts(session, text + "They like T", k=2)
    assert "Tomahawk" in texts(model.session(store=store), "I like tom")


def test_a_word_accepted_once_is_trusted(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.commit("I like ")
    session.commit("I like Tomahawk ", accepted=True)
    session.finish()
    assert store.show()[0].trust == 3


def test_a_word_that_is_corrected_at_once_is_not_learned(model: Model, store: Store) -> None:
    session = model.session(store=store)
    text = write(session, "I like tomahwak ")
    for end in range(len(text) - 1, len("I like tomah"), -1):
        session.commit(text[:end])
    write(session, "awk very much ", "I like tomah")
    session.finish()
    assert "tomahawk" in forms(store)
    assert "tomahwak" not in forms(store)


def test_text_that_was_opened_or_pasted_is_not_learned(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.commit("Tomahawk stood in the file before. ")
    text = write(session, "I see ", "Tomahawk stood in the file before. ") + "a pasted Gingerbread sentence "
    session.commit(text)
    write(session, "and on ", text)
    session.finish()
    assert not {"Tomahawk", "Gingerbread"} & set(forms(store))
    assert {"and", "on"} <= set(forms(store))


def test_moving_back_to_mend_something_does_not_count_the_rest_twice(model: Model, store: Store) -> None:
    session = model.session(store=store)
    text = write(session, "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu ")
    session.commit(text[:6])
    session.commit(text[:5])
    session.commit(text)
    write(session, "nu xi ", text)
    assert {round(word.uses) for word in store.show()} == {1}


def test_text_learned_at_once(model: Model, store: Store) -> None:
    session = model.session(store=store)
    assert session.learn("We like Tomahawk.\nTomahawk it is") == 6
    assert texts(session, "They like tomah")[0] == "Tomahawk"


def test_capitals_are_the_users(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.learn("we use gRPC and eBay\nGRPC helps\nEBay too\nwe use gRPC and eBay")
    assert texts(session, "we use gr")[0] == "gRPC"
    assert texts(session, "eb")[0] == "eBay"


def test_a_private_session_learns_nothing_and_the_switch_works_both_ways(model: Model, store: Store) -> None:
    session = model.session(store=store, private=True)
    text = write(session, "I like Tomahawk and Gingerbread here ")
    assert session.learn("Tomahawk") == 0
    session.finish()
    assert forms(store) == []
    session.private = False
    text = write(session, "then tea it ", text)
    session.private = True
    write(session, "was Marzipan again ", text)
    session.finish()
    assert set(forms(store)) <= {"then", "tea", "it"}
    assert "tea" in forms(store)


def test_the_word_before_the_switch_is_not_learned_through_it(model: Model, store: Store) -> None:
    session = model.session(store=store, private=True)
    text = write(session, "Marzipan ")
    session.private = False
    write(session, "tea again ", text)
    assert "Marzipan" not in forms(store)


def test_a_forgotten_word_is_in_no_suggestion_in_any_case_form_be_it_the_models_own(model: Model, store: Store) -> None:
    session = model.session(store=store)
    assert "music" in texts(session, "I like mus")
    session.forget("Music")
    other = model.session(store=store)
    for text in ("I like mus", "I like Mus", "I LIKE MUS", "I like ", "Mu", "self-mus"):
        for one in (session, other):
            assert not any("music" in fold(word) for word in texts(one, text, k=50)), text
    store.teach("music")
    assert "music" in texts(session, "I like mus")


def test_a_forgotten_phrase_is_not_offered_and_its_words_are(model: Model, store: Store) -> None:
    session = model.session(store=store)
    assert "Monday" in texts(session, "I see you on ", k=50)
    session.forget("on monday")
    assert "Monday" not in texts(session, "I see you on ", k=50)
    assert "Monday" not in texts(session, "I see you on M", k=50)
    assert "Monday" in texts(session, "I like M", k=50)


def test_lists_hold_at_the_very_next_suggestion_and_others_take_the_place(model: Model, store: Store) -> None:
    session = model.session(store=store)
    first = texts(session, "I like m")
    store.add_to("never", [first[0].upper()])
    second = texts(session, "I like m")
    assert first[0] not in second
    assert second
    store.remove_from("never", first[:1])
    assert texts(session, "I like m") == first


@pytest.mark.parametrize("engine", ["blend", "neural", "ngram"])
def test_filters_hold_for_every_engine_and_without_a_store(tiny_bundle: Path, engine: str) -> None:
    session = load(tiny_bundle, engine=engine).session(filters=Filters.of(never=["MUSIC"]))  # type: ignore[arg-type]
    for text in ("I like mus", "I like ", "Mus"):
        assert "music" not in map(fold, texts(session, text, k=100))


def test_offensive_words_are_not_suggested_unless_asked_for(model: Model, store: Store) -> None:
    word = sorted(offensive_words())[5]
    plain, free = model.session(store=store), model.session(store=store, filters=Filters(offensive=False))
    excepted = model.session(store=store, filters=Filters.of(allowed=[word]))
    plain.learn(f"we like {word}\nwe like {word}\n" * 3)
    assert word not in texts(plain, f"we like {word[:3]}", k=20)
    assert word in texts(free, f"we like {word[:3]}", k=20)
    assert word in texts(excepted, f"we like {word[:3]}", k=20)
    store.add_to("allowed", [word])
    assert word in texts(plain, f"we like {word[:3]}", k=20)


def test_the_hosts_words_are_filtered_as_well(model: Model) -> None:
    session = model.session(filters=Filters.of(never=["Kubernetes"]))
    session.add_words({"Kubernetes": 5.0, "Kubrick": 1.0})
    assert texts(session, "I like kub") == ["Kubrick"]


def test_the_hosts_words_and_the_users_live_side_by_side(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.add_words({"Kubrick": 1.0})
    session.learn("we like Kubernetes\n" * 3)
    assert set(texts(session, "I like kub")) == {"Kubrick", "Kubernetes"}


def test_probabilities_stay_probabilities(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.learn("we like Kubernetes and the garden\n" * 5)
    for text in ("we like ", "we like k", "", "the gar"):
        found = session.suggest(text, k=10_000)
        assert 0.99 < sum(suggestion.probability for suggestion in found) <= 1.0 + 1e-5 or len(found) < 2


def test_with_a_broken_store_typing_goes_on_with_a_notice(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    session = model.session(store=Store(tmp_path / "file" / "s.sqlite3"))
    assert texts(session, "I like ") == texts(model.session(), "I like ")
    write(session, "I like tea and more ")
    assert session.notice is not None
    assert "file" in session.notice
    assert "\n" not in session.notice


def test_sessions_of_one_store_learn_from_each_other_at_once(model: Model, store: Store) -> None:
    one, other = model.session(store=store), model.session(store=Store(store.path))
    one.learn("we like Tomahawk\n" * 2)
    assert "Tomahawk" in texts(other, "we like tomah")


def test_without_a_store_there_is_nothing_to_learn_or_forget(model: Model) -> None:
    session = model.session()
    assert session.private
    session.commit("some text ")
    session.finish()
    assert session.learn("text") == 0
    with pytest.raises(ConfigError):
        session.forget("text")


def test_the_same_text_gives_the_same_words_whatever_the_session_saw_before(model: Model, store: Store) -> None:
    store_texts = ["I like the gar", "We use ", "Then Tom sees ", "I like the "]
    session = model.session(store=store, private=True)
    model.session(store=store).learn("We use Tomahawk. Then Tom sees Tomahawk in the garden\n" * 3)
    live = [texts(session, text) for text in store_texts * 2]
    assert live == [texts(model.session(store=store), text) for text in store_texts] * 2


def test_a_word_that_was_gone_on_with_is_counted_once_and_whole(model: Model, store: Store) -> None:
    session = model.session(store=store)
    text = write(session, "I like Toma ")
    session.commit(text[:-1])
    write(session, "hawk very much ", text[:-1])
    session.finish()
    assert "Toma" not in forms(store)
    assert next(word.uses for word in store.show() if word.form == "Tomahawk") == pytest.approx(1.0, abs=0.01)


def test_a_correction_taken_back_is_remembered_by_other_sessions_until_forgotten(model: Model, store: Store) -> None:
    text = "I love musci "
    assert model.session(store=store).corrections(text)
    model.session(store=store, private=True).keep("Musci")
    assert model.session(store=store).corrections(text)
    model.session(store=store).keep("Musci")
    assert not model.session(store=store).corrections(text)
    store.forget("musci")
    assert store.listed("kept") == frozenset()
    assert model.session(store=store).corrections(text)


def test_a_word_of_the_user_is_not_corrected(model: Model, store: Store) -> None:
    session = model.session(store=store)
    assert session.corrections("I love musci ")
    session.learn("I love musci.\n" * 3)
    assert not session.corrections("I love musci ")


def test_corrections_and_phrases_offer_no_blocked_word(model: Model) -> None:
    free = model.session()
    correction = free.corrections("I love musci ")[0].text.strip()
    start = next(text for text in ("I lov", "I love musi", "We like mus", "I ") if free.phrase(text, confidence=0.01))
    phrase = free.phrase(start, confidence=0.01)
    assert phrase is not None
    last = phrase.text.split()[-1]
    session = model.session(filters=Filters.of(never=[correction, last]))
    assert correction not in [word.text.strip() for word in session.corrections("I love musci ", threshold=0.0)]
    shorter = session.phrase(start, confidence=0.01)
    assert shorter is None or last not in shorter.text.split()


def test_a_word_with_hyphens_is_offered_whole_from_its_second_use(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.learn("We need a front-end today. The front-end works")
    assert "front-end" in texts(session, "We like fro")
    assert texts(session, "We like front-")[0] == "front-end"
    assert "end" in forms(store)


def test_a_word_that_the_bundle_withholds_is_offered_to_those_who_write_it(tiny_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = tmp_path / "bundle" / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"withheld": ["music", "no such word"]}))
    model = load(tmp_path / "bundle")
    assert "music" in texts(load(tiny_bundle).session(), "I love mus")
    session = model.session()
    assert "music" not in texts(session, "I love mus") + texts(session, "I love musci")
    assert not session.corrections("I love musci ")
    session.add_words({"music": 1.0})
    assert "music" in texts(session, "I love mus")
    store = Store(tmp_path / "s.sqlite3")
    mine = model.session(store=store)
    mine.learn("I love music.\nI love music.")
    assert "music" in texts(mine, "I love mus")


def test_withheld_words_that_are_no_list_are_an_error(tiny_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = tmp_path / "bundle" / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"withheld": "music"}))
    with pytest.raises(BundleError, match="withheld"):
        load(tmp_path / "bundle")
