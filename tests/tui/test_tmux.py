"""Suggestions in programs that run in tmux: a real tmux, real programs, the user's own settings back at the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from irc import chat_server
from terminal import Terminal, terminal

from foretype.runtime import load
from foretype.tui.tmux.assistant import running, state_path
from foretype.tui.tmux.typed_line import Pane, is_quiet, typed_text

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

ALT_1, ALT_2 = "\x1b1", "\x1b2"
OWN_STATUS, OWN_KEY = "#[fg=red]mine", "display-message own-key"


class Tmux:
    """A tmux server of the test's own."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.socket, self.bundle = str(folder / "tmux.sock"), bundle
        self.client: Terminal  # a real one, in which the tests press keys

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-S", self.socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def foretype(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "foretype.tui.cli", "tmux", *arguments, "--socket", self.socket]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def on(self, *arguments: str) -> None:
        self.foretype("on", "--bundle", str(self.bundle), "--engine", "ngram", *arguments)

    def row(self) -> str:
        """The second status line."""
        return self("show-options", "-gqv", "status-format[1]").strip()

    def bound(self, key: str) -> str:
        """What a key does in the root table."""
        lines = self("list-keys", "-T", "root").splitlines()
        return next((line for line in lines if re.search(rf"root\s+{re.escape(key)}\s", line)), "")

    def type(self, keys: str) -> None:
        self("send-keys", "-t", "work", "-l", keys)

    def screen(self) -> str:
        return self("capture-pane", "-p", "-t", "work")


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to this"
        time.sleep(0.02)


@pytest.fixture
def tmux(tmp_path: Path, tiny_bundle: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path, tiny_bundle)
    server("new-session", "-d", "-s", "work", "-x", "80", "-y", "24", "cat")
    server("set-option", "-g", "status-format[1]", OWN_STATUS)
    server("bind-key", "-n", "M-1", "display-message", "own-key")
    try:
        with terminal(["tmux", "-S", server.socket, "attach", "-t", "work"], {}) as server.client:
            yield server
    finally:
        subprocess.run(["tmux", "-S", server.socket, "kill-server"], check=False, capture_output=True)


def offers(bundle: Path, text: str) -> list[str]:
    return [offer.text for offer in load(bundle, engine="ngram").session().suggest(text, k=3)]


def test_words_are_shown_and_typed_by_a_key_and_the_users_own_settings_come_back(tmux: Tmux, tiny_bundle: Path) -> None:
    first, second, _ = offers(tiny_bundle, "I love th")
    tmux.on()
    assert running(tmux.socket) is not None
    assert tmux("show-options", "-gv", "status").strip() == "2"
    tmux.type("I love th")
    tmux.client.wait(lambda lines: f"1 {first}   2 {second}" in lines[23])
    tmux.client.type(ALT_2)
    until(lambda: f"I love {second}" in tmux.screen())
    until(lambda: f"1 {offers(tiny_bundle, f'I love {second} ')[0]}" in tmux.row())
    assert tmux.foretype("off").strip() == "suggestions are off"
    assert running(tmux.socket) is None
    assert tmux.row() == OWN_STATUS
    assert tmux("show-options", "-gqv", "status").strip() in ("", "on")
    assert OWN_KEY in tmux.bound("M-1")
    assert tmux.bound("M-2") == ""
    assert not state_path(tmux.socket).exists()


def test_after_a_crash_off_brings_the_users_own_settings_back(tmux: Tmux) -> None:
    tmux.on()
    tmux.type("I love th")
    until(lambda: "send-keys" in tmux.bound("M-1"))
    process = running(tmux.socket)
    assert process is not None
    os.kill(process, signal.SIGKILL)
    until(lambda: running(tmux.socket) is None)
    tmux.foretype("off")
    assert tmux.row() == OWN_STATUS
    assert OWN_KEY in tmux.bound("M-1")


def test_nothing_is_offered_at_a_password_and_in_shells_unless_asked(tmux: Tmux, tiny_bundle: Path) -> None:
    tmux(
        "respawn-pane", "-k", "-t", "work", 'bash --norc -c \'read -rp "Say: " a; read -rsp "Password: " b; sleep 60\''
    )
    tmux.on()
    tmux.type("I love th")
    time.sleep(0.5)
    assert "love" in tmux.screen()
    assert "1 " not in tmux.row(), "a shell is left alone"
    tmux.foretype("off")
    tmux.on("--shells")
    until(lambda: f"1 {offers(tiny_bundle, 'I love th')[0]}" in tmux.row())
    tmux("send-keys", "-t", "work", "Enter")
    until(lambda: "Password:" in tmux.screen())
    until(lambda: "1 " not in tmux.row())
    tmux.type("I love th")
    time.sleep(0.5)
    assert "1 " not in tmux.row()
    assert tmux.bound("M-1") == ""
    tmux.foretype("off")


