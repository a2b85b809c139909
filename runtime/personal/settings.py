"""Settings of a personal store, and where the store of a profile lies."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.user_folder import data_folder


@dataclass(frozen=True)
class StoreConfig:
    """Settings of a store.

    cap_mb: the file is kept below this many megabytes; what was written least and longest ago goes first.
    most_words: as many different words are kept at most; they are held in memory.
    half_life: after as many further words, a word written counts half.
    trusted: uses from which a new word is offered like any other; typing it is one, accepting it two more.
    busy_ms: how long one call waits for another process that is writing, in milliseconds.

    Raises ConfigError for a value that is not above 0.
    """

    cap_mb: float = 16.0
    most_words: int = 20_000
    half_life: float = 20_000.0
    trusted: int = 2
    busy_ms: int = 200

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, (int, float)) and 0 < value < math.inf):
                raise ConfigError(f"{field.name} is {value!r}; expected a number above 0")


def store_path(profile: str = "default") -> Path:
    """Where the store of this profile lies. Raises ConfigError when the name is no plain file name."""
    if not (profile.replace("-", "").replace("_", "").isalnum() and len(profile) <= 64):
        raise ConfigError(f"profile is {profile!r}; expected letters, digits, - and _, at most 64")
    return data_folder() / "personal" / f"{profile}.sqlite3"
