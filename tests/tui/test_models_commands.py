"""`foretype models` and `foretype doctor` as a person meets them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from archives import files_of, pack
from terminal import terminal

from foretype.runtime.files.finding import BUNDLES
from foretype.tui.cli import run


def foretype(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def installed(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    archive = pack(tmp_path / "mine.tar.xz", files_of(tiny_bundle, "mine/"))
    status, out, _ = foretype(capsys, "models", "install", archive, "--name", "mine")
    assert (status, out.split(":")[0]) == (0, "installed mine")
    return "mine"


def test_models_are_listed_and_the_default_is_marked(installed: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["models"], ["models", "list"]):
        status, out, _ = foretype(capsys, *command)
        assert status == 0
        rows = [line.partition(" MB ")[0].split()[:-1] for line in out.splitlines() if " MB " in line]
        assert rows == [["*", "en"], *([name] for name in BUNDLES[1:]), ["mine"]]
    listed = json.loads(foretype(capsys, "models", "list", "--json")[1])
    assert [(model["name"], model["bundled"], model["default"]) for model in listed] == [
        ("en", True, True),
        *((name, True, False) for name in BUNDLES[1:]),
        ("mine", False, False),
    ]


def test_the_default_is_what_the_commands_use_where_none_is_named(
    installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert foretype(capsys, "models", "default") == (0, "en\n", "")
    assert foretype(capsys, "models", "default", installed) == (0, "", "")
    assert foretype(capsys, "models", "default") == (0, "mine\n", "")
    for named in ([], ["--bundle", "mine"]):
        facts = json.loads(foretype(capsys, "info", "--json", *named)[1])
        assert Path(facts["path"]).parts[-2:] == ("models", "mine")
    assert Path(json.loads(foretype(capsys, "info", "--json", "--bundle", "en-tiny")[1])["path"]).name == "en-tiny"
    status, out, _ = foretype(capsys, "models", "remove", installed)
    assert (status, out) == (0, "removed mine; the default is en again\n")
    assert foretype(capsys, "models", "default")[1] == "en\n"


def test_the_pad_uses_the_default(installed: str, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    foretype(capsys, "models", "default", installed)
    (home / "models" / installed / "manifest.json").unlink()
    status, _, err = foretype(capsys, "pad", "--plain", "--no-personal")
    assert status == 1
    assert f"{home / 'models' / installed}: not a bundle" in err


def test_show_prints_the_card_of_info(installed: str, capsys: pytest.CaptureFixture[str]) -> None:
    card = foretype(capsys, "models", "show", installed)[1]
    assert card == foretype(capsys, "info", "--bundle", installed)[1]
    assert json.loads(foretype(capsys, "models", "show", "en-tiny", "--json")[1])["name"] == "en-tiny"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["models", "show", "nope"], "nope: no model of this name; choose from en, en-tiny"),
        (["models", "default", "nope"], "nope: no model of this name"),
        (["models", "remove", "nope"], "nope: no model of this name"),
        (["models", "remove", "en"], "en comes with Foretype and cannot be removed"),
        (["models", "install", "/no/such.zip"], "/no/such.zip: no such file or folder"),
        (["suggest", "x", "--bundle", "nope"], "nope: no such folder, and no model of this name"),
    ],
)
def test_mistakes_get_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = foretype(capsys, *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert words in err


def test_doctor_prints_ten_lines_and_its_verdict(
    tiny_bundle: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = foretype(capsys, "doctor", "--bundle", tiny_bundle)
    assert (status, err) == (0, "")
    lines = [line.split(None, 2) for line in out.splitlines()]
    assert [topic for _, topic, _ in lines] == [
        *("foretype", "python", "platform", "processor", "onnxruntime"),
        *("telemetry", "model", "suggestion", "store", "terminal"),
    ]
    assert len(json.loads(foretype(capsys, "doctor", "--bundle", tiny_bundle, "--json")[1])) == 10
    (home / "models.json").write_text('{"default": "gone"}')
    status, out, _ = foretype(capsys, "doctor")
    assert status == 1
    assert "FAIL  model" in out
    assert "gone: no model of this name" in out
    assert "ok    suggestion" in out, "what does work is told all the same"


def test_doctor_tells_the_terminal_and_no_name_of_the_user(tiny_bundle: Path, tmp_path: Path) -> None:
    user = tmp_path / "someone"
    (user / "data").mkdir(parents=True)
    command = [sys.executable, "-m", "foretype.tui.cli", "doctor", "--bundle", str(tiny_bundle)]
    names = {"HOME": str(user), "FORETYPE_HOME": str(user / "data"), "COLORTERM": "truecolor", "PYTHONUTF8": "1"}
    with terminal(command, {**names, "PYTHONPATH": os.pathsep.join(sys.path)}) as running:
        lines = running.shows("terminal")
        assert running.exit_code() == 0
    text = " ".join(running.lines)
    assert "TERM=xterm-256color, 16 million colours, 80 x 24, UTF-8" in text
    assert "~/data/personal" in text
    assert "someone" not in text
    assert lines


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "fr_FR"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "xx_XX"}, "en"),
        ({}, "en"),
    ],
)
def test_without_a_default_the_commands_take_the_language_of_the_system(
    variables: dict[str, str],
    name: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert json.loads(foretype(capsys, "info", "--json", "--engine", "ngram")[1])["name"] == name


def test_a_chosen_default_comes_before_the_language_of_the_system(
    installed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    foretype(capsys, "models", "default", installed)
    assert Path(json.loads(foretype(capsys, "info", "--json")[1])["path"]).name == installed
