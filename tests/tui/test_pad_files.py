"""What the pad does to files: opened and saved text survives, whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretype.runtime import Store, load
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import PadError, TextFile
from foretype.tui.pad.files.recovery import RecoveryFile, find


@contextmanager
def limited_file_size(most: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"))),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_file_saved_unchanged_is_the_same_file(tmp_path: Path, lines: list[str], newline: str) -> None:
    """Line ends, the last line's end or its absence, and a byte order mark all stay."""
    path = tmp_path / "text.txt"
    data = newline.join(lines).encode()
    path.write_bytes(data)
    file = TextFile.open(path)
    assert not file.mixed
    file.save(file.text)
    assert path.read_bytes() == data


@pytest.mark.parametrize("data", [b"a\r\nb\r\nc\nd", b"a\rb\nc", b"one\ftwo\x0b\xc2\x85three\xe2\x80\xa8\n", b"\r\r\n"])
def test_mixed_line_ends_and_odd_characters_stay(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "mixed.txt"
    path.write_bytes(data)
    file = TextFile.open(path)
    assert file.mixed == (b"\r" in data)
    file.save(file.text)
    assert path.read_bytes() == data


def test_a_file_with_several_names_keeps_them(tmp_path: Path) -> None:
    """A hard link still names the same file after a save, and a full disk leaves what was there."""
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("old text, and longer")
    other.hardlink_to(path)
    file = TextFile.open(path)
    file.save("new")
    assert other.read_text() == "new"
    assert path.samefile(other)
    with limited_file_size(100), pytest.raises(PadError, match="cannot save"):
        file.save("x" * 1000)
    assert other.read_text() == "new"


def test_what_another_program_wrote_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("mine")
    file = TextFile.open(path)
    assert file.theirs() is None
    path.touch()
    assert file.theirs() is None, "the same content is no change"
    path.write_text("theirs")
    theirs = file.theirs()
    assert theirs is not None
    assert theirs.text == "theirs"
    file.save("mine again")
    assert file.theirs() is None


def test_saving_keeps_permissions_and_symbolic_links(tmp_path: Path) -> None:
    """A private file stays private, and a linked file stays linked."""
    target = tmp_path / "real" / "text.txt"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    TextFile.open(link).save("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [entry.name for entry in target.parent.iterdir()] == ["text.txt"]


def test_a_disk_that_takes_no_more_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """A save that fails half-way changes nothing and leaves no litter; the next one may succeed."""
    path = tmp_path / "text.txt"
    path.write_text("old text")
    file = TextFile.open(path)
    with limited_file_size(100), pytest.raises(PadError, match="cannot save"):
        file.save("x" * 1000)
    assert path.read_text() == "old text"
    assert os.listdir(tmp_path) == ["text.txt"]
    assert file.text == "old text"
    file.save("x" * 1000)
    assert path.read_text() == "x" * 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x7fELF\x00\x01", "binary"),
        (b"first\nsecond \xff\n", "byte 0xff in line 2"),
    ],
)
def test_what_is_not_text_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    """Opening it would destroy it at the next save."""
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(PadError, match=message) as caught:
        TextFile.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_devices_and_missing_folders_are_refused(tmp_path: Path) -> None:
    """A save could never succeed there, so the user hears before typing."""
    for path, message in [
        (tmp_path, "folder"),
        (Path("/dev/null"), "not a regular file"),
        (tmp_path / "none" / "text.txt", "does not exist"),
    ]:
        with pytest.raises(PadError, match=message):
            TextFile.open(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file_is_not_replaced(tmp_path: Path) -> None:
    """Moving a new file over it would succeed, against its permissions."""
    path = tmp_path / "text.txt"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PadError, match="read-only"):
        TextFile.open(path).save("new")
    assert path.read_text() == "old"


def test_a_copy_is_private_and_goes_beside_the_document_where_the_data_folder_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "text.txt"
    first = RecoveryFile(document).write(["one"])
    monkeypatch.setenv("FORETYPE_HOME", "/dev/null/home")
    second = RecoveryFile(document).write(["two"])
    assert [unsaved.text for _, unsaved in find(document, own=True)] == ["two"]
    assert second.parent == tmp_path
    assert second.name.startswith(".")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (first, second)} == {0o600}
    with pytest.raises(OSError, match="null"):
        RecoveryFile(None).write(["three"])


async def test_the_pad_works_where_posix_functions_are_missing(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: no owners, no SIGHUP, and an event loop that takes no signal handlers."""

    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    # The pad gives itself three seconds to end, and then ends the process, which is that of the tests here.
    monkeypatch.setattr(threading, "Timer", lambda *_: SimpleNamespace(daemon=True, start=lambda: None))
    for module, name in ((os, "chown"), (os, "getuid"), (os, "geteuid"), (os, "fchmod"), (signal, "SIGHUP")):
        monkeypatch.delattr(module, name)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    path = tmp_path / "t.txt"
    path.write_text("old")
    try:
        pad = Pad(TextFile.open(path), load(tiny_bundle, engine="ngram"), Store(tmp_path / "s.sqlite3"))
        async with pad.run_test(size=(80, 24)) as pilot:
            await pilot.press("x", "ctrl+s")
            assert path.read_text() == "oldx"
            await pilot.press("y")
            signal.raise_signal(signal.SIGTERM)
            await pilot.pause()
        assert pad.stopped is not None
        assert "SIGTERM" in pad.stopped
        assert find(path, own=True)[0][1].text == "oldxy"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
