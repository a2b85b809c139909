"""The `foretype personal` commands, and that `foretype suggest` reads the store and leaves no trace."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
from pathlib import Path

import pytest

from foretype.tui.cli import run


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def learned(tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "mine.txt"
    file.write_text("We like Tomahawk.\nTomahawk helps us a lot. My password is frobnic.\n", encoding="utf-8")
    assert run(["personal", "learn", str(file), "--bundle", str(tiny_bundle)]) == 0
    assert capsys.readouterr().out == "8 words learned\n"  # all but the sentence with the password
    return tiny_bundle


def suggested(bundle: Path, text: str, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert run(["suggest", text, "--bundle", str(bundle), *options]) == 0
    return capsys.readouterr().out.split()


def test_what_was_learned_is_suggested_shown_and_forgotten(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suggested(learned, "We like tomah", capsys) == ["Tomahawk"]
    assert "Tomahawk" not in suggested(learned, "We like tomah", capsys, "--no-personal")
    assert "Tomahawk" not in suggested(learned, "We like tomah", capsys, "--profile", "other")
    assert run(["personal", "show", "tom", "--json"]) == 0
    [word] = json.loads(capsys.readouterr().out)
    assert word["word"] == "Tomahawk"
    assert run(["personal", "forget", "tomahawk"]) == 0
    assert "Tomahawk" not in suggested(learned, "We like tomah", capsys)
    assert run(["personal", "teach", "Tomahawk"]) == 0
    assert suggested(learned, "We like tomah", capsys) == ["Tomahawk"]


def test_an_export_is_private_and_comes_back(learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "export.jsonl"
    assert run(["personal", "export", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run(["personal", "clear", "--yes"]) == 0
    assert "Tomahawk" not in suggested(learned, "We like tomah", capsys)
    assert run(["personal", "import", str(file)]) == 0
    assert suggested(learned, "We like tomah", capsys)[-1] == "Tomahawk"
    assert run(["personal", "import", str(file)]) == 0
    assert capsys.readouterr().out == "0 entries added or raised\n"


def test_the_lists(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personal", "never", "Tomahawk", "moist"]) == 0
    assert run(["personal", "never"]) == 0
    assert capsys.readouterr().out.split() == ["moist", "tomahawk"]
    assert "Tomahawk" not in suggested(learned, "We like tomah", capsys)
    assert run(["personal", "never", "--remove", "tomahawk"]) == 0
    assert suggested(learned, "We like tomah", capsys) == ["Tomahawk"]


def test_asking_makes_no_store(tiny_bundle: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suggested(tiny_bundle, "We like ", capsys)
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["forget", "one", "two", "three", "four"], 1),
        (["stats", "--profile", "../x"], 1),
        (["learn", "missing.txt"], 1),
        (["import", "missing.jsonl"], 1),
        (["nonsense"], 2),
    ],
)
def test_a_failure_is_one_line(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personal", *arguments]) == status
    error = capsys.readouterr().err
    assert error.startswith("foretype: ")
    assert error.count("\n") == 1


def test_stats_say_where_and_how_much(learned: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personal", "stats", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["path"] == str(home / "personal" / "default.sqlite3")
    assert facts["learned"] == 8


def test_forgetting_says_what_there_was(learned: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personal", "forget", "tomahawk"]) == 0
    assert capsys.readouterr().out == "forgot 'tomahawk': 1 entry deleted\n"
    assert run(["personal", "forget", "unheard", "of"]) == 0
    assert capsys.readouterr().out.startswith("nothing was learned of 'unheard of'")
    (home / "personal" / "default.sqlite3.damaged-20260101-000000-1").write_bytes(b"Tomahawk")
    assert run(["personal", "clear", "--yes"]) == 0
    assert "removed 1 copy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "status", "out", "left"),
    [
        ("y\n", 0, "forgot everything", False),
        ("n\n", 0, "nothing was forgotten", True),
        ("\n", 0, "nothing was forgotten", True),
        ("what?\nyes\n", 0, "forgot everything", False),
        ("", 1, "", True),
    ],
)
def test_clear_reads_its_answer_from_a_pipe(
    learned: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    status: int,
    out: str,
    left: bool,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert run(["personal", "clear"]) == status
    told = capsys.readouterr()
    assert told.out.splitlines()[-1:] == [] or told.out.splitlines()[-1].startswith(out)
    assert ("--yes" in told.err) == (status == 1)
    assert run(["personal", "show"]) == 0
    assert ("Tomahawk" in capsys.readouterr().out) == left


def test_damage_is_told_on_standard_error(learned: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(home / "personal" / "default.sqlite3")
    connection.execute("UPDATE words SET weight = 'abc' WHERE form = 'we'")
    connection.commit()
    connection.close()
    assert run(["personal", "show"]) == 0
    told = capsys.readouterr()
    assert "Tomahawk" in told.out
    assert "damaged" in told.err
    assert told.err.count("\n") == 1
