"""Bundles with harm done to them: altered files whose checksums are made to fit, as someone ill-meaning would."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from foretype.runtime.files.bundle import MANIFEST

FILES = ("tokenizer.json", "ngram.safetensors", "step.onnx")


def copy(bundle: Path, target: Path) -> Path:
    """A copy to do harm to."""
    return Path(shutil.copytree(bundle, target))


def change_manifest(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the manifest after `change` was done to its values."""
    path = bundle / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def replace_file(bundle: Path, name: str, content: bytes) -> None:
    """Write a file of the bundle, and its checksum into the manifest."""
    (bundle / name).write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change_manifest(bundle, lambda manifest: manifest["files"].__setitem__(name, entry))


def failing_from(graph: bytes, token: int) -> bytes:
    """A step graph like the given one, but a call with this or a higher token id fails (a row outside a table)."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(graph)
    for node in model.graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(token, np.float32), "trap"))
    model.graph.node.extend(
        [
            helper.make_node("Gather", ["trap", "input_ids"], ["trapped"]),
            helper.make_node("ReduceSum", ["trapped"], ["nothing"], keepdims=0),
            helper.make_node("Add", ["scores", "nothing"], ["logits"]),
        ]
    )
    return bytes(model.SerializeToString())
