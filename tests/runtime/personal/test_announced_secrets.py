"""Secrets that the text announces are never stored, in twelve languages, typed or learned at once.

`data/secrets.tsv` was written before the rules were tuned. Half of its lines, drawn by their checksums, served for
tuning; of the other half at most two in a hundred may leak.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from paths import DATA

from foretype.runtime import Model, load
from foretype.runtime.personal.learning.announced_secrets import carried_into, scope
from foretype.runtime.personal.store import Store

LINES = (DATA / "secrets.tsv").read_text(encoding="utf-8").splitlines()
SYLLABLES = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "lo", "ra", "be", "do"]
OTHERS = ("blorvenk", "quanzit")
ORDINARY = [
    "I forgot my keys at the office again, so Frobnicka came to open the door.",
    "The key to a good stew is time, as Frobnicka always says.",
    "Pin the note to the board and tell Frobnicka about it.",
    "It is a token of our thanks, Frobnicka, nothing more.",
    "What is the secret of your cake, Frobnicka?",
    "Please log in again, Frobnicka, and try it once more.",
    "She was on parole when Frobnicka met her.",
    "The code review by Frobnicka took an hour.",
]


def half(kept_aside: bool) -> list[tuple[int, str]]:
    """Number and text of the lines of one half."""
    rows = [(number, line.split("\t", 1)[1]) for number, line in enumerate(LINES)]
    return [(number, text) for number, text in rows if (zlib.crc32(text.encode()) % 2 == 1) == kept_aside]


def secret(number: int) -> str:
    return "Zor" + SYLLABLES[number // len(SYLLABLES)] + SYLLABLES[number % len(SYLLABLES)]


@pytest.fixture(scope="module")
def model() -> Model:
    return load("en-tiny", engine="ngram")


def leaks(model: Model, path: Path, rows: list[tuple[int, str]], typed: bool) -> list[str]:
    """The texts whose secret stands in the bytes of the store afterwards."""
    with Store(path) as store:
        for number, text in rows:
            session = model.session(store=store)
            text = text.replace("\\n", "\n").replace("\\t", "\t").replace("{X}", secret(number))
            text = f"Good morning. {text}\n\nWe like the garden very much today. " if number % 2 else text
            if typed:
                for end in range(1, len(text) + 1):
                    session.commit(text[:end], after="")
                session.keep(secret(number))
                session.finish()
            else:
                session.learn(text)
    content = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*")).decode("latin-1").casefold()
    found = [text for number, text in rows if secret(number).casefold() in content]
    return found + [word for word in OTHERS if word in content]


@pytest.mark.parametrize("typed", [True, False])
def test_no_announced_secret_of_the_half_for_tuning_is_stored(model: Model, tmp_path: Path, typed: bool) -> None:
    assert leaks(model, tmp_path / "s.sqlite3", half(kept_aside=False), typed) == []


@pytest.mark.parametrize("typed", [True, False])
def test_hardly_any_of_the_half_kept_aside_is_stored(model: Model, tmp_path: Path, typed: bool) -> None:
    rows = half(kept_aside=True)
    assert len(leaks(model, tmp_path / "s.sqlite3", rows, typed)) <= 0.02 * len(rows)


def test_the_table_is_large_enough() -> None:
    assert len(LINES) >= 300
    assert len({line.split("\t")[0] for line in LINES}) == 12
    assert min(len(half(True)), len(half(False))) > 130


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_sentences_are_learned(model: Model, tmp_path: Path, text: str) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        session = model.session(store=store)
        for end in range(1, len(text) + 1):
            session.commit(text[:end])
        session.finish()
        assert "Frobnicka" in {word.form for word in store.show(100)}


def test_an_announcement_reaches_over_blank_lines_and_through_a_list_but_not_further() -> None:
    assert scope("password:").carries
    text = "my recovery phrase:\n\n1. zorb\n2. blee\n\nThen we all went home again.\nAnd slept.\n"
    carried = [carried_into(text, place) for place in (0, *(i + 1 for i, c in enumerate(text) if c == "\n"))]
    assert carried == [False, True, True, True, True, True, False, False]
    assert scope("It is about nothing. The password is x. Then y. And z.").spans == [(20, 47)]


def test_a_word_is_withheld_wherever_it_stands_in_the_line(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        session = model.session(store=store)
        session.commit("Zorbleq is a dog. He sleeps. The password is Zorbleq", pasted=True)
        session.keep("Zorbleq")
        assert store.listed("kept") == frozenset()


def test_a_passphrase_typed_in_groups_is_not_stored_before_the_last_group(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    text = "it says blor venk quan zitt on the box "
    with Store(path) as store:
        session = model.session(store=store)
        for end in range(1, len(text) + 1):
            session.commit(text[:end])
            assert not {"blor", "venk", "quan", "zitt"} & {word.form for word in store.show(100)}
        session.finish()
        assert not {"blor", "venk", "quan", "zitt"} & {word.form for word in store.show(100)}
