"""Maintains the rows of the store: scales weights down, enforces limits, and deletes what is forgotten.

Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

from foretype.runtime.filters import parts as made_of
from foretype.runtime.personal.rows import age, get_number, keyed_hash, secret_key, set_value
from foretype.runtime.text.vocabulary import fold

_SLACK = 0.8
"""A store that reached a limit is cut down to this share of it."""


def rescale(connection: sqlite3.Connection, half_life: float) -> None:
    """Scale all weights down so that a word written now has weight 1."""
    factor = 2.0 ** -(age(connection) / half_life)
    connection.execute("UPDATE words SET weight = weight * ?", (factor,))
    connection.execute("UPDATE grams SET weight = weight * ?", (factor,))
    set_value(connection, "landmark", get_number(connection, "words"))


def keep_small(connection: sqlite3.Connection, most_words: int, cap_mb: float) -> bool:
    """Delete what was written least and longest ago if the store exceeds `most_words` words or `cap_mb` megabytes.

    Returns whether anything was deleted.
    """
    cut = False
    words = connection.execute("SELECT count(*) FROM words").fetchone()[0]
    if words > most_words:
        cut = True
        connection.execute(
            "DELETE FROM words WHERE id IN (SELECT id FROM words ORDER BY trust > 1, weight LIMIT ?)",
            (words - int(_SLACK * most_words),),
        )
        for column in ("a", "b", "word"):
            connection.execute(f"DELETE FROM grams WHERE {column} > 0 AND {column} NOT IN (SELECT id FROM words)")
    while (bytes_ := _bytes_in_use(connection)) > cap_mb * 1e6:
        grams = connection.execute("SELECT count(*) FROM grams").fetchone()[0]
        if not grams:
            break
        cut = True
        connection.execute(
            "DELETE FROM grams WHERE (a, b, word) IN (SELECT a, b, word FROM grams ORDER BY weight LIMIT ?)",
            (int((1 - _SLACK * cap_mb * 1e6 / bytes_) * grams) + 1,),
        )
    return cut


def _bytes_in_use(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def forget_word(connection: sqlite3.Connection, word: str) -> int:
    """Delete the folded `word` and all words derived from it, and store its hash.

    Returns how many words and list entries were deleted.
    """
    _define_holds(connection)
    made = "(SELECT id FROM words WHERE holds(form, :word))"
    connection.execute(f"DELETE FROM grams WHERE a IN {made} OR b IN {made} OR word IN {made}", {"word": word})
    deleted = [
        connection.execute(f"DELETE FROM {table} WHERE holds({column}, ?)", (word,)).rowcount
        for table, column in (("words", "form"), ("listed", "key"))
    ]
    for first, second in pairwise(word.split("-")):  # a hyphen is also learned as a mark between words
        _forget_sequence(connection, ("a", "b", "word"), (first, "-", second))
    _remember_as_forgotten(connection, word)
    return sum(deleted)


def forget_phrase(connection: sqlite3.Connection, words: Sequence[str]) -> int:
    """Delete the sequence of two or three folded `words`, and store its hash. Returns how many counts were deleted.

    A second hash, of all words but the last and a space, says where to look for the whole phrase.
    """
    _define_holds(connection)
    deleted = _forget_sequence(connection, ("a", "b", "word")[-len(words) :], words)
    if len(words) == 2:
        deleted += _forget_sequence(connection, ("a", "b"), words)
    _remember_as_forgotten(connection, " ".join(words), " ".join([*words[:-1], ""]))
    return deleted


def forget_all(connection: sqlite3.Connection) -> int:
    """Delete everything except the keys of the hashes. Returns how many words and list entries were deleted."""
    written = connection.execute("SELECT count(*) FROM words WHERE weight > 0").fetchone()[0]
    listed = connection.execute("SELECT count(*) FROM listed").fetchone()[0]
    for table in ("words", "grams", "forgotten", "listed", "imported"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DELETE FROM meta WHERE name NOT IN ('key', 'spare_key')")
    return int(written + listed)


def _define_holds(connection: sqlite3.Connection) -> None:
    """Define the SQL function `holds`: whether a word is derived from a folded one.

    "Tomahawk's" and "tomahawk-like" are derived from "tomahawk".
    """
    connection.create_function("holds", 2, lambda form, part: part in made_of(fold(form)), deterministic=True)


def _forget_sequence(connection: sqlite3.Connection, columns: Sequence[str], words: Sequence[str]) -> int:
    same = " AND ".join(f"{column} IN (SELECT id FROM words WHERE holds(form, ?))" for column in columns)
    return connection.execute(f"DELETE FROM grams WHERE {same}", tuple(words)).rowcount


def _remember_as_forgotten(connection: sqlite3.Connection, *phrases: str) -> None:
    connection.execute("DELETE FROM imported")  # the same export may be imported again, without these phrases
    key = secret_key(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO forgotten VALUES(?)", [(keyed_hash(key, phrase),) for phrase in phrases]
    )
