"""All errors that Foretype raises on purpose, in one tree.

    ForetypeError             catch this to catch all of them
    ├── CorpusError           training or evaluation text is missing, empty or not UTF-8 text
    ├── ConfigError           a setting has an illegal value
    ├── CheckpointError       a training checkpoint is missing, damaged or from another model
    ├── BundleError           a bundle is missing, incomplete, altered or in another format
    ├── TableError            a tensor file (safetensors) is damaged
    ├── EngineError           an engine cannot be loaded or run on this machine
    ├── StoreError            the personal store cannot be opened, read or written
    └── ExportError           an export failed or did not pass its verification

Each message is one line that names the file, the value found and the legal values, so that a program can show it to
the user unchanged.
"""


class ForetypeError(Exception):
    """Base of all errors that Foretype raises on purpose."""


class CorpusError(ForetypeError):
    """Text to learn from or to evaluate on is missing, empty, or not UTF-8; the message names the file and line."""


class ConfigError(ForetypeError):
    """A setting has an illegal value; the message names the setting and the legal values."""


class CheckpointError(ForetypeError):
    """A training checkpoint is missing, damaged, or belongs to another model."""


class BundleError(ForetypeError):
    """A bundle is missing, incomplete, altered, or in a format that this version does not read."""


class TableError(ForetypeError):
    """A tensor file is truncated or damaged, or lacks a tensor."""


class EngineError(ForetypeError):
    """An engine cannot be loaded or run on this machine."""


class StoreError(ForetypeError):
    """The personal store cannot be opened, read or written; the message names the file."""


class ExportError(ForetypeError):
    """An export failed, or the exported model did not agree with its checkpoint."""
