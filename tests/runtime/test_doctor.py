"""What the examination of a machine finds: all well, or what does not work, and nothing private."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import harm
import pytest

from foretype.runtime import Store
from foretype.runtime.doctor import FAILED, OK, WARNING, Finding, examine, finding, without_home
from foretype.runtime.engines import telemetry
from foretype.runtime.personal.settings import store_path


def found(bundle: Path) -> dict[str, Finding]:
    return {line.topic: line for line in examine(bundle)}


def test_all_is_well_where_it_is_and_nothing_is_written(tiny_bundle: Path, home: Path) -> None:
    lines = found(tiny_bundle)
    assert {line.state for line in lines.values()} == {OK}
    assert "cpu" in lines["onnxruntime"].text
    assert lines["telemetry"].text.startswith("off")
    assert lines["model"].text.startswith("tiny in ")
    assert " ms; blend, loaded in " in lines["suggestion"].text
    assert lines["store"].text.startswith("none yet")
    assert not list(home.iterdir())


def test_the_extras_that_are_installed_are_told(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretype.runtime.doctor.find_spec", lambda name: name == "websockets" or None)
    assert found(tiny_bundle)["foretype"].text.endswith(", extras http")
    monkeypatch.setattr("foretype.runtime.doctor.find_spec", lambda name: None)
    assert found(tiny_bundle)["foretype"].text.endswith(", no extras")


def test_an_altered_or_missing_model_fails(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = harm.copy(tiny_bundle, tmp_path / "bundle")
    (bundle / "step.onnx").write_bytes(b"other")
    lines = found(bundle)
    assert lines["model"].state == FAILED
    assert "step.onnx: altered or truncated" in lines["model"].text
    assert lines["suggestion"].state == FAILED
    assert found(tmp_path / "missing")["model"].state == FAILED


def test_without_onnx_runtime_it_still_works(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    lines = found(tiny_bundle)
    assert lines["onnxruntime"].state == lines["suggestion"].state == WARNING
    assert "ngram" in lines["suggestion"].text
    assert FAILED not in {line.state for line in lines.values()}


def test_telemetry_that_may_be_on_is_told(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "_too_late", True)
    assert found(tiny_bundle)["telemetry"].state == WARNING
    monkeypatch.setattr(telemetry, "_too_late", False)
    monkeypatch.setenv(telemetry.VARIABLE, "0")
    assert found(tiny_bundle)["telemetry"].state == WARNING


def test_a_store_is_readable_and_private_and_its_words_are_not_told(tiny_bundle: Path) -> None:
    path = store_path()
    with Store(path) as store:
        store.teach("Wolpertinger")
        assert found(tiny_bundle)["store"].state == OK, "while another program writes in it"
        store.teach("Rasselbock")
    files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    lines = found(tiny_bundle)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == files, "nothing is changed or left"
    assert lines["store"].state == OK
    assert "readable, private" in lines["store"].text
    assert not any("olpertinger" in line.text for line in lines.values())
    if os.name == "posix":
        path.chmod(0o644)
        assert found(tiny_bundle)["store"].text.endswith("mode 644; others may read it, expected 600")
        assert path.stat().st_mode & 0o777 == 0o644, "it is told, not changed"
    path.chmod(0o600)
    with path.open("rb+") as file:  # pages that the header does not tell of, in the list of free ones
        file.seek(36)
        file.write((7).to_bytes(4, "big"))
    assert "damaged" in found(tiny_bundle)["store"].text
    path.write_bytes(b"no database" * 1000)
    assert "file is not a database" in found(tiny_bundle)["store"].text
    path.unlink()
    path.symlink_to(tiny_bundle)
    assert "a symbolic link" in found(tiny_bundle)["store"].text


def test_no_path_tells_the_name_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    user = tmp_path / "al"
    user.mkdir()
    (tmp_path / "link").symlink_to(user)
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "link"))
    assert without_home(f"{user}/x, {tmp_path}/link: {user}") == "~/x, ~: ~"
    assert without_home(f"{tmp_path}/alice") == f"{tmp_path}/alice", "another user's folder begins likewise"
    monkeypatch.setenv("HOME", "/")
    assert without_home("/usr/lib") == "/usr/lib"

    def fails() -> tuple[str, str]:
        raise PermissionError(13, "Permission denied", str(user / "x"))

    monkeypatch.setenv("HOME", str(user))
    assert finding("store", fails) == Finding("store", "PermissionError: [Errno 13] Permission denied: '~/x'", FAILED)
