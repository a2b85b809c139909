"""Installs bundles into the user's data folder, removes them, and keeps the name of the default model."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from foretype.runtime.errors import BundleError, ConfigError
from foretype.runtime.files.archives import unpack
from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.bundle import MANIFEST, NGRAM, TOKENIZER, Bundle
from foretype.runtime.files.finding import (
    BUNDLES,
    DEFAULT_BUNDLE,
    folder_of,
    installed_names,
    is_model_name,
    models_folder,
)
from foretype.runtime.files.user_folder import data_folder, make_private_folder

_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class ListedModel:
    """A model that can be named. description: from its card. bytes: of all its files, as the manifest says.

    bundled: whether it comes with Foretype. default: whether the command line uses it where none is named.
    fault: why its manifest cannot be read; None if it can.
    """

    name: str
    folder: Path
    description: str
    bytes: int
    bundled: bool
    default: bool
    fault: str | None = None


def listed_models() -> list[ListedModel]:
    """Describe all models that can be named: the bundled ones, then the installed ones by name. Loads none."""
    default = default_name() or DEFAULT_BUNDLE
    found = []
    for name in (*BUNDLES, *installed_names()):
        folder, description, size, fault = folder_of(name), "", 0, None
        try:
            manifest = Bundle.open(folder).manifest
            card = manifest.get("card")
            description = str(card.get("description", "")) if isinstance(card, dict) else ""
            size = sum(n for entry in manifest["files"].values() if isinstance(n := entry.get("bytes"), int))
        except BundleError as error:
            fault = str(error)
        found.append(ListedModel(name, folder, description, size, name in BUNDLES, name == default, fault))
    return found


def install(source: Path, name: str = "", *, replace: bool = False) -> str:
    """Install the bundle in a folder or an archive; return its name.

    Its files are written into a temporary folder and checked there, each against its checksum; then the folder is
    renamed. So a model is there as a whole, or not at all. Files that the manifest does not list are left out.

    name: what the model shall be called; empty for the name in its manifest. replace: whether it may take the place of
        an installed model of that name.

    Raises BundleError if the source is no bundle, incomplete or altered, ConfigError if the name is illegal or taken;
    OSError.
    """
    if name:
        _check_name(name, replace)
    make_private_folder(models_folder())
    _remove_abandoned()
    with _temporary_folder() as folder:
        try:
            if source.is_dir():
                _copy(Bundle.open(source), folder)
            else:
                unpack(source, folder)
            bundle = _checked(folder)
        except BundleError as error:
            raise BundleError(str(error).replace(str(folder), str(source))) from error
        name = name or bundle.name
        _check_name(name, replace)
        _put(folder, models_folder() / name)
    return name


def remove(name: str) -> bool:
    """Remove an installed model. Returns whether it was the default; then the first of `BUNDLES` is again.

    Raises ConfigError if it comes with Foretype, BundleError if it is not installed; OSError.
    """
    if name in BUNDLES:
        raise ConfigError(f"{name} comes with Foretype and cannot be removed")
    folder = folder_of(name)
    if was_default := default_name() == name:
        _default_path().unlink()
    if folder.is_symlink():
        folder.unlink()
        return was_default
    with _temporary_folder() as temporary:
        folder.rename(temporary / name)
    return was_default


def default_name() -> str | None:
    """The name of the user's default model; None if none was chosen.

    Raises ConfigError if the file that keeps it cannot be read.
    """
    path = _default_path()
    try:
        name = json.loads(path.read_bytes())["default"]
        if not (isinstance(name, str) and is_model_name(name)):
            raise ValueError(f"default is {str(name)[:40]!r}")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(f"{path}: names no model ({error}); `foretype models default NAME` writes it anew") from error
    return name


def system_language() -> str | None:
    """The code of the language that the system is set to, from its locale; None if it names none."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return re.split(r"[_.@]", value)[0].lower()
    return None


def default_folder() -> Path | None:
    """The folder of the user's default model, or of the bundled model of the system's language; None if there is none.

    Raises ConfigError and BundleError.
    """
    name = default_name()
    if name is None:
        language = system_language()
        return folder_of(language) if language in BUNDLES else None
    try:
        return folder_of(name)
    except BundleError as error:
        raise BundleError(f"{_default_path()}: {error}; `foretype models default NAME` chooses another") from error


def set_default(name: str) -> None:
    """Keep `name` as the user's default model. Raises BundleError if there is no such model; OSError."""
    folder_of(name)
    make_private_folder(data_folder())
    with replacing(_default_path(), private=True) as temporary:
        temporary.write_text(json.dumps({"default": name}) + "\n", encoding="utf-8")


def _default_path() -> Path:
    return data_folder() / "models.json"


def _check_name(name: str, replace: bool) -> None:
    if not is_model_name(name):
        raise ConfigError(f"name is {name[:80]!r}; expected at most 64 letters, digits, and . _ - between them")
    if name in BUNDLES:
        raise ConfigError(f"{name} comes with Foretype; give the model another name with --name")
    if not replace and os.path.lexists(models_folder() / name):
        raise ConfigError(f"{name} is installed already; replace it with --replace, or give another --name")


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder beside the models, for this user only, that is removed at the end if it is still there."""
    folder = Path(tempfile.mkdtemp(prefix=".", dir=models_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    """Remove what an installation that was killed left behind."""
    for path in models_folder().glob(".*"):
        with suppress(OSError):  # another process may be removing it too
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _copy(bundle: Bundle, folder: Path) -> None:
    for name in bundle.manifest["files"]:
        shutil.copyfile(bundle.file(name), folder / name)
    shutil.copyfile(bundle.folder / MANIFEST, folder / MANIFEST)


def _checked(folder: Path) -> Bundle:
    """The bundle in `folder`, after checking all its files and removing others. Raises BundleError."""
    bundle = Bundle.open(folder)
    for required in (TOKENIZER, NGRAM):
        if not bundle.lists(required):
            raise BundleError(f"{folder / MANIFEST}: lists no {required}")
    bundle.check()
    bundle.text_form()
    for path in folder.iterdir():
        if path.name != MANIFEST and not bundle.lists(path.name):
            path.unlink()
            continue
        path.chmod(0o600)
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
    return bundle


def _put(folder: Path, target: Path) -> None:
    """Rename `folder` to `target`; a model that is there is moved out of the way first, and back if that fails."""
    if not os.path.lexists(target):
        folder.rename(target)
        return
    with _temporary_folder() as aside:
        target.rename(aside / target.name)
        try:
            folder.rename(target)
        except OSError:
            (aside / target.name).rename(target)
            raise
