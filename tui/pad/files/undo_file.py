"""The undo history of a document, kept from one run of the pad to the next.

The file is in the folder `undo` of the user's data folder. Only its owner can read it. It is used only while the
document contains exactly the text to which the history leads.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.decoding import decode
from foretype.runtime.files.user_folder import data_folder, make_private_folder
from foretype.tui.editor.history import Batch, History

_MOST_BATCHES = 1000


def write_history(document: Path, text: str, history: History) -> None:
    """Write the history that leads to `text`, the content of `document`. Raises OSError."""
    path = _path(document)
    make_private_folder(path.parent)
    value = {"text": _digest(text), "batches": [asdict(batch) for batch in history.batches[-_MOST_BATCHES:]]}
    with replacing(path, private=True) as temporary:
        temporary.write_text(json.dumps(value))


def read_history(document: Path, text: str) -> list[Batch]:
    """Read the batches that led to `text`. Empty if the file is missing, damaged, or belongs to another text."""
    try:
        value = json.loads(_path(document).read_bytes())
        return decode(list[Batch], value["batches"]) if value["text"] == _digest(text) else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _path(document: Path) -> Path:
    name = hashlib.sha256(str(document.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return data_folder() / "undo" / f"{name}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
