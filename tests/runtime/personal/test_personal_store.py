"""The personal store: what it counts, what it forgets without a trace, what it does without a disk."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from foretype.runtime import ConfigError, StoreError
from foretype.runtime.personal.export import export_lines, import_lines
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.settings import StoreConfig, store_path
from foretype.runtime.personal.store import Forgot, Store


def observations(text: str) -> list[Observation]:
    words = text.split()
    return [Observation(tuple(words[max(0, i - 2) : i]), word) for i, word in enumerate(words)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "personal" / "store.sqlite3")


def bytes_of(store: Store) -> bytes:
    """Every byte of the file and its side files."""
    return b"".join(path.read_bytes() for path in store.path.parent.iterdir())


def forms(store: Store) -> list[str]:
    return [word.form for word in store.show(1000)]


def after(store: Store, *context: str) -> set[str]:
    names = {id_: form for id_, form, *_ in store.rows()}
    return {names[id_] for id_, _ in store.continuations(context)[0]}


def test_words_pairs_and_triples_are_counted(store: Store) -> None:
    store.learn(observations("we like tea and we like jam"))
    assert after(store, "like") == {"tea", "jam"}
    assert after(store, "we", "like") == {"tea", "jam"}
    assert after(store, "and") == {"we"}
    assert {word.form: round(word.uses) for word in store.show()} == {"we": 2, "like": 2, "tea": 1, "and": 1, "jam": 1}


def test_what_was_written_long_ago_counts_less(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3", config=StoreConfig(half_life=10))
    store.learn([Observation((), "old")] * 2)
    store.learn([Observation((), "new")] * 20)
    uses = {word.form: word.uses for word in store.show()}
    assert uses["old"] == pytest.approx(2 * 0.25, rel=0.1)


def test_weights_stay_finite_however_much_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3", config=StoreConfig(half_life=1))
    for _ in range(30):
        store.learn([Observation(("a",), "word")] * 50)
    assert 0.9 < store.show()[0].uses < 3.0


def test_the_files_are_for_their_owner_only(store: Store) -> None:
    store.learn(observations("hello"))
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    for path in store.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_several_openings_of_one_file_see_each_other(store: Store) -> None:
    other = Store(store.path)
    store.learn(observations("tea"))
    version = other.version()
    assert forms(other) == ["tea"]
    store.learn(observations("jam"))
    assert other.version() != version
    assert set(forms(other)) == {"tea", "jam"}


def _write_many(path: Path, name: str) -> None:
    store = Store(path)
    for number in range(100):
        store.learn([Observation((name,), f"{name}{'abcdefghij'[number % 10]}")])


def test_several_processes_write_at_once_and_nothing_is_lost(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(store.path, name)) for name in ("x", "y")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert store.stats()["learned"] == 200
    assert sum(word.trust for word in store.show()) == 200


def test_forgetting_leaves_no_byte_and_no_suggestion_of_it(store: Store) -> None:
    """Bytes are searched in the file, its WAL and its free pages; enough is written to split and move pages."""
    draw = random.Random(5)
    other = ["".join(draw.choices("abcdefgh", k=9)) for _ in range(2000)]
    words: list[Observation] = []
    for word in other:
        words += observations(f"Zanzibarquux {word} zanzibarquux")
    store.learn(words)
    assert b"anzibarquux" in bytes_of(store)
    store.forget("ZANZIBARQUUX")
    assert b"anzibarquux" not in bytes_of(store).lower()
    assert "anzibarquux" not in "\n".join(export_lines(store)).lower()
    assert "zanzibarquux" in store.forgotten()
    store.learn(observations("the zanzibarquux again"))
    assert b"anzibarquux" not in bytes_of(store).lower()
    assert set(forms(store)) >= {"the", "again"}


def test_forgetting_takes_words_that_are_made_of_the_word_along(store: Store) -> None:
    store.learn([Observation((), form) for form in ("Tomahawk's", "Tomahawk-like", "Tomahawks", "Toma-hawk")])
    store.add_to("kept", ["tomahawk-ish"])
    store.forget("tomahawk")
    assert {word.form for word in store.show()} == {"Tomahawks", "Toma-hawk"}
    assert not store.listed("kept")
    store.learn([Observation((), "non-tomahawk")])
    assert {word.form for word in store.show()} == {"Tomahawks", "Toma-hawk"}


def test_forgetting_takes_longer_compounds_along(store: Store) -> None:
    store.learn([Observation((), form) for form in ("Zorb-wimple", "Zorb-wimple-like", "ex-Zorb-wimple's", "wimple")])
    store.learn([Observation(("Zorb", "-"), "wimple"), Observation(("wimple", "-"), "like")])
    assert store.forget("Zorb-wimple").entries == 3
    assert {word.form for word in store.show()} == {"wimple", "like"}
    assert after(store, "Zorb", "-") == set()
    assert after(store, "wimple", "-") == {"like"}
    store.learn([Observation(("Zorb", "-"), "wimple"), Observation((), "anti-zorb-wimple")])
    assert {word.form for word in store.show()} == {"wimple", "like"}
    assert after(store, "Zorb", "-") == set()


def test_a_forgotten_phrase_takes_words_made_of_its_words_along(store: Store) -> None:
    store.learn(observations("call aunt Agatha's number or aunt Agatha-like people"))
    assert store.forget("aunt Agatha").entries > 0
    for _ in range(2):
        assert after(store, "aunt") == set()
        assert after(store, "call", "aunt") == set()
        store.learn(observations("call aunt Agatha's number"))


def test_forgetting_says_what_there_was(store: Store) -> None:
    store.learn(observations("tea Tea jam"))
    store.add_to("kept", ["tea"])
    assert store.forget("tea") == (3, 0)
    assert store.forget("unknown") == (0, 0)
    assert store.clear() == (1, 0)


@pytest.mark.parametrize("verb", [lambda store: store.forget("jam"), Store.clear])
def test_forgetting_removes_copies_of_damaged_states_and_says_so(store: Store, verb: Callable[[Store], Forgot]) -> None:
    for harm in ("UPDATE words SET weight = 'abc'", "DROP TABLE listed"):
        store.learn(observations("Zanzibarquux"))
        with store.database.use() as connection:
            connection.execute(harm)
        store.rows(), store.listed("never")
    assert store.notice is not None
    assert len(list(store.path.parent.glob("*.damaged-*[0-9]"))) == 2
    assert verb(store).copies == 2
    assert not list(store.path.parent.glob("*.damaged-*"))
    assert store.notice is None


def test_a_word_taught_again_is_learned_again(store: Store) -> None:
    store.learn(observations("tea"))
    store.forget("Tea")
    store.teach("tea")
    assert forms(store) == ["tea"]
    assert "tea" not in store.forgotten()


def test_a_forgotten_phrase_leaves_its_words(store: Store) -> None:
    store.learn(observations("call aunt Agatha now"))
    store.forget("aunt agatha")
    assert after(store, "aunt") == set()
    assert after(store, "call") == {"aunt"}
    assert "Agatha" in forms(store)
    store.learn(observations("call aunt Agatha now"))
    assert after(store, "aunt") == set()


@pytest.mark.parametrize("phrase", ["", "  ", "one two three four"])
def test_what_cannot_be_forgotten_is_refused(store: Store, phrase: str) -> None:
    with pytest.raises(ConfigError):
        store.forget(phrase)


def test_clearing_leaves_nothing(store: Store) -> None:
    store.learn(observations("Zanzibarquux"))
    store.add_to("never", ["moistquux"])
    store.clear()
    assert b"quux" not in bytes_of(store)
    assert store.show() == []
    assert store.listed("never") == frozenset()


def test_the_file_stays_below_its_cap(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3", config=StoreConfig(cap_mb=0.2, most_words=300))
    draw = random.Random(0)
    for _ in range(20):
        text = " ".join("".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(300))
        store.learn(observations(text))
    store.learn(observations("the last word"))
    stats = store.stats()
    assert stats["words"] <= 700
    store.database.purge()
    assert store.path.stat().st_size < 0.4e6
    assert "last" in forms(store)


def test_a_store_of_a_newer_version_is_left_alone(store: Store) -> None:
    store.learn(observations("tea"))
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Store(store.path).learn(observations("jam"))
    assert not list(store.path.parent.glob("*damaged*"))


@pytest.mark.parametrize("harm", ["not a database at all" * 100, ""])
def test_a_damaged_store_is_set_aside_and_a_new_one_begun(store: Store, harm: str) -> None:
    store.learn(observations("some words to be kept " * 50))
    store.close()
    data = bytearray(store.path.read_bytes())
    if harm:
        data = bytearray(harm.encode())
    else:
        data[4096:] = random.Random(1).randbytes(len(data) - 4096)
    store.path.write_bytes(data)
    for side in store.path.parent.glob("*-*"):
        side.unlink()
    again = Store(store.path)
    again.learn(observations("tea"))
    assert "tea" in forms(again)
    assert again.notice is not None
    [aside] = store.path.parent.glob("*.damaged-*[0-9]")
    assert aside.read_bytes() == data


def test_a_place_that_cannot_hold_a_store_is_an_error_of_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StoreError, match="file"):
        Store(file / "personal" / "s.sqlite3").learn(observations("tea"))


def test_a_full_disk_is_an_error_and_nothing_is_lost(store: Store) -> None:
    store.learn(observations("tea"))
    with store.database.use() as connection:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk
    with pytest.raises(StoreError, match="disk is full"):
        store.learn(observations(" ".join(f"word{'abcdefghij'[i % 10] * (i // 10 + 1)}" for i in range(2000))))
    assert forms(store) == ["tea"]
    with store.database.use() as connection:
        connection.execute("PRAGMA max_page_count = 100000")
    store.learn(observations("jam"))
    assert set(forms(store)) == {"tea", "jam"}


def _learn_for_ever(path: Path, told: Path) -> None:
    store = Store(path)
    count = store.stats()["learned"] if path.exists() else 0
    with told.open("a", buffering=1) as stream:
        while True:
            count += 1
            store.learn([Observation(("a", "b"), "word" + "abcdefghijklmnopqrstuvwxyz"[count % 26])])
            stream.write(f"{count}\n")


def _kill_at_work(folder: Path, runs: int) -> None:
    """A child learns and tells what it has learned; killed anywhere, all that it told of is there."""
    context = multiprocessing.get_context("forkserver")
    draw = random.Random(3)
    path, told = folder / "s.sqlite3", folder / "told"
    for _ in range(runs):
        process = context.Process(target=_learn_for_ever, args=(path, told))
        process.start()
        time.sleep(draw.uniform(0.05, 0.6))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        if not path.exists():
            continue
        store = Store(path)
        with store.database.use() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        lines = told.read_text().split() if told.exists() else []
        assert store.stats()["learned"] >= (int(lines[-1]) if lines else 0)
        assert store.notice is None
        store.close()


def test_a_store_survives_being_killed_while_it_learns(tmp_path: Path) -> None:
    _kill_at_work(tmp_path, 8)


@pytest.mark.soak
def test_a_store_survives_500_kills(tmp_path: Path) -> None:
    _kill_at_work(tmp_path, 500)


def test_an_export_gives_the_same_store_elsewhere_and_twice_is_as_once(store: Store, tmp_path: Path) -> None:
    store.learn(observations("we like Earl tea and we like Müller jam"))
    store.add_to("never", ["moist"])
    lines = list(export_lines(store))
    other = Store(tmp_path / "other.sqlite3")
    assert import_lines(other, lines) == len(lines) - 1
    exported = list(export_lines(other))
    assert sorted(exported) == sorted(lines)
    assert import_lines(other, lines) == 0
    other.learn(observations("tea") * 9)
    exported = list(export_lines(other))
    assert import_lines(other, lines) == 0
    assert list(export_lines(other)) == exported


def test_an_import_brings_back_nothing_that_was_forgotten_nor_a_secret(store: Store) -> None:
    store.learn(observations("we like tea"))
    lines = [*export_lines(store), '{"word": "qZxTvBkWpL", "count": 3, "trust": 3}']
    store.forget("tea")
    import_lines(store, lines)
    assert set(forms(store)) == {"we", "like"}


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "{}", '{"word": 3, "count": 1}', '{"word": "a", "count": -1, "trust": 1}', '{"x": "y"}']
)
def test_a_wrong_line_is_named_and_nothing_is_imported(store: Store, line: str) -> None:
    store.learn(observations("tea"))
    lines = [*export_lines(store), '{"word": "jam", "count": 1, "trust": 1}', line]
    with pytest.raises(StoreError, match="line 4"):
        import_lines(store, lines)
    assert forms(store) == ["tea"]


def test_an_export_of_a_later_version_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="version 2"):
        import_lines(store, ['{"format": "foretype-personal", "version": 2}'])
    with pytest.raises(StoreError, match="not an export"):
        import_lines(store, ['{"word": "tea", "count": 1, "trust": 1}'])


def test_profiles_are_files_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path))
    assert store_path("work").parent == tmp_path / "personal"
    assert store_path("work") != store_path()
    for wrong in ("", "../x", "a/b", "x" * 65):
        with pytest.raises(ConfigError):
            store_path(wrong)


def test_a_word_that_was_taught_is_trusted_at_once(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as taught, Store(tmp_path / "t.sqlite3") as typed:
        taught.teach("zorbleq")
        typed.learn([Observation((), "zorbleq")])
        assert taught.show()[0].trust > typed.show()[0].trust
