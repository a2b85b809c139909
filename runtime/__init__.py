"""Foretype's runtime: load a bundle, open a session per text field, ask for suggestions.

>>> from foretype.runtime import load
>>> session = load().session()
>>> [suggestion.text for suggestion in session.suggest("I would lik", k=1)]
['like']
"""

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
from foretype.runtime.model import Model, load
from foretype.runtime.session import Session
from foretype.runtime.suggestion import Suggestion, Suggestions

__all__ = [
    "BundleError",
    "CheckpointError",
    "ConfigError",
    "CorpusError",
    "EngineError",
    "ExportError",
    "ForetypeError",
    "Model",
    "Policy",
    "Session",
    "StoreError",
    "Suggestion",
    "Suggestions",
    "TableError",
    "load",
]

switch_off()  # nothing above imports ONNX Runtime
