"""Foretype itself, trained on the text that the peers learn: `foretype train` with its defaults."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from foretype.runtime import load as load_model


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Load the bundle that `train` made."""
    session = load_model(model).session()
    return lambda text, k: [suggestion.text for suggestion in session.suggest(text, k)]


def train(text: str, model: str) -> None:
    """Train a bundle."""
    run = Path(f"{model}.run")
    subprocess.run(
        [sys.executable, "-m", "foretype.tui.cli", "train", text, "--lines", "--out", str(run)],
        check=True,
        stdout=sys.stderr,
    )
    shutil.move(run / "bundle", model)
