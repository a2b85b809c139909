"""The VS Code extension: type-checked, its settings against a real server, and the same defaults as the server's."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT

from foretype.runtime.lsp.settings import LspSettings

EXTENSION = ROOT / "docs" / "clients" / "vscode"


def in_camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def test_each_setting_of_the_server_is_one_of_the_extension_with_the_same_default() -> None:
    manifest: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    offered = manifest["contributes"]["configuration"]["properties"]
    defaults = {name.removeprefix("foretype."): offered[name]["default"] for name in offered}
    own = {in_camel_case(name): value for name, value in asdict(LspSettings()).items() if name != "languages"}
    assert own.items() <= defaults.items()
    assert defaults.keys() - own.keys() == {"enabled", "command", "model", "languages"}


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node")
@pytest.mark.skipif(
    not (EXTENSION / "node_modules").exists(), reason="needs the packages of the extension: run `npm ci` in its folder"
)
def test_the_extension_is_type_checked_and_its_settings_work(tiny_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("pygls", reason="the language server needs the extra `lsp`")
    command = tmp_path / "foretype"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m foretype.tui.cli "$@"\n')
    command.chmod(0o700)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "FORETYPE_MODEL": str(tiny_bundle)}
    result = subprocess.run(["npm", "test"], cwd=EXTENSION, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
