"""Every command of the tutorial in docs/training.md does what the page says, on small text."""

from __future__ import annotations

import importlib.util
import json
import mailbox
import os
import shlex
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest
from corpora import sentences, write_corpus
from paths import ROOT

from foretype.train.neural.training import pace
from foretype.tui.cli import run

TUTORIAL = (ROOT / "docs" / "training.md").read_text(encoding="utf-8").split("## What the defaults reach")[0]
ELSEWHERE = {
    "foretype --bundle runs/my-text/bundle": "the pad; tests/tui/test_pad_model.py",
    "torchrun": "tests/train/neural/test_ddp.py",
}


def blocks() -> list[str]:
    """The indented blocks of the tutorial."""
    found: list[list[str]] = [[]]
    for line in TUTORIAL.splitlines():
        if line.startswith("    ") or (found[-1] and not line):
            found[-1].append(line[4:])
        elif found[-1]:
            found.append([])
    return ["\n".join(block).strip() for block in found if block]


def commands() -> list[str]:
    return [line for block in blocks() if "<<'END'" not in block for line in block.splitlines()]


def archive(path: Path) -> None:
    """A mail archive with quotes, a signature, and a part that is not text."""
    box = mailbox.mbox(path)
    lines = list(sentences(240, seed=7))
    for i in range(0, len(lines), 6):
        message = EmailMessage()
        message["From"] = "anna@example.org"
        message.set_content("> quoted line\n" + "\n".join(lines[i : i + 6]) + "\n-- \nAnna's signature\n")
        message.add_attachment(b"\x00\x01", maintype="image", subtype="png")
        box.add(message)
    box.close()


def test_the_tutorial_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pace, "_SECONDS", 0.0)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    write_corpus(tmp_path / "my-text.txt", 300, seed=1)
    write_corpus(tmp_path / "valid.txt", 60, seed=2)
    write_corpus(tmp_path / "kitap.txt", 250, seed=3)
    (tmp_path / "corpus").mkdir()
    write_corpus(tmp_path / "corpus" / "first.txt", 250, seed=4)
    archive(tmp_path / "archive.mbox")

    (script,) = (block for block in blocks() if "<<'END'" in block)
    subprocess.run(["bash", "-c", script], check=True)
    mail = (tmp_path / "mail.txt").read_text(encoding="utf-8")
    assert mail.count("\n\n") == 40, "each message is a document"
    assert "quoted" not in mail
    assert "signature" not in mail

    done = []
    for line in commands():
        if any(line.startswith(other) for other in ELSEWHERE):
            continue
        if "memory_mb" in line and not importlib.util.find_spec("duckdb"):
            continue
        # The small model stands for the large one.
        arguments = shlex.split(line.replace("--from en", "--from en-tiny"))[1:]
        assert run(arguments) == 0, f"{line}: {capsys.readouterr().err}"
        said = capsys.readouterr()
        assert said.out.strip(), line
        if "--out" in line:
            folder = Path(arguments[arguments.index("--out") + 1])
            assert (folder / "bundle" / "manifest.json").exists()
        done.append(line)
    assert json.loads((tmp_path / "runs" / "mail" / "report.json").read_text(encoding="utf-8"))["chosen"]
    assert len(done) >= 6
