"""Writing files whole or not at all, tensors too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from foretype.runtime.files.atomic import replacing, write_json, write_text

__all__ = ["replacing", "write_json", "write_tensors", "write_text"]


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write `tensors` and `metadata` as safetensors."""
    with replacing(path) as temporary:
        save_file(dict(tensors), temporary, dict(metadata))
