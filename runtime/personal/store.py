"""The personal store: counts of one user's words and word sequences, lists, and what was forgotten."""

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
"""Number of changes made here, number of times the file was opened, and SQLite's count of changes by others."""

_NO_LOOKS = Looks()


class Learned(NamedTuple):
    """What one call of `Store.learn` did.

    counted: the words. scale: see `Store.scale`. before, after: the store's version before and after the call.
    """

    counted: list[Counted]
    scale: float
    before: Version
    after: Version


class Forgot(NamedTuple):
    """How much was deleted: entries (words, pairs and list entries), and copies of damaged states of the store."""

    entries: int
    copies: int


class WordCount(NamedTuple):
    """A word of the store: its form, its faded uses, and its trust."""

    form: str
    uses: float
    trust: int


class Store:
    """One user's store. Sessions and threads may share it, and processes may share its file.

    Creating a `Store` touches no file. `close`, or leaving a `with` block, closes the file; a later call reopens it.
    Every method raises StoreError if it cannot use the file: the disk is full, the folder is not writable, the file has
    a newer version, or it does not belong to the user. A damaged file is repaired, a copy of it is kept beside it, and
    `notice` says so.

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
        """path: the file; None for the file of `profile` in the user's data folder."""
        self.path = store_path(profile) if path is None else Path(path)
        self.config = config or StoreConfig()
        self.database = Database(self.path, self.config.busy_ms)
        self._changes = 0

    @property
    def notice(self) -> str | None:
        """None, or one line about damage that was found and repaired."""
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
        """Count words in one transaction, and return what was counted.

        Forgotten words are not counted until `teach` allows them again.

        shares: the weights of the blend to store as well; None to leave them unchanged. looks: suggestions that the
        user took and overlooked since the last call.
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
        """Tell sessions that cache the store in memory that their cache is out of date."""
        self._changes += 1

    # --- Reading

    @mending
    def version(self) -> Version:
        """A value that changes whenever this or another process changes the store."""
        with self.database.use() as connection:
            return self._version(connection)

    def _version(self, connection: sqlite3.Connection) -> Version:
        return self._changes, self.database.opened, connection.execute("PRAGMA data_version").fetchone()[0]

    @mending
    def scale(self) -> float:
        """The weight of a word written now. Divide a weight by it to get a count in words written just now."""
        with self.database.use() as connection:
            return scale_of(connection, self.config.half_life)

    @mending
    def rows(self) -> list[tuple[int, str, str, float, int]]:
        """All words: id, form, folded form, weight, trust."""
        with self.database.use() as connection:
            return read_words(connection)

    @mending
    def continuations(self, context: Sequence[str], most: int = 256) -> tuple[list[tuple[int, float]], float]:
        """The `most` heaviest words (id, weight) after one or two words, and the total weight of all words there."""
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
        """How often the user recently took and overlooked suggestions."""
        with self.database.use() as connection:
            return read_looks(connection)

    @mending
    def show(self, most: int = 100, start: str = "") -> list[WordCount]:
        """The `most` most-written words that start with `start` (case is ignored).

        Raises ConfigError if `most` is below 0.
        """
        check_count("most", most)
        scale, start = self.scale(), fold(start)
        rows = sorted(self.rows(), key=lambda row: -row[3])
        return [
            WordCount(form, weight / scale, trust)
            for _, form, key, weight, trust in rows
            if is_word(form) and key.startswith(start)
        ][:most]

    def latest(self, most: int = 10) -> list[str]:
        """The words that came into the store last, newest first. Raises ConfigError if `most` is below 0."""
        check_count("most", most)
        rows = sorted(self.rows(), reverse=True)
        return [form for _, form, _, _, trust in rows if trust > 0 and is_word(form)][:most]

    @mending
    def stats(self) -> dict[str, Any]:
        """Statistics about the content of the store, as plain JSON values."""
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
        """Forget a word in every case form, with all words derived from it; or forget that words follow each other.

        Deletes its rows, their bytes in the file and its WAL, every count that contains it, and the copies of damaged
        states of the store, which may contain it. A keyed hash is kept, so that the model does not suggest it and it is
        not learned when it is written again. `teach` removes the hash.

        Returns how much was deleted. Raises ConfigError if the phrase is empty or has more than three words.
        """
        parts = _parts(phrase)
        with self.database.writing() as connection:
            entries = forget_word(connection, parts[0]) if len(parts) == 1 else forget_phrase(connection, parts)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        return Forgot(entries, self.database.purge())

    @mending
    def teach(self, phrase: str) -> None:
        """Allow a forgotten word or phrase to be suggested and learned again. A word is also learned, as accepted."""
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
        """Delete everything, including the lists, the hashes of forgotten words, and copies of damaged states.

        Returns how much was deleted.
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
        """How often the store was cleared."""
        with self.database.use() as connection:
            return get_number(connection, "cleared")

    @mending
    def forgotten(self) -> Forgotten:
        """The forgotten words and phrases, as an object that can be asked about words."""
        with self.database.use() as connection:
            return read_forgotten(connection)

    # --- Lists

    @mending
    def add_to(self, name: ListName, words: Sequence[str]) -> None:
        """Add words to a list; see `ListName`. Raises ConfigError if one is not a word."""
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
        """Remove words from a list, and erase their bytes. Raises ConfigError if one is not a word."""
        _check_list(name)
        with self.database.writing() as connection:
            rows = [(name, " ".join(_parts(word))) for word in words]
            connection.executemany("DELETE FROM listed WHERE list = ? AND key = ?", rows)
            set_value(connection, PURGE_DUE, 1)
        self._changes += 1
        self.database.purge()

    @mending
    def listed(self, name: ListName) -> frozenset[str]:
        """The folded words of a list."""
        _check_list(name)
        with self.database.use() as connection:
            return read_list(connection, name)


def _check_list(name: str) -> None:
    if name not in LISTS:
        raise ConfigError(f"list is {name!r}; choose from {', '.join(LISTS)}")


def _parts(phrase: str) -> list[str]:
    """The folded words of a phrase, without the marks around them. Raises TypeError and ConfigError."""
    check_text(phrase=phrase)
    words = fold(phrase).replace("\u2010", "-").replace("\u2011", "-").split()
    parts = [word.strip(WRAPPING) or word for word in words]
    if not 1 <= len(parts) <= _LONGEST_PHRASE or not "".join(parts).isprintable():
        raise ConfigError(f"cannot use {phrase!r}; expected a word, or a phrase of up to {_LONGEST_PHRASE} words")
    return parts