@pytest.mark.skipif(shutil.which("vim") is None and shutil.which("vi") is None, reason="vim is not installed")
def test_vim_takes_a_word_that_replaces_typed_letters(tmux: Tmux, tmp_path: Path) -> None:
    editor = shutil.which("vim") or shutil.which("vi")
    tmux("respawn-pane", "-k", "-t", "work", f"{editor} -u NONE -N {tmp_path / 'letter.txt'}")
    tmux.on()
    time.sleep(0.5)
    tmux.type("isee you on mon")
    until(lambda: "1 Monday" in tmux.row())
    tmux.client.type(ALT_1)
    until(lambda: "see you on Monday" in tmux.screen())
    tmux("send-keys", "-t", "work", "Escape")
    until(lambda: "1 " not in tmux.row())
    assert tmux.bound("M-1") == "", "outside its insert mode, letters are commands"
    tmux.foretype("off")


@pytest.mark.skipif(shutil.which("irssi") is None, reason="irssi is not installed")
def test_irssi_takes_a_word_in_a_channel_and_completes_nicks(tmux: Tmux, tmp_path: Path, tiny_bundle: Path) -> None:
    first = offers(tiny_bundle, "I love th")[0]
    with chat_server() as port:
        tmux("respawn-pane", "-k", "-t", "work", f"irssi --home={tmp_path / 'irssi'} -c 127.0.0.1 -p {port} -n me")
        tmux.on()
        until(lambda: "Welcome" in tmux.screen())
        tmux.type("/join #words")
        tmux("send-keys", "-t", "work", "Enter")
        until(lambda: "annabel" in tmux.screen() and tmux.screen().rstrip().endswith("[#words]"))
        tmux.type("annab\t")
        until(lambda: tmux.screen().rstrip().endswith("[#words] annabel:"))
        tmux.type("I love th")
        until(lambda: f"1 {first}" in tmux.row())
        tmux.client.type(ALT_1)
        until(lambda: f"[#words] annabel: I love {first}" in tmux.screen())
        tmux("send-keys", "-t", "work", "Enter")
        until(lambda: "1 " not in tmux.row())
        assert f"<me> annabel: I love {first}" in re.sub(r"< ?me>", "<me>", tmux.screen())
        tmux.foretype("off")


def test_a_program_that_shows_no_typed_letters_gets_no_words(tmux: Tmux) -> None:
    code = "import getpass; input('Dites : '); getpass.getpass('Le sésame : ')"
    tmux("respawn-pane", "-k", "-t", "work", f'{sys.executable} -c "{code}"')
    tmux.on()
    tmux.type("I love th")
    until(lambda: "1 " in tmux.row())
    tmux("send-keys", "-t", "work", "Enter")
    until(lambda: "sésame" in tmux.screen())
    until(lambda: "1 " not in tmux.row())
    tmux.foretype("off")


def pane(column: int, width: int = 80, command: str = "irssi") -> Pane:
    return Pane("%1", column, 0, width, "", command, False)


@pytest.mark.parametrize(
    ("rows", "column", "width", "typed"),
    [
        (["[#foretype] I would lik"], 23, 80, "I would lik"),
        (["[12:30] <anna> see you"], 22, 80, "see you"),
        (["user@host:~$ echo th"], 20, 80, "echo th"),
        ([">>> print(th"], 12, 80, "print(th"),
        (["anna: see yo"], 12, 80, "see yo"),
        (["[#words] anna: see yo"], 21, 80, "see yo"),
        (["[#words] /jo"], 12, 80, ""),
        (["[#words] /me is he"], 18, 80, "/me is he"),
        (["a long line that w", "raps here and th"], 16, 18, "a long line that wraps here and th"),
        (["one line", "another th"], 10, 80, "another th"),
        (["I love th|rest"], 9, 80, "I love th"),
        (["Password: "], 10, 80, ""),
        (["Mot de passe : "], 15, 80, ""),
        (["Enter passphrase for key '/x': "], 31, 80, ""),
        (["語語 th"], 7, 80, "語語 th"),
        (["trailing "], 12, 80, "trailing    "),
        ([], 0, 80, ""),
    ],
)
def test_the_typed_line_is_read_from_the_screen(rows: list[str], column: int, width: int, typed: str) -> None:
    assert typed_text(rows, pane(column, width)) == typed


@pytest.mark.parametrize(
    ("command", "bottom", "offered"),
    [
        ("vim", "-- INSERT --             1,12      All", True),
        ("vim", "-- EINFÜGEN --", True),
        ("nvim", " INSERT  letter.txt", True),
        ("vim", "-- VISUAL --", False),
        ("vim", '"letter.txt" 1L, 12B', False),
        ("vim", "", False),
        ("git", "^G Help      ^O Write Out", True),
        ("git", "Stage this hunk [y,n,q,a,d,e,?]? ", False),
        ("mutt", "Subject: I love th", True),
        ("mutt", "Really quit? ([yes]/no): ", False),
        ("hx", " INS   letter.txt", True),
        ("hx", " NOR   letter.txt", False),
        ("irssi", "", True),
    ],
)
def test_an_editor_with_modes_gets_words_where_it_inserts_them(command: str, bottom: str, offered: bool) -> None:
    typed = typed_text(["I love th"], pane(9, command=command), below=["~", bottom])
    assert typed == ("I love th" if offered else "")


def test_some_programs_are_left_alone() -> None:
    assert is_quiet(pane(0, command="less"), shells=True)
    assert is_quiet(pane(0, command="bash"), shells=False)
    assert not is_quiet(pane(0, command="bash"), shells=True)
    assert not is_quiet(pane(0, command="irssi"), shells=False)
    assert is_quiet(pane(0)._replace(in_mode=True), shells=True)
