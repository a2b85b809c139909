"""Remembers which model each file was written with, so that the pad opens it with the same."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.user_folder import data_folder, make_private_folder

_MOST_FILES = 500


def _path() -> Path:
    return data_folder() / "file_models.json"


def _read() -> dict[str, str]:
    with suppress(OSError, ValueError, TypeError):
        return {str(file): str(model) for file, model in dict(json.loads(_path().read_bytes())).items()}
    return {}


def model_of(file: Path) -> str | None:
    """The name of the model that the user chose for `file`; None if it was left to the default."""
    return _read().get(str(file.absolute()))


def remember_model(file: Path, model: str) -> None:
    """Keep `model` as the choice for `file`, readable only by the user. Raises OSError."""
    models = _read()
    models.pop(str(file.absolute()), None)  # the latest choice comes last
    models[str(file.absolute())] = model
    make_private_folder(data_folder())
    with replacing(_path(), private=True) as temporary:
        latest = dict(list(models.items())[-_MOST_FILES:])
        temporary.write_text(json.dumps(latest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
