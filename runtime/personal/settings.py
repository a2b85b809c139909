"""Settings of a personal store, and the location of the store of a profile."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.user_folder import data_folder


@dataclass(frozen=True)
class StoreConfig:
    """Settings of a store.

    cap_mb: maximum size of the file in megabytes. What was written least and longest ago is deleted first.
    most_words: maximum number of different words. They are held in memory.
    half_life: number of further words after which a written word counts half.
    trusted: number of uses from which a new word is offered like any other. Typing counts 1, accepting adds 2 more.
    busy_ms: how long one call waits for another process that is writing, in milliseconds.

    Raises ConfigError if a value is not above 0.
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
    """The path of the store of this profile. Raises ConfigError if the name is not a plain file name."""
    if not (profile.replace("-", "").replace("_", "").isalnum() and len(profile) <= 64):
        raise ConfigError(f"profile is {profile!r}; expected letters, digits, - and _, at most 64")
    return data_folder() / "personal" / f"{profile}.sqlite3"
