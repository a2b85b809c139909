"""The wheel as people install it: complete, without torch, and at work without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from paths import ROOT

OFFLINE = """
import sys

def audit(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(event)
    if event == "import" and arguments[0].split(".")[0] in ("torch", "onnx", "safetensors"):
        raise RuntimeError(f"import of {arguments[0]}")

sys.addaudithook(audit)
import foretype.runtime
from foretype.tui.cli import run
print(foretype.runtime.__file__)
sys.exit(run(["suggest", "I would lik", "--json"]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the project."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("runtime", "train", "export", "tui"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(source)]
    subprocess.run([*command, "--wheel-dir", str(folder)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_code_bundle_styles_and_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for room in ("runtime", "train", "export", "tui"):
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"foretype/{path.relative_to(ROOT).as_posix()}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_wheel_answers_offline_and_without_torch(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert result.returncode == 0, result.stderr
    where, _, answer = result.stdout.partition("\n")
    assert Path(where).is_relative_to(tmp_path)
    value = json.loads(answer)
    assert value["engine"] == "blend"
    assert value["suggestions"][0]["text"] == "like"
