"""What becomes of rows: they are scaled down, go where there are too many, and go where they are forgotten.

Each function works inside a transaction of its caller's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

from foretype.runtime.filters import parts as made_of
from foretype.runtime.personal.rows import age, get_number, keyed_hash, secret_key, set_value
from foretype.runtime.text.vocabulary import fold

_SLACK = 0.8
"""What a store that reached a limit is cut down to, as a share of it."""


def rescale(connection: sqlite3.Connection, half_life: float) -> None:
    """Scale all weights down, so that a word written now weighs 1."""
    factor = 2.0 ** -(age(connection) / half_life)
    connection.execute("UPDATE words SET weight = weight * ?", (factor,))
    connection.execute("UPDATE grams SET weight = weight * ?", (factor,))
    set_value(connection, "landmark", get_number(connection, "words"))


def keep_small(connection: sqlite3.Connection, most_words: int, cap_mb: float) -> bool:
    """Delete what was written least and longest ago where there are more than `most_words` words, or `cap_mb` of all.

    Returns whether there were.
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
    """Delete the folded `word`, all that is made of it, and keep its hash; returns how many words and list entries."""
    _define_holds(connection)
    made = "(SELECT id FROM words WHERE holds(form, :word))"
    connection.execute(f"DELETE FROM grams WHERE a IN {made} OR b IN {made} OR word IN {made}", {"word": word})
    deleted = [
        connection.execute(f"DELETE FROM {table} WHERE holds({column}, ?)", (word,)).rowcount
        for table, column in (("words", "form"), ("listed", "key"))
    ]
    for first, second in pairwise(word.split("-")):  # a hyphen is learned as a mark between words, too
        _forget_sequence(connection, ("a", "b", "word"), (first, "-", second))
    _remember_as_forgotten(connection, word)
    return sum(deleted)


def forget_phrase(connection: sqlite3.Connection, words: Sequence[str]) -> int:
    """Delete that two or three folded `words` follow each other, and keep a hash; returns how many counts there were.

    A second hash, of all but the last word and a space, says where to look for the whole phrase.
    """
    _define_holds(connection)
    deleted = _forget_sequence(connection, ("a", "b", "word")[-len(words) :], words)
    if len(words) == 2:
        deleted += _forget_sequence(connection, ("a", "b"), words)
    _remember_as_forgotten(connection, " ".join(words), " ".join([*words[:-1], ""]))
    return deleted


def forget_all(connection: sqlite3.Connection) -> int:
    """Delete everything but the keys of the hashes; returns how many words and list entries there were."""
    written = connection.execute("SELECT count(*) FROM words WHERE weight > 0").fetchone()[0]
    listed = connection.execute("SELECT count(*) FROM listed").fetchone()[0]
    for table in ("words", "grams", "forgotten", "listed", "imported"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DELETE FROM meta WHERE name NOT IN ('key', 'spare_key')")
    return int(written + listed)


def _define_holds(connection: sqlite3.Connection) -> None:
    """Let SQL ask whether a word is made of a folded one: "Tomahawk's" and "tomahawk-like" of "tomahawk"."""
    connection.create_function("holds", 2, lambda form, part: part in made_of(fold(form)), deterministic=True)


def _forget_sequence(connection: sqlite3.Connection, columns: Sequence[str], words: Sequence[str]) -> int:
    same = " AND ".join(f"{column} IN (SELECT id FROM words WHERE holds(form, ?))" for column in columns)
    return connection.execute(f"DELETE FROM grams WHERE {same}", tuple(words)).rowcount


def _remember_as_forgotten(connection: sqlite3.Connection, *phrases: str) -> None:
    connection.execute("DELETE FROM imported")  # the same export may be read again, without them
    key = secret_key(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO forgotten VALUES(?)", [(keyed_hash(key, phrase),) for phrase in phrases]
    )
