"""Foretype's runtime: load a bundle, open a session per text field, ask for suggestions.

>>> from foretype.runtime import load
>>> session = load().session()
>>> [suggestion.text for suggestion in session.suggest("I would lik", k=1)]
['like']

You can import everything that a host needs from here. `Store` and `StoreConfig` are imported at first use, because not
every Python has sqlite3.
"""

from typing import TYPE_CHECKING, Any

from foretype.runtime.engines.policy import Policy
from foretype.runtime.engines.telemetry import switch_off
from foretype.runtime.errors import (
    BundleError,
    CheckpointError,
    ConfigError,
    CorpusError,
    EngineError,
    ExportError,
    ForetypeError,
    StoreError,
    TableError,
)
from foretype.runtime.files.finding import BUNDLES
from foretype.runtime.filters import Filters
from foretype.runtime.mixture import Mixture
from foretype.runtime.model import Model, load
from foretype.runtime.options import SessionOptions
from foretype.runtime.session import Session
from foretype.runtime.spacing import Acceptance, accept, missing_space, takes_space_back
from foretype.runtime.suggestion import Suggestion, Suggestions, utf16_length
from foretype.runtime.text_session import TextSession
from foretype.runtime.typos.finder import TypoConfig

if TYPE_CHECKING:
    from foretype.runtime.personal.settings import StoreConfig
    from foretype.runtime.personal.store import Store

    __version__: str

__all__ = [
    "BUNDLES",
    "Acceptance",
    "BundleError",
    "CheckpointError",
    "ConfigError",
    "CorpusError",
    "EngineError",
    "ExportError",
    "Filters",
    "ForetypeError",
    "Mixture",
    "Model",
    "Policy",
    "Session",
    "SessionOptions",
    "Store",
    "StoreConfig",
    "StoreError",
    "Suggestion",
    "Suggestions",
    "TableError",
    "TextSession",
    "TypoConfig",
    "__version__",
    "accept",
    "load",
    "missing_space",
    "takes_space_back",
    "utf16_length",
]

switch_off()  # nothing above imports ONNX Runtime


def __getattr__(name: str) -> Any:
    if name in ("Store", "StoreConfig"):
        from foretype.runtime.personal import settings, store

        return store.Store if name == "Store" else settings.StoreConfig
    if name == "__version__":
        from importlib.metadata import version

        return version("foretype")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
