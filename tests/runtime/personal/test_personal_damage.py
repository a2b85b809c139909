"""A store with damage anywhere in it: typing goes on, what is sound stays, and one line says what happened."""

from __future__ import annotations

import random
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foretype.runtime import Model, StoreError, load
from foretype.runtime.personal import database
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.store import Store

TEXT = "we like Zorbleq and Quuxify, we like tea with Tomahawk-like jam but not Marzipan and never a Gingerbread"
COLUMNS = {
    "meta": ("name", "value"),
    "words": ("id", "form", "key", "weight", "trust"),
    "grams": ("a", "b", "word", "weight"),
    "forgotten": ("hash",),
    "listed": ("list", "key"),
    "imported": ("hash",),
    "sqlite_sequence": ("name", "seq"),
}
ODD: list[Any] = [
    None,
    "",
    "abc",
    "a b",
    "\x00",
    "x" * 10_000,
    "[" * 5000,
    "[0.1, 0.2]",
    "[1e999, 0.2, NaN]",
    b"",
    b"\xff\xfe",
    bytes(10_000),
    0,
    -1,
    1,
    -1e300,
    1e300,
    float("inf"),
    float("-inf"),
    0.5,
    2**53,
    2**63 - 1,
    -(2**63),
]
NOT_TEXT = "CAST(X'ff80fe41' AS TEXT)"


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds some of everything, part of it in the WAL, as after a crash."""
    folder = tmp_path_factory.mktemp("sound")
    with Store(folder / "open.sqlite3") as store:
        draw = random.Random(0)
        words = ["".join(draw.choices("abdeghilmnorst", k=5)) for _ in range(600)] + TEXT.split() * 5
        store.learn(
            [Observation(tuple(words[max(0, i - 2) : i]), word) for i, word in enumerate(words)], (0.1, 0.2, 0.3)
        )
        for name in ("never", "allowed", "kept"):
            store.add_to(name, [f"{name}word"])
        store.forget("never a")
        store.forget("Marzipan")
        store.learn([Observation(("we", "like"), word) for word in words[-60:-40]])
        for part in folder.glob("open*"):
            shutil.copy(part, folder / part.name.replace("open", "s"))
    return folder / "s.sqlite3"


def flip_bits(path: Path, draw: random.Random) -> str:
    part = draw.choice([path, path.with_name(path.name + "-wal")])
    content = bytearray(part.read_bytes())
    flipped = [(draw.randrange(len(content)), draw.randrange(8)) for _ in range(draw.choice((1, 1, 1, 5, 50)))]
    for place, bit in flipped:
        content[place] ^= 1 << bit
    part.write_bytes(content)
    return f"bits {flipped} of {part.name}"


def cut_off(path: Path, draw: random.Random) -> str:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content))])
    return "cut off"


def change_values(path: Path, draw: random.Random) -> str:
    table = draw.choice(list(COLUMNS))
    column, value = draw.choice(COLUMNS[table]), draw.choice([*ODD, NOT_TEXT])
    which = draw.choice(("1", "1", "abs(random()) % 5 = 0"))
    place = value if value == NOT_TEXT else "?"
    statement = f"UPDATE OR IGNORE {table} SET {column} = {place} WHERE {which}"
    run_sql(path, statement, () if value == NOT_TEXT else (value,))
    return f"{statement} {value!r:.40}"


def change_tables(path: Path, draw: random.Random) -> str:
    table = draw.choice([name for name in COLUMNS if name != "sqlite_sequence"])
    statement = draw.choice(
        (
            f"DROP TABLE {table}",
            f"DELETE FROM {table}",
            "DROP INDEX words_by_key",
            "DELETE FROM sqlite_sequence",
            f"ALTER TABLE {table} RENAME TO other",
            f"ALTER TABLE {table} RENAME COLUMN {COLUMNS[table][0]} TO other",
            f"PRAGMA user_version = {draw.choice((0, -1, 77))}",
            "PRAGMA journal_mode = DELETE",
            "INSERT INTO words(form, key, weight, trust) VALUES('a b', 3, -1, 'x')",
            "INSERT INTO grams VALUES(1, 'x', 2, 'y')",
            "INSERT INTO listed VALUES('nonsense', 5)",
            "INSERT INTO forgotten VALUES('short')",
        )
    )
    run_sql(path, statement)
    return statement


def run_sql(path: Path, statement: str, values: tuple[Any, ...] = ()) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(statement, values)
    except sqlite3.Error:
        pass  # an edit that SQLite itself refuses
    finally:
        connection.close()


def copied(sound: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound.parent, folder, ignore=shutil.ignore_patterns("open*", "*-shm"))
    return folder / sound.name


def type_something(model: Model, store: Store, harm: Callable[[], object]) -> None:
    """Type some words, with the harm done in the midst of it; the last must be learned, or the notice say why."""
    session, text = model.session(store=store), ""
    for number, word in enumerate(["We", "like", "Zor", "tea", "and", "a", "Quux", ""]):
        if number == 2:
            harm()
        for end in range(1, len(word) + 1):
            session.suggest(text + word[:end])
        text += word + " "
        session.commit(text)
        session.suggest(text)
    session.corrections(text)
    session.keep("Zorb")
    session.finish()


def harmed_round(model: Model, path: Path, draw: random.Random) -> None:
    """Harm a store, perhaps while a session has it open; type; and learn and read with another one."""
    harm = draw.choice((flip_bits, change_values, change_tables, cut_off))
    live = harm in (change_values, change_tables) and draw.random() < 0.5
    done = [] if live else [harm(path, draw)]
    try:
        with Store(path) as store:
            type_something(model, store, lambda: done.append(harm(path, draw)) if live else None)
        with Store(path) as store:
            store.learn([Observation((), "afterwards")])
            assert "afterwards" in [word.form for word in store.show(1000)]
    except Exception as error:
        if "newer version" not in str(error):  # a store that says so is left alone
            raise AssertionError(f"{done}, live: {live}") from error


def test_typing_goes_on_whatever_is_damaged(model: Model, sound: Path, tmp_path: Path) -> None:
    draw = random.Random(1)
    for _ in range(100):
        harmed_round(model, copied(sound, tmp_path / "s"), draw)


@pytest.mark.soak
def test_typing_goes_on_through_5000_kinds_of_damage(model: Model, sound: Path, tmp_path: Path) -> None:
    draw = random.Random(2)
    for _ in range(5000):
        harmed_round(model, copied(sound, tmp_path / "s"), draw)


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("UPDATE words SET weight = 'abc' WHERE form = 'tea'", set()),
        ("UPDATE words SET trust = 9223372036854775807 WHERE form = 'tea'", set()),
        ("UPDATE words SET key = X'00'", set()),
        ("UPDATE words SET form = CAST(X'ff' AS TEXT) WHERE form = 'tea'", {"tea"}),
        ("UPDATE grams SET weight = -1", set()),
        ("UPDATE meta SET value = 'abc'", set()),
        ("DELETE FROM meta", set()),
        ("UPDATE listed SET key = 5", set()),
        ("UPDATE sqlite_sequence SET seq = 9223372036854775807", set()),
        ("DROP TABLE listed", set()),
        ("PRAGMA user_version = 0", set()),
    ],
)
def test_the_damage_of_a_value_does_not_lose_the_rest(
    sound: Path, tmp_path: Path, statement: str, lost: set[str]
) -> None:
    path = copied(sound, tmp_path / "s")
    with Store(path) as store:
        before = {word.form for word in store.show(1000)}
    run_sql(path, statement)
    with Store(path) as store:
        store.learn([Observation(("we",), "afterwards")])
        assert {word.form for word in store.show(1000)} == before - lost | {"afterwards"}
        assert all(0.0 < word.uses < 100.0 for word in store.show(1000))


def test_one_line_says_what_was_damaged_and_where_it_is_kept(model: Model, sound: Path, tmp_path: Path) -> None:
    path = copied(sound, tmp_path / "s")
    run_sql(path, "UPDATE words SET weight = 'abc'")
    with Store(path) as store:
        session = model.session(store=store)
        assert session.suggest("We like Zorb")
        assert session.notice is not None
        assert "\n" not in session.notice
        [copy] = path.parent.glob("*.damaged-*")
        assert copy.name in session.notice
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT DISTINCT weight FROM words").fetchall() == [("abc",)]
    connection.close()


def test_copies_of_damage_do_not_pile_up(sound: Path, tmp_path: Path) -> None:
    path = copied(sound, tmp_path / "s")
    for _ in range(6):
        run_sql(path, "UPDATE words SET weight = 'abc'")
        with Store(path) as store:
            assert store.show()
    assert len(list(path.parent.glob("*.damaged-*"))) == 3


def test_what_was_forgotten_stays_so_when_the_key_of_its_hashes_is_damaged(sound: Path, tmp_path: Path) -> None:
    path = copied(sound, tmp_path / "s")
    run_sql(path, "UPDATE meta SET value = 'abc' WHERE name = 'key'")
    with Store(path) as store:
        assert "marzipan" in store.forgotten()
        assert store.notice is not None


def test_words_learned_after_another_program_set_the_file_aside_are_in_the_new_one(sound: Path, tmp_path: Path) -> None:
    path = copied(sound, tmp_path / "s")
    with Store(path) as one, Store(path) as other:
        assert one.show()
        path.write_bytes(b"no database" * 10_000)
        other.learn([Observation((), "others")])
        assert other.notice is not None
        one.learn([Observation((), "mine")])
    with Store(path) as store:
        assert {word.form for word in store.show(1000)} >= {"others", "mine"}


def test_where_a_damaged_file_cannot_be_set_aside_typing_goes_on(model: Model, sound: Path, tmp_path: Path) -> None:
    """As on Windows, while another program has it open."""
    path = copied(sound, tmp_path / "s")
    path.with_name(path.name + "-wal").unlink()
    path.write_bytes(b"no database" * 10_000)

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "in use by another program", str(self))

    with pytest.MonkeyPatch.context() as patch, Store(path) as store:
        patch.setattr(Path, "rename", refuse)
        session = model.session(store=store)
        assert session.suggest("We like ")
        session.commit("We like ")
        session.finish()
        assert session.notice is not None
        assert "cannot be mended" in session.notice
    assert path.read_bytes() == b"no database" * 10_000
    with Store(path) as store:
        store.learn([Observation((), "afterwards")])
        assert [word.form for word in store.show()] == ["afterwards"]


def test_a_sound_file_that_is_locked_is_not_taken_for_a_damaged_one(sound: Path, tmp_path: Path) -> None:
    path = copied(sound, tmp_path / "s")
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY

    def busy(connection: sqlite3.Connection) -> bool:
        raise error

    with Store(path) as store:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "is_whole", busy)
            run_sql(path, "UPDATE words SET weight = 'abc'")
            with pytest.raises(StoreError, match="locked"):
                store.show()
        assert not list(path.parent.glob("*.damaged-*"))
        assert store.show()
