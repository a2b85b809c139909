"""Reads and writes single facts in the store's tables: numbers, words, what follows what, and what was forgotten.

All values are checked when they are read: these functions raise `DamageError` for values that this program never
writes.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from foretype.runtime.filters import parts as made_of
from foretype.runtime.personal.learning.attention import Looks
from foretype.runtime.personal.schema import (
    HIGHEST_ID,
    DamageError,
    are_word_rows,
    is_count,
    is_hash,
    is_key,
    is_listed,
    is_weight,
    parse_shares,
)
from foretype.runtime.text.vocabulary import fold

ACCEPTED_TRUST = 2
"""Trust that accepting a word adds to the 1 for writing it; see `StoreConfig.trusted`."""


class Observation(NamedTuple):
    """A word that was written.

    context: at most two words or marks before it, nearest last; fewer if they are not known.
    word: the word as written inside a sentence. accepted: whether it was chosen from the suggestions.
    """

    context: tuple[str, ...]
    word: str
    accepted: bool = False


class Forgotten:
    """Forgotten words and phrases, known only by their keyed hashes."""

    def __init__(self, key: bytes, hashes: frozenset[bytes]) -> None:
        self.hashes = hashes
        self._key = key

    def __len__(self) -> int:
        return len(self.hashes)

    def __contains__(self, phrase: object) -> bool:
        """Whether `phrase`, folded words separated by single spaces, was forgotten."""
        return bool(self.hashes) and keyed_hash(self._key, str(phrase)) in self.hashes

    def touches(self, forms: Sequence[str]) -> bool:
        """Whether the sequence of words `forms` contains a forgotten word or phrase.

        Words derived from a forgotten one count as that one: "Anna's", "Anna-like".
        """
        if not self.hashes:
            return False
        made = [made_of(fold(form)) for form in forms]
        if any(part in self for parts in made for part in parts):
            return True
        runs = (made[start:end] for start in range(len(made) - 1) for end in range(start + 2, len(made) + 1))
        phrases = (" ".join(words) for run in runs for words in product(*run))
        # A hyphen between words is stored as a separate mark: "front - end" is "front-end".
        return any(phrase in self or phrase.replace(" - ", "-") in self for phrase in phrases)


def get_number(connection: sqlite3.Connection, name: str) -> float:
    """A number from the table `meta`; 0 if it is missing."""
    found = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if found is None:
        return 0.0
    if not is_count(found[0]):
        raise DamageError(f"{name} is {found[0]!r:.60}")
    return float(found[0])


def age(connection: sqlite3.Connection) -> float:
    """The number of words learned since weights were last scaled down."""
    words = get_number(connection, "words") - get_number(connection, "landmark")
    if words < 0:
        raise DamageError("more words were learned before the last scaling than at all")
    return words


def read_shares(connection: sqlite3.Connection) -> list[float] | None:
    """The shares of the blend; None if none were stored."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'shares'").fetchone()
    return None if found is None else parse_shares(found[0])


def read_looks(connection: sqlite3.Connection) -> Looks:
    """How often the user recently took and overlooked suggestions."""
    return Looks(*(int(get_number(connection, name)) for name in Looks._fields))


def set_value(connection: sqlite3.Connection, name: str, value: float | str) -> None:
    """Write a value to the table `meta`."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (name, value))


def secret_key(connection: sqlite3.Connection) -> bytes:
    """The key of the hashes of forgotten words and phrases."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    if found is None or not is_key(found[0]):
        raise DamageError("the key is not there, or is none")
    return bytes(found[0])


def keyed_hash(key: bytes, text: str) -> bytes:
    """The keyed hash under which a forgotten word or phrase is stored."""
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()


def word_id(connection: sqlite3.Connection, form: str) -> int | None:
    """The id of a word; None if the store does not contain it."""
    found = connection.execute("SELECT id FROM words WHERE form = ?", (form,)).fetchone()
    return None if found is None else int(found[0])


def read_forgotten(connection: sqlite3.Connection) -> Forgotten:
    """Everything that was forgotten."""
    hashes = [hash_ for (hash_,) in connection.execute("SELECT hash FROM forgotten").fetchall()]
    if not all(map(is_hash, hashes)):
        raise DamageError("a hash of what was forgotten is none")
    return Forgotten(secret_key(connection), frozenset(hashes))


def read_words(connection: sqlite3.Connection) -> list[tuple[int, str, str, float, int]]:
    """All words that were written: id, form, folded form, weight, trust. Words that are only contexts are left out."""
    rows = connection.execute("SELECT id, form, key, weight, trust FROM words").fetchall()
    if not are_word_rows(rows):
        raise DamageError("a word is none, or its weight or trust")
    return [row for row in rows if row[3] > 0]


def ids_are_left(connection: sqlite3.Connection) -> bool:
    """Whether SQLite can assign ids to new words."""
    wrong = "typeof(seq) != 'integer' OR seq NOT BETWEEN 0 AND ?"
    return not connection.execute(f"SELECT count(*) FROM sqlite_sequence WHERE {wrong}", (HIGHEST_ID,)).fetchone()[0]


def read_following(connection: sqlite3.Connection, a: int, b: int, most: int) -> tuple[list[tuple[int, float]], float]:
    """The `most` heaviest words (id, weight) after the words `a` and `b`, and the total weight of all words there."""
    rows = connection.execute(
        "SELECT word, weight FROM grams WHERE a = ? AND b = ? ORDER BY weight DESC LIMIT ?", (a, b, most)
    ).fetchall()
    # SQLite sorts values that are not numbers to the ends, so every value between two weights is a weight.
    if rows and not (is_weight(rows[0][1]) and is_weight(rows[-1][1])):
        raise DamageError(f"a weight is {rows[0][1]!r:.60} or {rows[-1][1]!r:.60}")
    total = sum(weight for _, weight in rows)
    if len(rows) == most:
        total = connection.execute("SELECT sum(weight) FROM grams WHERE a = ? AND b = ?", (a, b)).fetchone()[0]
        if not is_weight(total):
            raise DamageError(f"the sum of weights is {total!r:.60}")
    return rows, total


def read_list(connection: sqlite3.Connection, name: str) -> frozenset[str]:
    """The folded words of a list."""
    keys = [key for (key,) in connection.execute("SELECT key FROM listed WHERE list = ?", (name,)).fetchall()]
    if not all(is_listed(name, key) for key in keys):
        raise DamageError(f"a word of the list {name!r} is none")
    return frozenset(keys)
