"""Counts what the pad saved each day: keys and characters, but no text."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.decoding import decode
from foretype.runtime.files.user_folder import data_folder, make_private_folder

_PAUSE = 5.0
"""Pauses between keys count as typing up to this many seconds."""


@dataclass
class Day:
    """The sums of one day.

    keys: pressed keys. characters: characters that they produced. seconds: typing time. words: words finished by hand.
    accepted: words from suggestions.
    """

    keys: int = 0
    characters: int = 0
    seconds: float = 0.0
    words: int = 0
    accepted: int = 0

    def add(self, other: Day) -> None:
        """Add the sums of another day, or of part of one."""
        self.keys += other.keys
        self.characters += other.characters
        self.seconds += other.seconds
        self.words += other.words
        self.accepted += other.accepted

    @property
    def saved(self) -> float:
        """The share of keystrokes saved."""
        return max(0.0, 1 - self.keys / self.characters) if self.characters > 0 else 0.0

    @property
    def words_a_minute(self) -> float:
        """Words per minute, at five characters per word."""
        return self.characters / 5 / (self.seconds / 60) if self.seconds > 0 else 0.0

    @property
    def acceptance(self) -> float:
        """The share of words that came from suggestions."""
        return self.accepted / (self.words + self.accepted) if self.words + self.accepted else 0.0


@dataclass
class Statistics:
    """The sums of all days. They are kept in `statistics.json` in the data folder, readable only by its owner."""

    days: dict[str, Day] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Statistics:
        """Read the statistics on disk. Returns empty ones if there are none, or if they cannot be read."""
        try:
            return cls(decode(dict[str, Day], json.loads(_path().read_bytes())))
        except (OSError, ValueError):
            return cls()

    @property
    def ever(self) -> Day:
        total = Day()
        for day in self.days.values():
            total.add(day)
        return total

    def today(self) -> Day:
        return self.days.get(_today(), Day())


class Recorder:
    """Adds the counts of one pad to the statistics on disk. first_run: whether there were none before."""

    def __init__(self, private: bool = False) -> None:
        """private: write nothing."""
        self._private = private
        self.first_run = not _path().exists()
        self.statistics = Statistics.read()
        self._last_key: float | None = None
        self.session = Day()
        self._written = Day()

    def key(self) -> None:
        """Note that a key has just changed the text."""
        now = time.monotonic()
        if self._last_key is not None:
            self.session.seconds += min(now - self._last_key, _PAUSE)
        self._last_key = now

    def today(self) -> Day:
        return self._with_session(self.statistics.today())

    def ever(self) -> Day:
        return self._with_session(self.statistics.ever)

    def _with_session(self, day: Day) -> Day:
        total = Day(**asdict(day))
        total.add(self._since_written())
        return total

    def _since_written(self) -> Day:
        now, before = asdict(self.session), asdict(self._written)
        return Day(**{name: now[name] - before[name] for name in now})

    def write(self) -> None:
        """Add the new counts to the file. Errors are ignored, because they are no reason to disturb the user."""
        if self._private:
            return
        fresh = self._since_written()
        try:
            statistics = Statistics.read()
            statistics.days.setdefault(_today(), Day()).add(fresh)
            make_private_folder(_path().parent)
            with replacing(_path(), private=True) as temporary:
                temporary.write_text(json.dumps({name: asdict(day) for name, day in statistics.days.items()}))
        except OSError:
            return
        self.statistics = statistics
        self._written = Day(**asdict(self.session))


def _path() -> Path:
    return data_folder() / "statistics.json"


def _today() -> str:
    return time.strftime("%Y-%m-%d")
