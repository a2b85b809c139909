"""Completion in a real bash, and what the other shells are told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, terminal

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program `foretype` beside it, and files to write in."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "user").mkdir()
    program = tmp_path / "bin" / "foretype"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m foretype.tui.cli "$@"\n')
    program.chmod(0o755)
    files = tmp_path / "files"
    files.mkdir()
    for name in ("paper.txt", "my notes.txt", "$(touch harm).txt", "p'`touch harm`'"):
        (files / name).touch()
    return files


def environment(folder: Path) -> dict[str, str]:
    path = f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder.parent / "user"), "PYTHONPATH": os.pathsep.join(sys.path), "PS1": "> "}


@pytest.fixture
def bash(folder: Path) -> Iterator[Terminal]:
    """A bash for which `foretype --install-completion` was run, as a person would."""
    install = ["bash", "--norc", "-c", "foretype --install-completion; exit $?"]
    subprocess.run(install, env={**os.environ, **environment(folder)}, check=True, capture_output=True)
    start = f"cd {folder}; bind 'set enable-bracketed-paste off'; . ~/.bashrc; PS1='> '; clear"
    (folder.parent / "start").write_text(start)
    with terminal(["bash", "--rcfile", str(folder.parent / "start"), "-i"], environment(folder)) as running:
        running.shows(">")
        yield running


def test_bash_completes_commands_options_models_and_files(bash: Terminal, folder: Path) -> None:
    for typed, completed in (
        ("foretype sugg\t", "> foretype suggest"),
        ("foretype models rem\t", "> foretype models remove"),
        ("foretype models show en-\t", "> foretype models show en-tiny"),
        ("foretype suggest x --bundle en-\t", "> foretype suggest x --bundle en-tiny"),
        ("foretype suggest x --bundle pap\t", "> foretype suggest x --bundle paper.txt"),
        ("foretype train throughput --tri\t", "> foretype train throughput --trials"),
        ("foretype my\t", "> foretype my\\ notes.txt"),
        ("foretype pap\t", "> foretype paper.txt"),
        ("foretype paper.txt --pla\t", "> foretype paper.txt --plain"),
        ("foretype --pla\t", "> foretype --plain"),
        ("foretype eval pap\t", "> foretype eval paper.txt"),
    ):
        bash.type(typed)
        bash.wait(lambda lines, end=completed: lines[0].startswith(end) if lines else False)  # type: ignore[misc]
        bash.type("\x15\x0c")  # clear the line, and the screen
        bash.wait(lambda lines: lines[0] == ">")
    bash.type("foretype pa\t\t")
    bash.wait(lambda lines: any({"pad", "paper.txt"} <= set(line.split()) for line in lines))
    bash.type("\x15foretype p\t\t")
    bash.wait(lambda lines: any({"pad", "personal", "paper.txt"} <= set(line.split()) for line in lines))
    assert not list(folder.glob("harm*"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_commands_and_the_files_whose_names_need_no_quotes(
    folder: Path, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"COMP_WORDS": "foretype\np", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "foretype p"}
    asked |= {"_FORETYPE_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    env = {**os.environ, **environment(folder), **asked}
    result = subprocess.run(["foretype"], env=env, cwd=folder, capture_output=True, text=True, check=True)
    assert all(name in result.stdout for name in ("pad", "personal", "paper.txt"))
    assert "touch" not in result.stdout
    assert result.stderr == ""


def test_fish_is_told_by_the_status_whether_to_complete_files(folder: Path) -> None:
    for typed, status in (("foretype pers", 0), ("foretype zz", 1)):
        asked = {"_FORETYPE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "is-args"}
        env = {**os.environ, **environment(folder), **asked, "_TYPER_COMPLETE_ARGS": typed}
        assert subprocess.run(["foretype"], env=env, cwd=folder, check=False).returncode == status


def test_show_completion_prints_the_script_of_the_shell_it_is_called_from(folder: Path) -> None:
    env = {**os.environ, **environment(folder)}
    command = ["bash", "--norc", "-c", "foretype --show-completion; exit $?"]
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert "complete -o default -F _foretype_completion foretype" in shown
