"""Nothing leaves the machine: no internet socket and no stray file, as the kernel sees it, whatever is run.

Native libraries open sockets that Python's audit events do not show, so every program runs under strace. Each stays for
more than twenty seconds: the telemetry of ONNX Runtime, left on, writes files at once and opens sockets after nine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from serving import Talk, web_socket
from terminal import terminal

from foretype.runtime.engines.telemetry import VARIABLE

SECONDS = 21
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

STAY = f"""
import sys, time
began = time.monotonic()
from foretype.tui.cli import run
status = run(sys.argv[1:])
time.sleep(max(0.0, began + {SECONDS} - time.monotonic()))
sys.exit(status)
"""
HOST_FIRST = f"""
import time, onnxruntime
time.sleep({SECONDS})
"""


class Traced:
    """A program under strace, with a home folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.log, self.home = folder / f"{name}.calls", folder / f"{name}.home"
        self.home.mkdir()
        names = {"HOME": self.home, "FORETYPE_HOME": self.home / "foretype", "USERPROFILE": self.home}
        kept = {k: v for k, v in os.environ.items() if k != VARIABLE and not k.startswith("XDG_")}
        self.env = kept | {key: str(value) for key, value in names.items()}
        self.trace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,bind,sendto,execve", "-o", str(self.log)]

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*self.trace, *command], env=self.env, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
        )

    def internet_calls(self) -> list[str]:
        calls = self.log.read_text(errors="replace").splitlines()
        assert any("execve" in call for call in calls), "strace saw nothing"
        return [call for call in calls if "AF_INET" in call]

    def stray_files(self) -> list[str]:
        files = [path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file()]
        return [str(path) for path in files if path.parts[0] != "foretype"]


def talk_to(running: dict[str, subprocess.Popen[bytes]], traced: dict[str, Traced]) -> None:
    """Write in a field of each server, and learn; the servers end when their clients leave."""

    def write(talk: Talk) -> None:
        field = talk.call("open", profile="default")["field"]
        for text in ("I would lik", "I would like to go. "):
            talk.call("suggest", field=field, text=text)
            talk.call("commit", field=field, text=text)
        talk.call("finish", field=field)

    stdin, stdout = running["serve"].stdin, running["serve"].stdout
    assert stdin is not None
    assert stdout is not None
    write(Talk(stdin, stdout))
    if "http" in running:
        stdout = running["http"].stdout
        assert stdout is not None
        port = int(stdout.readline().split(b";")[0].rpartition(b":")[2])
        token = (traced["http"].home / "foretype" / "http-token").read_text().strip()
        with web_socket(port, token) as talk:
            write(talk)


@pytest.fixture(scope="module")
def programs(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_run: Path, corpus: tuple[Path, Path]
) -> dict[str, Traced]:
    """Every kind of program at the same time, each alive for more than twenty seconds."""
    folder = tmp_path_factory.mktemp("privacy")
    train = ["--set", "training.tokens=4096", "--set", "model.hidden_size=16", "--set", "model.embedding_size=16"]
    bundle = ["--bundle", str(tiny_bundle)]
    commands = {
        "suggest": ["suggest", "I would lik", *bundle],
        "eval": ["eval", str(corpus[1]), "--limit", "20", *bundle],
        "bench": ["bench", "--trials", "1", "--seconds", "1", *bundle],
        "train": ["train", str(corpus[0]), "--valid", str(corpus[1]), "--out", str(folder / "run"), *train],
        "export": ["export", str(tiny_run), "--out", str(folder / "bundle")],
        "personal": ["personal", "learn", str(corpus[1]), *bundle],
        "serve": ["serve", *bundle],
    }
    if find_spec("websockets") is not None:
        commands["http"] = ["serve", "--http", "0", "--idle", "8", *bundle]
    traced = {name: Traced(folder, name) for name in (*commands, "pad")}
    running = {name: traced[name].start(sys.executable, "-c", STAY, *words) for name, words in commands.items()}
    talk_to(running, traced)
    traced["host"] = Traced(folder, "host")
    running["host"] = traced["host"].start(sys.executable, "-c", HOST_FIRST)
    pad = [sys.executable, "-m", "foretype.tui.cli", *bundle, str(folder / "t.txt")]
    with terminal(["env", "-u", VARIABLE, *traced["pad"].trace, *pad], traced["pad"].env) as screen:
        screen.shows("saved")
        screen.type("we like tomahawk on and on ")
        screen.shows("on and on")
        for process in running.values():
            output, _ = process.communicate(timeout=240)
            assert process.returncode == 0, output.decode()
        screen.type("\x13")
        screen.shows("Saved")
        screen.type("\x11")
        assert screen.exit_code() == 0
    return traced


@pytest.mark.parametrize("name", ["suggest", "eval", "bench", "train", "export", "personal", "pad", "serve"])
def test_no_program_opens_an_internet_socket_or_leaves_a_file(programs: dict[str, Traced], name: str) -> None:
    assert programs[name].internet_calls() == []
    assert programs[name].stray_files() == []


def test_the_server_of_web_sockets_only_listens_and_only_on_this_machine(programs: dict[str, Traced]) -> None:
    if "http" not in programs:
        pytest.skip("needs the extra `http`")
    made, bound = programs["http"].internet_calls()
    assert "socket(AF_INET, SOCK_STREAM" in made
    assert "bind(" in bound
    assert 'inet_addr("127.0.0.1")' in bound
    assert programs["http"].stray_files() == []


def test_the_pad_learned_all_the_while(programs: dict[str, Traced]) -> None:
    assert (programs["pad"].home / "foretype" / "personal" / "default.sqlite3").exists()


def test_the_trace_shows_telemetry_where_there_is_some(programs: dict[str, Traced]) -> None:
    """A program that imports ONNX Runtime by itself is seen to use the network: the tests above can fail."""
    if not programs["host"].stray_files():
        pytest.skip("this build of ONNX Runtime has no telemetry")
    assert programs["host"].internet_calls()


def test_a_host_that_imported_onnxruntime_first_is_told(tiny_bundle: Path) -> None:
    code = f"""
import onnxruntime
from foretype.runtime import load
model = load({str(tiny_bundle)!r})
print(model.session().notice, model.info()["notice"], sep="\\n")
"""
    for value, told in ((None, True), ("1", False)):
        env = {k: v for k, v in os.environ.items() if k != VARIABLE}
        env |= {VARIABLE: value} if value else {}
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
        assert [("telemetry may be on" in line) for line in result.stdout.splitlines()] == [told, told]
