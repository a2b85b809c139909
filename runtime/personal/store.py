"""The personal store: counts of the words one user writes and of what they follow, lists, and what was forgotten."""

from __future__ import annotations

import json
import os
import sqlite3
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from foretype.runtime.arguments import check_count, check_text
from foretype.runtime.errors import ConfigError
from foretype.runtime.filters import parts as made_of
from foretype.runtime.personal.counting import Counted, count_all, scale_of
from foretype.runtime.personal.database import PURGE_DUE, Database, mending
from foretype.runtime.personal.learning.attention import Looks
from foretype.runtime.personal.learning.rules import WRAPPING
from foretype.runtime.personal.rows import (
    Forgotten,
    Observation,
    get_number,
    keyed_hash,
    read_following,
    read_forgotten,
    read_list,
    read_looks,
    read_shares,
    read_words,
    secret_key,
    set_value,
    word_id,
)
from foretype.runtime.personal.schema import LISTS, LONGEST_FORM, ListName, is_form
from foretype.runtime.personal.settings import StoreConfig, store_path
from foretype.runtime.personal.upkeep import forget_all, forget_phrase, forget_word, keep_small
from foretype.runtime.text.vocabulary import fold, is_word

_LONGEST_PHRASE = 3
Version = tuple[int, int, int]
"""Changes made here, openings of the file, and SQLite's count of what others changed since."""

_NO_LOOKS = Looks()


class Learned(NamedTuple):
    """What one call of `Store.learn` did.

    counted: the words. scale: see `Store.scale`. before, after: the store's version on either side of it.
    """

    counted: list[Counted]
    scale: float
    before: Version
    after: Version


class Forgot(NamedTuple):
    """What was deleted: the words, pairs and entries of lists, and the copies of damaged states of the store."""

    entries: int
    copies: int


class WordCount(NamedTuple):
    """A word of the store: its form, its uses (faded), and how far it is trusted."""

    form: str
    uses: float
    trust: int


