"""Limits that are kept: files without an end, imports of any size, and a disk that is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sessions import forms, write

from foretype.runtime import CorpusError, Model, StoreError, load
from foretype.runtime.personal import personal_session
from foretype.runtime.personal.export import export_lines, import_lines
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.settings import StoreConfig
from foretype.runtime.personal.store import Store
from foretype.runtime.text import corpus, reading
from foretype.runtime.text.reading import read_text
from foretype.tui.cli import run

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
HEAD = '{"format": "foretype-personal", "version": 1}'


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


# --- Files without an end


def commands(bundle: Path, source: str) -> list[list[str]]:
    return [
        ["eval", source, "--bundle", str(bundle)],
        ["personal", "learn", source, "--bundle", str(bundle)],
        ["personal", "import", source],
    ]


def one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The error of a command that must fail with one line."""
    assert run(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("foretype: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_devices_are_refused(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in commands(tiny_bundle, "/dev/zero"):
        assert "/dev/zero: a device" in one_line(arguments, capsys)


@pipes
def test_a_pipe_that_nobody_writes_to_is_given_up(
    tiny_bundle: Path, pipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reading, "SILENCE_SECONDS", 0.2)
    for arguments in commands(tiny_bundle, str(pipe)):
        assert "gave nothing for 0.2 seconds" in one_line(arguments, capsys)


@pipes
def test_a_pipe_that_falls_silent_is_given_up(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SILENCE_SECONDS", 0.2)
    holder = os.open(pipe, os.O_RDWR)
    os.write(holder, b"some text")
    with pytest.raises(CorpusError, match="gave nothing"):
        read_text(pipe)
    os.close(holder)


@pipes
@pytest.mark.parametrize("content", [b"x", b"a line\n"])
def test_a_pipe_without_an_end_is_cut_off(
    tiny_bundle: Path,
    pipe: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
) -> None:
    for module in (reading, corpus):
        monkeypatch.setattr(module, "_LONGEST_LINE", 1 << 20, raising=False)
    monkeypatch.setattr("foretype.tui.commands.evaluation.MOST_BYTES", 2 << 20)
    for arguments in commands(tiny_bundle, str(pipe)):
        with writing(pipe, lambda: iter(lambda: content * 1000, b"")):
            error = one_line(arguments, capsys)
            assert "longer than" in error


class writing:  # noqa: N801
    """Writes to a pipe in a thread, until all is written or nobody reads any more."""

    def __init__(self, path: Path, content: Callable[[], Iterator[bytes]]) -> None:
        self._thread = threading.Thread(target=self._write, args=(path, content))

    def _write(self, path: Path, content: Callable[[], Iterator[bytes]]) -> None:
        with suppress(BrokenPipeError), path.open("wb", buffering=0) as stream:
            for part in content():
                stream.write(part)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()


@pipes
def test_a_pipe_that_ends_is_read_like_a_file(
    tiny_bundle: Path, pipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"We like Tomahawk and the garden today.\n" * 3
    with writing(pipe, lambda: iter([text[:10], text[10:]])):
        assert run(["personal", "learn", str(pipe), "--bundle", str(tiny_bundle)]) == 0
    with writing(pipe, lambda: iter([text])):
        assert run(["eval", str(pipe), "--bundle", str(tiny_bundle), "--json"]) == 0
    capsys.readouterr()
    assert run(["personal", "export"]) == 0
    exported = capsys.readouterr().out.encode()
    assert run(["personal", "clear", "--yes"]) == 0
    with writing(pipe, lambda: iter([exported])):
        assert run(["personal", "import", str(pipe)]) == 0
    assert run(["personal", "show"]) == 0
    assert "Tomahawk" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/bin/bash").exists() or not Path("/dev/fd").exists(), reason="no process substitution")
def test_process_substitution_works(tiny_bundle: Path, home: Path) -> None:
    command = '"$0" -m foretype.tui.cli personal learn <(sleep 0.3; echo We like Tomahawk) --bundle "$1"'
    arguments = ["/bin/bash", "-c", command, sys.executable, str(tiny_bundle)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 words learned\n", "")


def test_a_text_that_is_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 2_000_001)
    with pytest.raises(CorpusError, match="longer than 1 MB"):
        read_text(file, 1 << 20)
    file.write_bytes(b"abc\xff")
    with pytest.raises(CorpusError, match="not UTF-8 text"):
        read_text(file)
    with pytest.raises(CorpusError, match="a folder"):
        read_text(tmp_path)


# --- Exports


@pipes
def test_an_export_goes_into_a_pipe_and_leaves_it_there(pipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personal", "teach", "Tomahawk"]) == 0
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    assert run(["personal", "export", str(pipe)]) == 0
    reader.join()
    assert "Tomahawk" in found[0]
    assert pipe.is_fifo()
    assert [path.name for path in pipe.parent.iterdir() if "pipe" in path.name] == ["pipe"]


def test_an_export_makes_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["personal", "teach", "Tomahawk"]) == 0
    assert "no such folder" in one_line(["personal", "export", str(tmp_path / "missing" / "x.jsonl")], capsys)
    assert not (tmp_path / "missing").exists()


# --- Imports


def made_up(count: int) -> list[str]:
    """Words that may be learned, all different."""
    syllables = [a + b for a in "bdfglmnprst" for b in "aeiou"]
    return ["".join(syllables[number // 55**place % 55] for place in range(4)) for number in range(count)]


def test_an_import_keeps_the_limits_of_the_store(model: Model, tmp_path: Path) -> None:
    words = made_up(3000)
    lines = [HEAD, *(json.dumps({"word": word, "count": 1 + i / 100, "trust": 3}) for i, word in enumerate(words))]
    lines += [json.dumps({"after": [a], "word": b, "count": 1}) for a in words[-40:] for b in words[-200:]]
    with Store(tmp_path / "s.sqlite3", config=StoreConfig(most_words=1000, cap_mb=0.15)) as store:
        assert import_lines(store, lines) == len(lines) - 1
        stats = store.stats()
        assert stats["words"] <= 1000
        assert 0 < stats["pairs"] < 8000
        assert stats["bytes"] <= 0.15e6
        assert words[-1] in [word.form for word in store.show(10)]  # what was written most stays
        assert import_lines(store, lines) == 0
    with Store(store.path) as again:
        assert again.stats()["words"] <= 1000


def test_an_import_of_endless_lists_is_refused_whole(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3", config=StoreConfig(most_words=100)) as store:
        lines = [HEAD, *(json.dumps({"never": word}) for word in made_up(101))]
        with pytest.raises(StoreError, match="expected at most 100"):
            import_lines(store, lines)
        assert not store.listed("never")


def test_a_line_nested_beyond_reason_is_an_illegal_line(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store, pytest.raises(StoreError, match="line 2"):
        import_lines(store, [HEAD, "[" * 200_000])
    assert list(export_lines(store)) == [HEAD]


# --- A full disk


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is full; remove the file `fill` to make room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        sys.platform != "linux"
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", folder], capture_output=True).returncode
    ):
        pytest.skip("cannot mount a small file system here (needs root on Linux)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "fill").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1024))


def test_on_a_full_disk_typing_goes_on_and_costs_little(
    model: Model, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    learn = Store.learn

    def watched(self: Store, observations: list[Observation], *more: object) -> object:
        tried.append(len(observations))
        return learn(self, observations, *more)  # type: ignore[arg-type]

    with Store(full_disk / "home" / "s.sqlite3") as store:
        session = model.session(store=store)
        text = write(session, "We go ")
        fill(full_disk)
        monkeypatch.setattr(Store, "learn", watched)
        for number in range(400):
            text += ("garden ", "music ", "coffee ", "Zorbleq ")[number % 4]
            session.commit(text)
            session.suggest(text)
        assert session.notice == f"nothing is learned: {store.path}: the disk is full"
        assert sum(tried) < 50  # not 400 times up to 400 words
        (full_disk / "fill").unlink()
        session.finish()
        assert session.notice is None
        assert store.stats()["learned"] >= 350
        assert "Zorbleq" in forms(store)


def test_a_store_that_cannot_be_written_is_tried_again_after_a_pause(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(f"{personal_session.__name__}.time.monotonic", lambda: now)
    with Store(tmp_path / "s.sqlite3") as store:
        session = model.session(store=store)
        text = write(session, "We go ")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "learn", lambda *_: (_ for _ in ()).throw(StoreError("the disk is full")))
            text = write(session, "to the garden and on ", text)
        text = write(session, "then on ", text)
        assert "garden" not in forms(store)
        now += 1.1
        write(session, "and on ", text)
        assert "garden" in forms(store)
        assert session.notice is None
