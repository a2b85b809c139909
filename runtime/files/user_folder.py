"""Where this user's data lives on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """The folder for this user's data: `FORETYPE_HOME`, or the platform's own. It may not exist yet."""
    home = os.environ.get("FORETYPE_HOME")
    if home:
        return Path(home)
    return Path(platformdirs.user_data_dir("foretype", appauthor=False))
