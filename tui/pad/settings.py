"""The pad's settings: one TOML file, with every value documented here."""

from __future__ import annotations

import fnmatch
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

import platformdirs

from foretype.runtime.arguments import check_number
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.decoding import decode
from foretype.tui.pad.keys import Keymap

_CHOICES = {
    "theme": ("auto", "dark", "light", "contrast"),
    "candidates": ("row", "menu"),
    "recovery": ("private", "beside"),
}
_CODE = ("*.py", "*.c", "*.h", "*.cpp", "*.rs", "*.go", "*.js", "*.ts", "*.java", "*.sh", "*.json", "*.toml", "*.yaml")


@dataclass(frozen=True)
class Settings:
    """The contents of `settings.toml`. Values that are left out have the defaults given here.

    theme: `auto` chooses dark or light by the terminal's background; `dark`, `light` and `contrast` are fixed.
    candidates: where the three words are shown: `row` (at the bottom) or `menu` (under the cursor).
    threshold: the least probability of a word that is offered, 0 to 1; see docs/typists.md.
    suggestions: whether suggestions are on when the pad opens. F4 switches.
    quiet_files: file name patterns, with `*` and `?`, of files without suggestions.
    recovery: where copies of unsaved text are kept: `private` (in the data folder) or `beside` the document.
    undo_file: whether to keep the undo history in the data folder when the pad closes.
    first_run_hint: whether the pad may show its four lines of introduction.
    keys: for each action whose keys differ from the defaults, the list of all its keys.

    Raises ConfigError for a value that is not one of the choices, and like `Keymap`.
    """

    theme: str = "auto"
    candidates: str = "row"
    threshold: float = 0.0
    suggestions: bool = True
    quiet_files: tuple[str, ...] = _CODE
    recovery: str = "private"
    undo_file: bool = False
    first_run_hint: bool = True
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose from {', '.join(choices)}")
        check_number("threshold", self.threshold, 1.0)
        Keymap(self.keys)

    def quiet(self, path: Path | None) -> bool:
        """Whether suggestions are off in this file."""
        return path is not None and any(fnmatch.fnmatch(path.name, pattern) for pattern in self.quiet_files)


def settings_path() -> Path:
    """The path of the settings: in `FORETYPE_HOME`, or in the platform's folder for settings."""
    home = os.environ.get("FORETYPE_HOME")
    folder = Path(home) if home else Path(platformdirs.user_config_dir("foretype", appauthor=False))
    return folder / "settings.toml"


def read_settings(path: Path) -> Settings:
    """Read the settings from a file. Returns the defaults if it does not exist.

    Raises ConfigError, which names the file and the setting, if the file cannot be read or contains anything else.
    """
    try:
        value = tomllib.loads(path.read_bytes().decode())
        unknown = sorted(set(value) - {setting.name for setting in fields(Settings)})
        if unknown:
            names = ", ".join(setting.name for setting in fields(Settings))
            raise ConfigError(f"{unknown[0]} is no setting; choose from {names}")
        return decode(Settings, value)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error
