"""Where the project and its data lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
SHARED = ROOT.parent / "shared"
"""Corpora and benchmarks beside the project; tests that need them are skipped where they are absent."""
