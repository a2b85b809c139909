"""Ways in which a secret, private text or a forgotten word could come back, each of them shut."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from sessions import forms, texts, write

from foretype.runtime import Model, load
from foretype.runtime.errors import ConfigError, StoreError
from foretype.runtime.filters import Filters
from foretype.runtime.personal import personal_session
from foretype.runtime.personal.export import export_lines, import_lines
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.store import Store


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "personal" / "s.sqlite3")


@pytest.mark.parametrize(
    "line",
    [
        "Password for wifi: zorbleq horse battery",
        '"password": "zorbleq"',
        "DB_PASSWORD = zorbleq",
        "**Password**: zorbleq",
        "Password:\nzorbleq horse",
        "pw: zorbleq",
        "PIN code: zorbleq",
        "user name: zorbleq",
        "my key is: zorbleq",
        "Authorization: Bearer zorbleqab",
        "Password - zorbleq",
        "The API key for prod is zorbleq",
        "Password\uff1azorbleq",
        "Passwort lautet Zorbleq",
        "mot de passe : zorbleq",
        "zorb-kwjp-tlrm-bnhd",
        "my app code zorb kwjp tlrm zorb",
        "gb29 zorb 6016 1331",
        "+49 151 zorbleq 2345",
        "see [Zorbleq portal](https://x.y/z)",
        "in usr/zorbleq or so",
        "14 rue de Zorbleq",
        "Zorbleq 12 Street",
        "jane.doe @ zorbleq . com",
        "/msg NickServ identify zorbleq-kwxjp-tlrm1",
    ],
)
def test_what_looks_like_a_secret_or_address_is_not_learned(model: Model, store: Store, line: str) -> None:
    session = model.session(store=store)
    session.learn(line)
    write(session, line + "\nand on we go ")
    assert not [form for form in forms(store) if "zorb" in form.casefold()]


def test_private_and_pasted_text_is_no_context_of_what_is_learned(model: Model, store: Store) -> None:
    session = model.session(store=store, private=True)
    text = write(session, "Project Zorbleq ")
    session.private = False
    text = write(session, "is here now ", text) + "Here Quuxify "
    session.commit(text, pasted=True)
    text = write(session, "goes on and ", text)
    session.finish()
    with store.database.use() as connection:
        stored = {form for (form,) in connection.execute("SELECT form FROM words")}
    assert {"here", "now", "on"} <= stored
    assert not {"Zorbleq", "Quuxify", "Project"} & stored


def test_a_word_begun_in_private_or_pasted_into_is_not_learned(model: Model, store: Store) -> None:
    session = model.session(store=store, private=True)
    text = write(session, "say Zorbl")
    session.private = False
    write(session, "eq and on ", text)
    assert not {"Zorbleq", "eq"} & set(forms(store))
    session = model.session(store=store)
    session.commit("my ")
    session.commit("my quuxify", pasted=True)
    write(session, " is here now ", "my quuxify")
    assert "quuxify" not in forms(store)


def test_a_blocked_word_keeps_no_share_of_the_probability(model: Model) -> None:
    """The words that are offered for the typed letters share all of it, as if the blocked one did not exist."""
    found = model.session(typos=False).suggest("I love m", k=50)
    assert found[0].probability > 0.1
    left = model.session(typos=False, filters=Filters.of(never=[found[0].text])).suggest("I love m", k=50)
    assert sum(word.probability for word in left) == pytest.approx(sum(word.probability for word in found), abs=0.01)


def test_no_blocked_word_fills_a_gap_inside_a_word(model: Model, store: Store) -> None:
    assert [s.text for s in model.session().suggest("I love mu", after="ic")] == ["music"]
    session = model.session(filters=Filters.of(never=["music"]))
    assert not session.suggest("I love mu", after="ic")
    mine = model.session(store=store)
    mine.learn("we zorblequate and zorblequate")
    assert [s.text for s in mine.suggest("we zorb", after="ate")] == ["zorblequate"]
    mine.forget("zorblequate")
    assert not mine.suggest("we zorb", after="ate")


def test_a_word_never_to_be_suggested_is_not_offered_for_its_capitals_either(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.learn("We like Zorbleq.\nWe like Zorbleq.")
    assert [s.text for s in session.corrections("We like zorbleq ")] == ["Zorbleq "]
    store.add_to("never", ["zorbleq"])
    assert not session.corrections("We like zorbleq ", threshold=0.0)


def test_a_forgotten_phrase_stays_so_with_any_kind_of_word(model: Model, store: Store) -> None:
    session = model.session(store=store)
    session.learn("We like Zorbleq today\n" * 4)
    session.add_words({"Quuxify": 50.0})
    assert "Zorbleq" in texts(session, "We like Zo")
    assert "Quuxify" in texts(session, "We like Qu")
    for phrase in ("like Zorbleq", "like Quuxify", "love music"):
        session.forget(phrase)
    assert "Zorbleq" not in texts(session, "We like Zo")
    assert "Zorbleq" in texts(session, "They see Zo")
    assert "Quuxify" not in texts(session, "We like Qu")
    assert "music" not in texts(session, "The password is love mus")
    assert not [s for s in session.corrections("I love musci ", threshold=0.0) if s.text == "music "]
    assert "music" in texts(session, "I like musci")
    assert "music" not in texts(session, "I love musci")


def test_a_forgetting_in_another_process_is_never_missed(model: Model, store: Store) -> None:
    session, other = model.session(store=store), Store(store.path)
    session.learn("We like Zorbleq\n" * 3)
    assert "Zorbleq" in texts(session, "We like Zo")
    learn = store.learn

    def late(*arguments: object, **named: object) -> object:
        other.forget("zorbleq")
        return learn(*arguments, **named)  # type: ignore[arg-type]

    store.learn = late  # type: ignore[method-assign, assignment]
    write(session, "We like the garden and ")
    assert "Zorbleq" not in texts(session, "We like Zo")


def test_lists_hold_at_once_where_words_are_not_repeated(model: Model, store: Store) -> None:
    session = model.session(store=store, overlooks=0.0)
    session.commit("a ")
    offered = texts(session, "I love ")
    store.add_to("never", offered)
    assert not set(offered) & set(texts(session, "I love "))


def test_lists_hold_in_a_session_that_learns_before_it_suggests(model: Model, store: Store) -> None:
    store.add_to("never", ["music"])
    session = model.session(store=Store(store.path))
    session.learn("")
    assert "music" not in texts(session, "I love mus")


def test_what_is_wrong_is_told_until_it_is_mended(model: Model, store: Store) -> None:
    session = model.session(store=store)
    write(session, "we go on. ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(personal_session, "_FIRST_PAUSE", 0.0)
        patch.setattr(store, "learn", lambda *_: (_ for _ in ()).throw(StoreError("the disk is full")))
        text = write(session, "and on. ", "we go on. ")
        session.suggest(text)
        assert session.notice == "nothing is learned: the disk is full"
    write(session, "and on. ", text)
    assert session.notice is None


def test_words_that_wait_for_a_store_do_not_survive_its_clearing(model: Model, store: Store) -> None:
    session = model.session(store=store)
    text = write(session, "we go ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(personal_session, "_FIRST_PAUSE", 0.0)
        patch.setattr(store, "learn", lambda *_: (_ for _ in ()).throw(StoreError("the disk is full")))
        text = write(session, "to Zorbleq and on ", text)
    store.clear()
    write(session, "then we rest a bit. ", text)
    assert "Zorbleq" not in forms(store)
    assert "rest" in forms(store)


@pytest.mark.parametrize("harm", ["schema", "table"])
def test_a_store_whose_tables_are_harmed_is_set_aside(model: Model, store: Store, harm: str) -> None:
    store.learn([Observation((), "Zorbleq")] * 3)
    store.close()
    if harm == "schema":
        content = bytearray(store.path.read_bytes())
        content[content.index(b"CREATE TABLE words") + 9] = 0xFF
        store.path.write_bytes(content)
    else:
        connection = sqlite3.connect(store.path)
        connection.execute("DROP TABLE listed")
        connection.commit()
        connection.close()
    session = model.session(store=Store(store.path))
    text = write(session, "we go on and on ")
    assert session.suggest(text)
    assert list(store.path.parent.glob("*.damaged-*"))


def test_halves_of_characters_and_other_odd_input_is_an_error_or_nothing(model: Model, store: Store) -> None:
    session = model.session(store=store)
    write(session, "foo \ud83d and on. ")
    assert session.suggest("foo \ud83d an") is not None
    assert "and" in forms(store)
    for verb in (store.forget, store.teach, lambda word: store.add_to("never", [word])):
        for odd in ("\udcff", "", "\x00"):
            with pytest.raises(ConfigError):
                verb(odd)
    for odd in ("5abc", "<s>", "x" * 70):
        with pytest.raises(ConfigError):
            store.teach(odd)
    with pytest.raises(ConfigError):
        store.add_to("never", ["two words"])
    store.add_to("never", [" “Zorbleq” "])
    assert store.listed("never") == {"zorbleq"}


def test_only_the_chosen_word_counts_as_chosen(model: Model, store: Store) -> None:
    session = model.session(store=store)
    text = write(session, "Hi zorbleq,")
    session.commit(text + " there ", accepted=True)
    write(session, "we go. ", text + " there ")
    assert {word.form: word.trust for word in store.show()} | {"zorbleq": 1, "there": 3} == {
        word.form: word.trust for word in store.show()
    }


def test_words_are_forgotten_however_they_are_written_and_taught_again(store: Store) -> None:
    store.learn([Observation((), form) for form in ("zorb-leq", "Quuxify")])
    store.forget("“Zorb\u2011leq”.")
    store.forget("Quuxify!")
    assert not store.show()
    store.teach("quuxify's")
    store.learn([Observation((), "Quuxify")])
    assert {word.form for word in store.show()} == {"quuxify's", "Quuxify"}


def test_a_file_that_others_could_read_is_closed_to_them(store: Store) -> None:
    store.learn([Observation((), "word")])
    store.close()
    os.chmod(store.path, 0o644)
    store.learn([Observation((), "word")])
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()} == {0o600}


def test_bytes_that_a_killed_process_left_are_purged_by_the_next_writer(store: Store, tmp_path: Path) -> None:
    store.learn([Observation((), "Zorbleq")] * 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.database, "purge", lambda: 0)  # killed before it
        store.forget("zorbleq")
    assert any(b"Zorbleq" in path.read_bytes() for path in store.path.parent.iterdir())
    other = Store(store.path)
    other.learn([Observation((), "word")])
    assert not any(b"orbleq" in path.read_bytes() for path in store.path.parent.iterdir())


@pytest.mark.parametrize(
    "line",
    [
        '{"word": "4111111111111111", "count": 2.0, "trust": 3}',
        '{"word": "a/b/c/secret", "count": 2.0, "trust": 3}',
        '{"after": ["4111111111111111"], "word": "on", "count": 2.0}',
        '{"word": "xqzvkwjptlrm", "count": 2.0, "trust": 3}',
    ],
)
def test_an_import_brings_nothing_that_would_not_be_learned(store: Store, line: str) -> None:
    import_lines(store, ['{"format": "foretype-personal", "version": 1}', line])
    assert not list(export_lines(store))[1:]
