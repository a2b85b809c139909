"""Many clients at one Unix socket: who may connect, when the server ends, and the example clients."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT
from serving import COMMAND, connected, listening

from foretype.runtime import load

CLIENTS = ROOT / "docs" / "clients"
pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")


@pytest.fixture(scope="module")
def server(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("socket") / "foretype.sock"
    with listening(path, "--bundle", str(tiny_bundle), "--rest", "0.2"):
        yield path


@pytest.fixture(scope="module")
def words(tiny_bundle: Path) -> list[str]:
    """What every client is to print for "we "."""
    return [word.text for word in load(tiny_bundle).session().suggest("we ")]


def test_clients_share_a_process_but_not_their_fields(server: Path, words: list[str]) -> None:
    assert server.stat().st_mode & 0o777 == 0o600
    with connected(server) as one, connected(server) as two:
        assert one.call("info")["process"] == two.call("info")["process"]
        field = one.call("open")["field"]
        assert one.words(field, "we ") == words
        assert two.error("suggest", field=field, text="we ")[0] == -32001
        one.call("close", field=field)


def test_a_client_that_vanishes_leaves_no_fields(server: Path) -> None:
    with connected(server) as talk:
        field = talk.call("open")["field"]
        for start in range(20):
            talk.send("suggest", field=field, text="we like the sea " * 500 + str(start))
    with connected(server) as talk:
        end = time.monotonic() + 10
        while talk.call("info")["fields"] and time.monotonic() < end:
            time.sleep(0.05)
        assert talk.call("info")["fields"] == 0


def test_a_field_that_rested_answers_the_same(server: Path, words: list[str]) -> None:
    with connected(server) as talk:
        field = talk.call("open")["field"]
        assert talk.words(field, "we ") == words
        time.sleep(0.6)
        assert talk.words(field, "we ") == words


def test_a_second_server_and_other_peoples_files_are_refused(server: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    for path, said in (
        (server, "another server listens here"),
        (tmp_path / "notes", "exists and is no socket"),
        (tmp_path / "no" / "folder", "No such file or directory"),
        (tmp_path / ("x" * 200), "too long"),
    ):
        result = subprocess.run([*COMMAND, "serve", "--socket", str(path)], capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
    assert (tmp_path / "notes").read_text() == "mine"
    with connected(server) as talk:
        assert talk.call("info")


def test_a_socket_that_a_killed_server_left_is_replaced(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with listening(path, "--bundle", str(tiny_bundle), "--idle", "0.3") as process:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                with connected(path) as talk:
                    assert talk.call("info")
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        process.wait(timeout=10)  # idle
        assert process.returncode == 0
        assert not path.exists()


def test_a_server_that_is_terminated_removes_its_socket_and_says_nothing(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "ended.sock"
    with listening(path, "--bundle", str(tiny_bundle)) as process, connected(path) as talk:
        talk.call("open")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, b"")
        assert not path.exists()


def test_the_python_client_starts_a_server_on_demand(tmp_path: Path, words: list[str], tiny_bundle: Path) -> None:
    path = tmp_path / "demand.sock"
    program = tmp_path / "foretype"  # a server for the small bundle that does not stay
    options = f"--bundle {tiny_bundle} --idle 0.5"
    program.write_text(f'#!/bin/sh\necho started >> {tmp_path}/starts\nexec {" ".join(COMMAND)} "$@" {options}\n')
    program.chmod(0o755)
    client = [sys.executable, str(CLIENTS / "foretype_client.py"), str(path), "we ", str(program)]
    both = [subprocess.Popen(client, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for running in both:
        printed, _ = running.communicate(timeout=20)
        assert running.returncode == 0
        assert [line.split()[0] for line in printed.splitlines()] == words
    assert (tmp_path / "starts").read_text().count("started") in (1, 2)
    end = time.monotonic() + 10
    while path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not path.exists()


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_node_client(words: list[str], tiny_bundle: Path) -> None:
    command = ["node", str(CLIENTS / "client.mjs"), "we ", *COMMAND, "serve", "--bundle", str(tiny_bundle)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == words


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_c_client(server: Path, words: list[str], tmp_path: Path) -> None:
    program = tmp_path / "client"
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, "-o", str(program), str(CLIENTS / "client.c")], check=True)
    result = subprocess.run([str(program), str(server), 'a "quoted"\nline. We '], capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert b'"suggestions":[{' in result.stdout
    plain = subprocess.run([str(program), str(server), "we "], capture_output=True, text=True, check=True)
    assert all(f'"text":"{word}"' in plain.stdout for word in words)
    missing = subprocess.run([str(program), os.devnull, "x"], capture_output=True, text=True, check=False)
    assert missing.returncode == 1
