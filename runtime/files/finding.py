"""Finds a bundle by its folder or its name: those that come with Foretype, and those that the user installed."""

from __future__ import annotations

import re
from pathlib import Path

from foretype.runtime.errors import BundleError

BUNDLED = Path(__file__).parents[1] / "bundles"
BUNDLES = (
    "en", "en-tiny", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "tr", "ru", "uk", "ca", "cs", "fi",
)  # fmt: skip
"""Bundles that are shipped with Foretype: English in 24 MB and in 3 MB, and fourteen other languages."""
DEFAULT_BUNDLE = BUNDLES[0]
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")


def is_model_name(name: str) -> bool:
    """Whether `name` may be the name of an installed model: at most 64 letters, digits, and . _ - between them."""
    return _NAME.fullmatch(name) is not None


def models_folder() -> Path:
    """The folder of installed models, `models` in the user's data folder. It may not exist yet."""
    from foretype.runtime.files.user_folder import data_folder  # imports platformdirs, which few programs need

    return data_folder() / "models"


def installed_names() -> list[str]:
    """The names of the installed models, sorted."""
    try:
        return sorted(path.name for path in models_folder().iterdir() if is_model_name(path.name) and path.is_dir())
    except OSError:
        return []


def folder_of(name: str) -> Path:
    """The folder of the model of this name, bundled or installed. Raises BundleError if there is none."""
    if name in BUNDLES:
        return BUNDLED / name
    if is_model_name(name) and (models_folder() / name).is_dir():
        return models_folder() / name
    raise BundleError(f"{name}: no model of this name; choose from {', '.join([*BUNDLES, *installed_names()])}")


def find_bundle(bundle: str | Path | None) -> Path:
    """The folder of `bundle`: a folder, the name of a model, or None for the first of `BUNDLES`.

    A folder that exists comes before a model of the same name. Raises BundleError if there is neither.
    """
    if bundle is None:
        return BUNDLED / DEFAULT_BUNDLE
    folder = Path(bundle)
    if folder.exists() or not is_model_name(str(bundle)):
        return folder
    try:
        return folder_of(str(bundle))
    except BundleError as error:
        raise BundleError(str(error).replace("no model", "no such folder, and no model", 1)) from None
