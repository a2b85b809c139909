"""What the tests of installed models share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def models(home: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder that models are installed in. At the end it holds no temporary files, and nothing got out of it."""
    yield home / "models"
    assert not list((home / "models").glob(".*"))
    assert not (tmp_path.parent / "escaped").exists()
