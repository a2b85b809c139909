"""The personal store: counts of the words one user writes and of what they follow, lists, and what was forgotten.

Counts fade by forward decay (Cormode, Shkapenyuk, Srivastava and Xu 2009): instead of making old counts smaller, each
new word counts more than the one before, 2^(words learned so far / half-life). Sums stay comparable, nothing has to be
touched as time goes by, and the order by weight is the order by what is worth keeping.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.user_folder import data_folder
from foretype.runtime.filters import parts as made_of
from foretype.runtime.personal.database import PURGE_DUE, Database
from foretype.runtime.personal.rows import (
    Forgotten,
    Observation,
    count,
    get_number,
    keyed_hash,
    read_forgotten,
    secret_key,
    set_value,
    trust_of,
    word_id,
)
from foretype.runtime.personal.rules import WRAPPING
from foretype.runtime.text.vocabulary import fold, is_word

_PAGE_SLACK = 0.8
"""What a store that reached its cap is cut down to, as a share of it."""
_HIGHEST_EXPONENT = 400.0
"""Weights are scaled down before they reach 2 to this power."""
_LONGEST_PHRASE = 3
LONGEST_FORM = 64
"""Characters of a word at most."""
ListName = Literal["never", "allowed", "kept"]
"""Words never to be suggested; exceptions from the offensive list; words that are not to be corrected."""


@dataclass(frozen=True)
class StoreConfig:
    """Settings of a store.

    cap_mb: the file is kept below this many megabytes; what was written least and longest ago goes first.
    most_words: as many different words are kept at most; they are held in memory.
    half_life: after as many further words, a word written counts half.
    trusted: uses from which a new word is offered like any other; typing it is one, accepting it two more.
    busy_ms: how long one call waits for another process that is writing, in milliseconds.
    """

    cap_mb: float = 16.0
    most_words: int = 20_000
    half_life: float = 20_000.0
    trusted: int = 2
    busy_ms: int = 200


class Counted(NamedTuple):
    """What `Store.learn` did for a word: its id in the store, its form, and the weight and trust that were added."""

    id: int
    form: str
    weight: float
    trust: int


class Learned(NamedTuple):
    """What one call of `Store.learn` did.

    counted: the words. scale: see `Store.scale`. before, after: the store's version on either side of it.
    """

    counted: list[Counted]
    scale: float
    before: tuple[int, int]
    after: tuple[int, int]


class WordCount(NamedTuple):
    """A word of the store: its form, its uses (faded), and how far it is trusted."""

    form: str
    uses: float
    trust: int


def store_path(profile: str = "default") -> Path:
    """Where the store of this profile lies. Raises ConfigError when the name is no plain file name."""
    if not (profile.replace("-", "").replace("_", "").isalnum() and len(profile) <= 64):
        raise ConfigError(f"profile is {profile!r}; legal: letters, digits, - and _, at most 64")
    return data_folder() / "personal" / f"{profile}.sqlite3"


class Store:
    """One user's store. May be shared by sessions and threads, and its file by processes.

    Making it touches no file. Every verb raises StoreError where the file cannot serve it: a full disk, a folder that
    cannot be written, a file of a newer version, a damaged file (which is set aside; the next call begins a new one).
    """

    def __init__(
        self, path: Path | None = None, *, profile: str = "default", config: StoreConfig | None = None
    ) -> None:
        """path: the file; None for that of `profile` in the user's data folder."""
        self.path = path or store_path(profile)
        self.config = config or StoreConfig()
        self.database = Database(self.path, self.config.busy_ms)
        self._changes = 0

    @property
    def notice(self) -> str | None:
        """None, or one line about a damaged file that was set aside."""
        return self.database.notice

    def close(self) -> None:
        """Close the file. A later call opens it again."""
        self.database.close()

    # --- Learning

    def learn(self, observations: Sequence[Observation], shares: Sequence[float] | None = None) -> Learned:
        """Count words, in one transaction; returns what was counted. What was forgotten is not, until `teach` lifts it.

        shares: if given, the blend's weights, to be kept as well.
        """
        counted: list[Counted] = []
        if not observations:
            version = self.version()
            return Learned(counted, self.scale(), version, version)
        with self.database.writing() as connection:
            data_version = connection.execute("PRAGMA data_version").fetchone()[0]
            tick = get_number(connection, "words")
            if (tick - get_number(connection, "landmark")) / self.config.half_life > _HIGHEST_EXPONENT:
                self._rescale(connection, tick)
            landmark, forgotten = get_number(connection, "landmark"), read_forgotten(connection)
            for number, observation in enumerate(observations):
                weight = 2.0 ** ((tick + number - landmark) / self.config.half_life)
                id_ = count(connection, observation, weight, forgotten)
                if id_ is not None:
                    counted.append(Counted(id_, observation.word, weight, trust_of(observation)))
            set_value(connection, "words", tick + len(observations))
            if shares is not None:
                set_value(connection, "shares", json.dumps([round(share, 5) for share in shares]))
            if (tick + len(observations)) // 256 > tick // 256:
                self._keep_small(connection)
            scale = self._scale(connection)
        self._changes += 1
        return Learned(counted, scale, (self._changes - 1, data_version), (self._changes, data_version))

    def _rescale(self, connection: sqlite3.Connection, tick: float) -> None:
        factor = 2.0 ** -((tick - get_number(connection, "landmark")) / self.config.half_life)
        connection.execute("UPDATE words SET weight = weight * ?", (factor,))
        connection.execute("UPDATE grams SET weight = weight * ?", (factor,))
        set_value(connection, "landmark", tick)

    def _keep_small(self, connection: sqlite3.Connection) -> None:
        words = connection.execute("SELECT count(*) FROM words").fetchone()[0]
        if words > self.config.most_words:
            excess = words - int(_PAGE_SLACK * self.config.most_words)
            connection.execute(
                "DELETE FROM words WHERE id IN (SELECT id FROM words ORDER BY trust > 1, weight LIMIT ?)", (excess,)
            )
            for column in ("a", "b", "word"):
                connection.execute(f"DELETE FROM grams WHERE {column} > 0 AND {column} NOT IN (SELECT id FROM words)")
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self.config.cap_mb * 1e6:
            grams = connection.execute("SELECT count(*) FROM grams").fetchone()[0]
            connection.execute(
                "DELETE FROM grams WHERE (a, b, word) IN (SELECT a, b, word FROM grams ORDER BY weight LIMIT ?)",
                (int((1 - _PAGE_SLACK) * grams) + 1,),
            )

    def changed(self) -> None:
        """Tell whoever keeps a picture of the store in memory that it is out of date."""
        self._changes += 1

    # --- Reading

    def version(self) -> tuple[int, int]:
        """Differs from what it was when this process, or another, has changed the store in between."""
        with self.database.use() as connection:
            return self._changes, connection.execute("PRAGMA data_version").fetchone()[0]

    def scale(self) -> float:
        """What a word written now weighs: weight / scale is a count of words written just now."""
        with self.database.use() as connection:
            return self._scale(connection)

    def _scale(self, connection: sqlite3.Connection) -> float:
        age = get_number(connection, "words") - get_number(connection, "landmark")
        return float(2.0 ** (age / self.config.half_life))

    def rows(self) -> list[tuple[int, str, str, float, int]]:
        """All words: id, form, folded form, weight, trust."""
        with self.database.use() as connection:
            return connection.execute("SELECT id, form, key, weight, trust FROM words WHERE weight > 0").fetchall()

    def continuations(self, context: Sequence[str], most: int = 256) -> tuple[list[tuple[int, float]], float]:
        """The `most` weightiest words (id, weight) after one or two words, and the weight of all of them."""
        with self.database.use() as connection:
            ids = [word_id(connection, form) for form in context]
            if None in ids:
                return [], 0.0
            key = (0, *ids)[-2:]
            rows = connection.execute(
                "SELECT word, weight FROM grams WHERE a = ? AND b = ? ORDER BY weight DESC LIMIT ?", (*key, most)
            ).fetchall()
            total = sum(weight for _, weight in rows)
            if len(rows) == most:
                query = "SELECT sum(weight) FROM grams WHERE a = ? AND b = ?"
                total = connection.execute(query, key).fetchone()[0]
            return rows, total

    def shares(self) -> list[float] | None:
        """The blend's weights as `learn` kept them last; None before."""
        with self.database.use() as connection:
            found = connection.execute("SELECT value FROM meta WHERE name = 'shares'").fetchone()
            return None if found is None else [float(share) for share in json.loads(found[0])]

    def show(self, most: int = 100, start: str = "") -> list[WordCount]:
        """The `most` words written most, of those that start with `start` (without regard to case)."""
        scale, key = self.scale(), fold(start)
        with self.database.use() as connection:
            rows = connection.execute(
                "SELECT form, weight, trust FROM words WHERE weight > 0 AND substr(key, 1, ?) = ? ORDER BY weight DESC",
                (len(key), key),
            ).fetchall()
        return [WordCount(form, weight / scale, trust) for form, weight, trust in rows if is_word(form)][:most]

    def stats(self) -> dict[str, Any]:
        """What the store holds, as plain JSON values."""
        with self.database.use() as connection:
            one = [
                connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("words", "grams WHERE a = 0", "grams WHERE a > 0", "forgotten")
            ]
            lists = {
                name: connection.execute("SELECT count(*) FROM listed WHERE list = ?", (name,)).fetchone()[0]
                for name in get_args(ListName)
            }
            learned = int(get_number(connection, "words"))
        names = ("words", "pairs", "triples", "forgotten")
        return {
            "path": str(self.path),
            "learned": learned,
            **dict(zip(names, one, strict=True)),
            **lists,
            "bytes": self.path.stat().st_size,
            "shares": self.shares(),
        }

    # --- Forgetting

    def forget(self, phrase: str) -> None:
        """Forget a word, in every case form, or that two or three words follow each other.

        Gone are its rows, the bytes they had in the file and its WAL, and every count with it; what stays is a keyed
        hash, so that it is not suggested by the model either, nor learned when it is written; `teach` lifts that.
        Raises ConfigError for an empty phrase or one of more than three words.
        """
        parts = _parts(phrase)
        with self.database.writing() as connection:
            if len(parts) == 1:
                # With the words that are made of it: "Tomahawk's", "tomahawk-like".
                for id_, key in connection.execute("SELECT id, key FROM words").fetchall():
                    if parts[0] in made_of(key):
                        connection.execute("DELETE FROM grams WHERE a = ?1 OR b = ?1 OR word = ?1", (id_,))
                        connection.execute("DELETE FROM words WHERE id = ?", (id_,))
                for (key,) in connection.execute("SELECT key FROM listed").fetchall():
                    if parts[0] in made_of(key):
                        connection.execute("DELETE FROM listed WHERE key = ?", (key,))
            else:
                columns = ("b", "word") if len(parts) == 2 else ("a", "b", "word")
                same = " AND ".join(f"{column} IN (SELECT id FROM words WHERE key = ?)" for column in columns)
                connection.execute(f"DELETE FROM grams WHERE {same}", parts)
                if len(parts) == 2:
                    same = "a IN (SELECT id FROM words WHERE key = ?) AND b IN (SELECT id FROM words WHERE key = ?)"
                    connection.execute(f"DELETE FROM grams WHERE {same}", parts)
            connection.execute("DELETE FROM imported")
            # The second hash, of all but the last word and a space, says where to look for the whole phrase.
            for text in {" ".join(parts), " ".join([*parts[:-1], ""])} - {""}:
                connection.execute(
                    "INSERT OR IGNORE INTO forgotten VALUES(?)", (keyed_hash(secret_key(connection), text),)
                )
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        self.database.purge()

    def teach(self, phrase: str) -> None:
        """Let a word or phrase that was forgotten be suggested, and learned, again; a word is trusted at once."""
        parts = _parts(phrase)
        form = unicodedata.normalize("NFC", phrase.strip(WRAPPING + " "))
        if len(parts) == 1 and not (is_word(form) and is_form(form)):
            raise ConfigError(f"cannot learn {phrase!r}; legal: a word, or a phrase that was forgotten")
        with self.database.writing() as connection:
            key = secret_key(connection)
            for text in made_of(parts[0]) if len(parts) == 1 else (" ".join(parts),):
                connection.execute("DELETE FROM forgotten WHERE hash = ?", (keyed_hash(key, text),))
        self._changes += 1
        if len(parts) == 1:
            self.learn([Observation((), form, accepted=True)])

    def clear(self) -> None:
        """Forget everything, the lists and what was forgotten included."""
        with self.database.writing() as connection:
            for table in ("words", "grams", "forgotten", "listed", "imported"):
                connection.execute(f"DELETE FROM {table}")
            cleared = get_number(connection, "cleared") + 1
            connection.execute("DELETE FROM meta WHERE name != 'key'")
            set_value(connection, "cleared", cleared)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        self.database.purge()

    def cleared(self) -> float:
        """How often everything was forgotten."""
        with self.database.use() as connection:
            return get_number(connection, "cleared")

    def forgotten(self) -> Forgotten:
        """What was forgotten, to be asked about words."""
        with self.database.use() as connection:
            return read_forgotten(connection)

    # --- Lists

    def add_to(self, name: ListName, words: Sequence[str]) -> None:
        """Put words on a list; see `ListName`. Raises ConfigError where one is not a word."""
        keys = [_parts(word) for word in words]
        if any(len(key) > 1 or not is_form(key[0]) for key in keys):
            raise ConfigError(
                f"cannot list {', '.join(words)}; legal: single words of at most {LONGEST_FORM} characters"
            )
        with self.database.writing() as connection:
            rows = [(name, key[0]) for key in keys]
            connection.executemany("INSERT OR IGNORE INTO listed VALUES(?, ?)", rows)
        self._changes += 1

    def remove_from(self, name: ListName, words: Sequence[str]) -> None:
        """Take words off a list; their bytes go as well."""
        with self.database.writing() as connection:
            rows = [(name, " ".join(_parts(word))) for word in words]
            connection.executemany("DELETE FROM listed WHERE list = ? AND key = ?", rows)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        self.database.purge()

    def listed(self, name: ListName) -> frozenset[str]:
        """The words of a list, folded."""
        with self.database.use() as connection:
            return frozenset(
                key for (key,) in connection.execute("SELECT key FROM listed WHERE list = ?", (name,)).fetchall()
            )


def is_form(form: object) -> bool:
    """Whether `form` may be a word or mark of the store: printable, not long, no space in it."""
    return isinstance(form, str) and 0 < len(form) <= LONGEST_FORM and form.isprintable() and " " not in form


def _parts(phrase: str) -> list[str]:
    """The folded words of a phrase, without marks around them."""
    words = fold(phrase).replace("\u2010", "-").replace("\u2011", "-").split()
    parts = [word.strip(WRAPPING) or word for word in words]
    if not 1 <= len(parts) <= _LONGEST_PHRASE or not "".join(parts).isprintable():
        raise ConfigError(f"{phrase!r} is not legal here; legal: a word, or a phrase of up to {_LONGEST_PHRASE} words")
    return parts