class Store:
    """One user's store. May be shared by sessions and threads, and its file by processes.

    Making it touches no file; `close`, or leaving a `with` block, closes the file, and a later call opens it again.
    Every verb raises StoreError where the file cannot serve it: a full disk, a folder that cannot be written, a file of
    a newer version, a file that is not the user's own. A damaged file is mended and kept beside, and `notice` says so.

    >>> with Store("personal.sqlite3") as store:
    ...     store.teach("Kubernetes")
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        profile: str = "default",
        config: StoreConfig | None = None,
    ) -> None:
        """path: the file; None for that of `profile` in the user's data folder."""
        self.path = store_path(profile) if path is None else Path(path)
        self.config = config or StoreConfig()
        self.database = Database(self.path, self.config.busy_ms)
        self._changes = 0

    @property
    def notice(self) -> str | None:
        """None, or one line about damage that was found and mended."""
        return self.database.notice

    def close(self) -> None:
        """Close the file. A later call opens it again."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- Learning

    @mending
    def learn(
        self, observations: Sequence[Observation], shares: Sequence[float] | None = None, looks: Looks = _NO_LOOKS
    ) -> Learned:
        """Count words, in one transaction; returns what was counted. What was forgotten is not, until `teach` lifts it.

        shares: if given, the blend's weights, to be kept as well. looks: how the user met suggestions since.
        """
        if not observations:
            version = self.version()
            return Learned([], self.scale(), version, version)
        with self.database.writing() as connection:
            before, learned = self._version(connection), get_number(connection, "words")
            counted = count_all(connection, observations, self.config.half_life)
            if shares is not None:
                set_value(connection, "shares", json.dumps([round(share, 5) for share in shares]))
            if looks != _NO_LOOKS:
                for name, number in read_looks(connection).followed_by(looks)._asdict().items():
                    set_value(connection, name, number)
            if (learned + len(observations)) // 256 > learned // 256:
                keep_small(connection, self.config.most_words, self.config.cap_mb)
            scale = scale_of(connection, self.config.half_life)
        self._changes += 1
        return Learned(counted, scale, before, (self._changes, *before[1:]))

    def changed(self) -> None:
        """Tell whoever keeps a picture of the store in memory that it is out of date."""
        self._changes += 1

    # --- Reading

    @mending
    def version(self) -> Version:
        """Differs from what it was when this process, or another, has changed the store in between."""
        with self.database.use() as connection:
            return self._version(connection)

    def _version(self, connection: sqlite3.Connection) -> Version:
        return self._changes, self.database.opened, connection.execute("PRAGMA data_version").fetchone()[0]

    @mending
    def scale(self) -> float:
        """What a word written now weighs: weight / scale is a count of words written just now."""
        with self.database.use() as connection:
            return scale_of(connection, self.config.half_life)

    @mending
    def rows(self) -> list[tuple[int, str, str, float, int]]:
        """All words: id, form, folded form, weight, trust."""
        with self.database.use() as connection:
            return read_words(connection)

    @mending
    def continuations(self, context: Sequence[str], most: int = 256) -> tuple[list[tuple[int, float]], float]:
        """The `most` weightiest words (id, weight) after one or two words, and the weight of all of them."""
        with self.database.use() as connection:
            ids = [id_ for form in context if (id_ := word_id(connection, form)) is not None]
            if len(ids) < len(context):
                return [], 0.0
            a, b = (0, *ids)[-2:]
            return read_following(connection, a, b, most)

    @mending
    def shares(self) -> list[float] | None:
        """The blend's weights as `learn` kept them last; None before."""
        with self.database.use() as connection:
            return read_shares(connection)

    @mending
    def looks(self) -> Looks:
        """How the user met suggestions lately."""
        with self.database.use() as connection:
            return read_looks(connection)

    @mending
    def show(self, most: int = 100, start: str = "") -> list[WordCount]:
        """The `most` words written most, of those that start with `start` (without regard to case).

        Raises ConfigError where `most` is below 0.
        """
        check_count("most", most)
        scale, start = self.scale(), fold(start)
        rows = sorted(self.rows(), key=lambda row: -row[3])
        return [
            WordCount(form, weight / scale, trust)
            for _, form, key, weight, trust in rows
            if is_word(form) and key.startswith(start)
        ][:most]

    @mending
    def stats(self) -> dict[str, Any]:
        """What the store holds, as plain JSON values."""
        with self.database.use() as connection:
            one = [
                connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("words", "grams WHERE a = 0", "grams WHERE a > 0", "forgotten")
            ]
            lists = {
                name: connection.execute("SELECT count(*) FROM listed WHERE list = ?", (name,)).fetchone()[0]
                for name in LISTS
            }
            learned = int(get_number(connection, "words"))
            size = self.path.stat().st_size
        names = ("words", "pairs", "triples", "forgotten")
        return {
            "path": str(self.path),
            "learned": learned,
            **dict(zip(names, one, strict=True)),
            **lists,
            "bytes": size,
            "shares": self.shares(),
        }

    # --- Forgetting

    @mending
    def forget(self, phrase: str) -> Forgot:
        """Forget a word, in every case form and in all words that are made of it, or that words follow each other.

        Gone are its rows, the bytes they had in the file and its WAL, every count with it, and the copies of damaged
        states of the store, which may hold it. What stays is a keyed hash, so that it is not suggested by the model
        either, nor learned when it is written; `teach` lifts that.

        Returns what there was of it. Raises ConfigError for an empty phrase or one of more than three words.
        """
        parts = _parts(phrase)
        with self.database.writing() as connection:
            entries = forget_word(connection, parts[0]) if len(parts) == 1 else forget_phrase(connection, parts)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        return Forgot(entries, self.database.purge())

    @mending
    def teach(self, phrase: str) -> None:
        """Let a word or phrase that was forgotten be suggested, and learned, again; a word is trusted at once."""
        parts = _parts(phrase)
        form = unicodedata.normalize("NFC", phrase.strip(WRAPPING + " "))
        if len(parts) == 1 and not (is_word(form) and is_form(form)):
            raise ConfigError(f"cannot learn {phrase!r}; expected a word, or a phrase that was forgotten")
        with self.database.writing() as connection:
            key = secret_key(connection)
            for text in made_of(parts[0]) if len(parts) == 1 else (" ".join(parts),):
                connection.execute("DELETE FROM forgotten WHERE hash = ?", (keyed_hash(key, text),))
        self._changes += 1
        if len(parts) == 1:
            self.learn([Observation((), form, accepted=True)])

    @mending
    def clear(self) -> Forgot:
        """Forget everything: the lists, what was forgotten, and the copies of damaged states of the store included.

        Returns how much that was.
        """
        with self.database.writing() as connection:
            cleared = get_number(connection, "cleared") + 1
            entries = forget_all(connection)
            set_value(connection, "cleared", cleared)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        return Forgot(entries, self.database.purge())

    @mending
    def cleared(self) -> float:
        """How often everything was forgotten."""
        with self.database.use() as connection:
            return get_number(connection, "cleared")

    @mending
    def forgotten(self) -> Forgotten:
        """What was forgotten, to be asked about words."""
        with self.database.use() as connection:
            return read_forgotten(connection)

    # --- Lists

    @mending
    def add_to(self, name: ListName, words: Sequence[str]) -> None:
        """Put words on a list; see `ListName`. Raises ConfigError where one is not a word."""
        _check_list(name)
        keys = [_parts(word) for word in words]
        if any(len(key) > 1 or not is_form(key[0]) for key in keys):
            raise ConfigError(
                f"cannot list {', '.join(words)}; expected single words of at most {LONGEST_FORM} characters"
            )
        with self.database.writing() as connection:
            rows = [(name, key[0]) for key in keys]
            connection.executemany("INSERT OR IGNORE INTO listed VALUES(?, ?)", rows)
        self._changes += 1

    @mending
    def remove_from(self, name: ListName, words: Sequence[str]) -> None:
        """Take words off a list; their bytes go as well. Raises ConfigError where one is not a word."""
        _check_list(name)
        with self.database.writing() as connection:
            rows = [(name, " ".join(_parts(word))) for word in words]
            connection.executemany("DELETE FROM listed WHERE list = ? AND key = ?", rows)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        self.database.purge()

    @mending
    def listed(self, name: ListName) -> frozenset[str]:
        """The words of a list, folded."""
        _check_list(name)
        with self.database.use() as connection:
            return read_list(connection, name)


def _check_list(name: str) -> None:
    if name not in LISTS:
        raise ConfigError(f"list is {name!r}; choose from {', '.join(LISTS)}")


def _parts(phrase: str) -> list[str]:
    """The folded words of a phrase, without marks around them. Raises TypeError and ConfigError."""
    check_text(phrase=phrase)
    words = fold(phrase).replace("\u2010", "-").replace("\u2011", "-").split()
    parts = [word.strip(WRAPPING) or word for word in words]
    if not 1 <= len(parts) <= _LONGEST_PHRASE or not "".join(parts).isprintable():
        raise ConfigError(f"cannot use {phrase!r}; expected a word, or a phrase of up to {_LONGEST_PHRASE} words")
    return parts
