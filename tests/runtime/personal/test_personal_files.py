"""The store's files: this user's alone, whatever stands at their place, whatever the umask and whatever the system."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretype.runtime import StoreError
from foretype.runtime.files.atomic import replacing, write_text
from foretype.runtime.personal.rows import Observation
from foretype.runtime.personal.settings import store_path
from foretype.runtime.personal.store import Store
from foretype.tui.pad.files.recovery import RecoveryFile

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners and modes here")
WORD = [Observation((), "word")]


@pytest.fixture
def umask() -> Iterator[None]:
    """Restores the umask."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o177, 0o777])
@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_for_their_owner_whatever_the_umask(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mask: int
) -> None:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path / "share" / "foretype"))
    os.umask(mask)
    with Store() as store:
        store.learn(WORD)
        for folder in (tmp_path / "share", tmp_path / "share" / "foretype", store.path.parent):
            assert mode(folder) == 0o700
        assert {mode(path) for path in store.path.parent.iterdir()} == {0o600}


@posix
@pytest.mark.usefixtures("umask")
def test_a_copy_of_unsaved_text_makes_the_data_folder_private_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path / "foretype"))
    os.umask(0)
    assert mode(RecoveryFile(None).write(["text"])) == 0o600
    assert mode(tmp_path / "foretype") == 0o700


@posix
def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("target", ["there", "missing"])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_bytes(b"")
    (tmp_path / "there").chmod(0o644)
    link = tmp_path / "s.sqlite3"
    link.symlink_to(tmp_path / target)
    with pytest.raises(StoreError, match="symbolic link"):
        Store(link).learn(WORD)
    assert not (tmp_path / "missing").exists()
    assert (tmp_path / "there").read_bytes() == b""
    assert mode(tmp_path / "there") == 0o644


def test_a_link_that_takes_the_place_of_the_open_file_is_not_followed(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)
        store.path.rename(tmp_path / "other")
        store.path.symlink_to(tmp_path / "other")
        with pytest.raises(StoreError, match="symbolic link"):
            store.learn(WORD)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_no_store(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.sqlite3"
    if kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no named pipes here")
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(StoreError, match="no regular file"):
        Store(path).learn(WORD)


@posix
def test_the_file_of_another_user_is_no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)
        store.close()
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        with pytest.raises(StoreError, match="another user"):
            store.learn(WORD)


@pytest.mark.parametrize("more", [[], ["fchmod", "mkfifo", "register_at_fork"]])
def test_without_the_functions_that_windows_lacks_all_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: list[str]
) -> None:
    """`os.fchmod` is there from Python 3.13 on."""
    for name in ["geteuid", "getuid", "O_NOFOLLOW", *more]:
        monkeypatch.delattr(os, name, raising=False)
    with Store(tmp_path / "folder" / "s.sqlite3") as store:
        store.learn(WORD)
        store.forget("word")
        assert not store.show()
    write_text(tmp_path / "file", "text")
    with replacing(tmp_path / "file", private=True) as temporary:
        temporary.write_text("more", encoding="utf-8")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "more"


@posix
@pytest.mark.usefixtures("umask")
def test_a_written_file_has_the_mode_that_the_umask_leaves_or_is_private(tmp_path: Path) -> None:
    for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o777, 0o000)):
        os.umask(mask)
        write_text(tmp_path / "file", "text")
        assert mode(tmp_path / "file") == expected
        with replacing(tmp_path / "private", private=True) as temporary:
            assert mode(temporary) == 0o600
        assert mode(tmp_path / "private") == 0o600


def test_writing_a_file_leaves_the_umask_of_the_process_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(mask: int) -> int:
        raise AssertionError("another thread's files would get this mode")

    monkeypatch.setattr(os, "umask", refuse)
    write_text(tmp_path / "file", "text")
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    with Store(str(tmp_path / "s.sqlite3")) as store:
        store.learn(WORD)
    assert (tmp_path / "s.sqlite3").exists()
    with pytest.raises(StoreError):
        Store("").learn(WORD)
    with pytest.raises(TypeError):
        Store(5)  # type: ignore[arg-type]


class _Counted(sqlite3.Connection):
    """A connection that counts how many of its kind are open."""

    open = 0

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        _Counted.open += 1
        self._counted = True

    def close(self) -> None:
        _Counted.open -= self._counted
        self._counted = False
        super().close()


def test_every_connection_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python 3.13 and later warns of each one that is not."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **named: connect(*a, factory=_Counted, **named))
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)
        assert _Counted.open == 1
    assert _Counted.open == 0
    store.learn(WORD)
    store.close()
    store.close()
    assert _Counted.open == 0
    store.learn(WORD)
    with store.database.use() as connection:
        connection.execute("UPDATE words SET weight = 'abc'")
    assert store.show()  # it was mended, and a copy made
    del store, connection
    gc.collect()
    assert _Counted.open == 0
    (tmp_path / "s.sqlite3").write_bytes(b"no database" * 1000)
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)
        assert _Counted.open == 1
    assert _Counted.open == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_store_works_after_a_fork_while_a_thread_was_using_it(tmp_path: Path) -> None:
    store, inside, go_on = Store(tmp_path / "s.sqlite3"), threading.Event(), threading.Event()
    store.learn(WORD)

    def hold() -> None:
        with store.database.use():
            inside.set()
            go_on.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        try:
            store.learn([Observation((), "child")])
        finally:
            os._exit(0 if [word.form for word in store.show(10)].count("child") else 1)
    go_on.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert {word.form for word in store.show()} == {"word", "child"}
    store.close()


def test_a_second_opening_closes_no_handle_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On POSIX, closing any handle of a file drops all locks that the process has on it, those of SQLite included."""
    with Store(tmp_path / "s.sqlite3") as store:
        store.learn(WORD)
        opened: list[str] = []
        real = os.open

        def watched(path: str, *arguments: int, **named: int) -> int:
            handle = real(path, *arguments, **named)
            opened.append(str(path))
            return handle

        monkeypatch.setattr(os, "open", watched)
        with Store(store.path) as other:
            other.learn(WORD)
    assert str(tmp_path / "s.sqlite3") not in opened


def test_the_default_store_lies_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path))
    assert Store().path == store_path()
