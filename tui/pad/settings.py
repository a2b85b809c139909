"""The pad's settings: one TOML file, every value documented here."""

from __future__ import annotations

import fnmatch
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

import platformdirs

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
    """What `settings.toml` may hold; a value that is left out has the default given here.

    theme: `auto` takes dark or light after the terminal's background; `dark`, `light` and `contrast` are fixed.
    candidates: where the three words stand: `row`, at the bottom, or `menu`, under the cursor.
    suggestions: whether words are offered when the pad opens. F4 switches.
    quiet_files: names of files in which nothing is offered, with `*` and `?`.
    recovery: where copies of unsaved text lie: `private`, in the data folder, or `beside` the document.
    undo_file: whether the undo history is kept when the pad closes, in the data folder.
    first_run_hint: whether the pad may show its four lines of introduction.
    keys: for each action that has other keys than the default, the list of all its keys.

    Raises ConfigError for a value that is not one of the choices, and as `Keymap` does.
    """

    theme: str = "auto"
    candidates: str = "row"
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
        Keymap(self.keys)

    def quiet(self, path: Path | None) -> bool:
        """Whether nothing is offered in this file."""
        return path is not None and any(fnmatch.fnmatch(path.name, pattern) for pattern in self.quiet_files)


def settings_path() -> Path:
    """Where the settings lie: in `FORETYPE_HOME`, or in the platform's folder for settings."""
    home = os.environ.get("FORETYPE_HOME")
    folder = Path(home) if home else Path(platformdirs.user_config_dir("foretype", appauthor=False))
    return folder / "settings.toml"


def read_settings(path: Path) -> Settings:
    """The settings in a file; the defaults if there is none.

    Raises ConfigError, which names the file and the setting, if the file cannot be read or holds anything else.
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
