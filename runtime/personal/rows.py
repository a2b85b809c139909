"""What the tables of the store hold, one fact at a time: numbers, words, what follows what, and what was forgotten."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import NamedTuple

from foretype.runtime.errors import StoreError
from foretype.runtime.filters import parts as made_of
from foretype.runtime.text.vocabulary import fold

ACCEPTED_TRUST = 2
"""What accepting a word is worth, beside 1 for typing it; see `StoreConfig.trusted`."""


class Observation(NamedTuple):
    """A word that was written.

    context: what stands before it, at most two words or marks, nearest last; shorter where nothing is known.
    word: as it is written inside a sentence. accepted: whether it was chosen from the suggestions.
    """

    context: tuple[str, ...]
    word: str
    accepted: bool = False


class Forgotten:
    """Words and phrases known by their keyed hashes only."""

    def __init__(self, key: bytes, hashes: frozenset[bytes]) -> None:
        self.hashes = hashes
        self._key = key

    def __len__(self) -> int:
        return len(self.hashes)

    def __contains__(self, phrase: object) -> bool:
        """Whether `phrase`, folded words with single spaces between, was forgotten."""
        return bool(self.hashes) and keyed_hash(self._key, str(phrase)) in self.hashes


def get_number(connection: sqlite3.Connection, name: str) -> float:
    """A number of the table `meta`, 0 where it is not there."""
    found = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return 0.0 if found is None else float(found[0])


def set_value(connection: sqlite3.Connection, name: str, value: float | str) -> None:
    """Put a value into the table `meta`."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (name, value))


def secret_key(connection: sqlite3.Connection) -> bytes:
    """The key of the hashes of what was forgotten. Raises StoreError where there is none."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    if found is None:
        raise StoreError("the store has no key")
    return bytes(found[0])


def keyed_hash(key: bytes, text: str) -> bytes:
    """What is kept of forgotten words."""
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()


def word_id(connection: sqlite3.Connection, form: str) -> int | None:
    """The id of a word, None where it is not known."""
    found = connection.execute("SELECT id FROM words WHERE form = ?", (form,)).fetchone()
    return None if found is None else int(found[0])


def read_forgotten(connection: sqlite3.Connection) -> Forgotten:
    """All that was forgotten."""
    rows = connection.execute("SELECT hash FROM forgotten").fetchall()
    return Forgotten(secret_key(connection), frozenset(hash_ for (hash_,) in rows))


def trust_of(observation: Observation) -> int:
    """What one use adds to the trust in a word."""
    return 1 + ACCEPTED_TRUST * observation.accepted


def count(connection: sqlite3.Connection, observation: Observation, weight: float, forgotten: Forgotten) -> int | None:
    """Count a word and what it stands after, as far back as nothing of it was forgotten; returns its id.

    None where the word itself was forgotten.
    """
    forms = [*observation.context[-2:], observation.word]
    while any(" ".join(map(fold, forms[start:])) in forgotten for start in range(len(forms))) or any(
        part in forgotten for form in forms for part in made_of(fold(form))
    ):
        if len(forms) == 1:
            return None
        forms = forms[1:]
    word = _count_word(connection, forms[-1], weight, trust_of(observation))
    # The pairs (a, b) of what stands before; a is 0 where b alone does.
    before = [_count_word(connection, form, 0.0, 0) for form in forms[:-1]]
    if before:
        _count_gram(connection, 0, before[-1], word, weight)
    if len(before) == 2:
        _count_gram(connection, before[0], before[1], word, weight)
    return word


def _count_word(connection: sqlite3.Connection, form: str, weight: float, trust: int) -> int:
    connection.execute(
        "INSERT INTO words(form, key, weight, trust) VALUES(?, ?, ?, ?) ON CONFLICT(form) DO UPDATE SET "
        "weight = weight + excluded.weight, trust = trust + excluded.trust",
        (form, fold(form), weight, trust),
    )
    id_ = word_id(connection, form)
    assert id_ is not None
    return id_


def _count_gram(connection: sqlite3.Connection, a: int, b: int, word: int, weight: float) -> None:
    connection.execute(
        "INSERT INTO grams VALUES(?, ?, ?, ?) ON CONFLICT(a, b, word) DO UPDATE SET weight = weight + excluded.weight",
        (a, b, word, weight),
    )
