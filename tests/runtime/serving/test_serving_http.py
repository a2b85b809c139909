"""WebSockets for browser extensions: the same answers as at the socket, and who may connect."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT
from serving import COMMAND, check, serving_http, web_socket

pytest.importorskip("websockets", reason="needs the extra `http`")

from websockets.exceptions import ConnectionClosedError, InvalidStatus

from foretype.runtime import load
from foretype.runtime.serving.lines import LONGEST_LINE

CLIENT = ROOT / "docs" / "clients" / "browser.mjs"
Address = tuple[int, str]


@pytest.fixture(scope="module")
def server(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORETYPE_HOME", str(tmp_path_factory.mktemp("home")))
        with serving_http("--bundle", str(tiny_bundle), "--origin", "https://mine.example") as (port, token, _):
            yield port, token


@pytest.fixture(scope="module")
def words(tiny_bundle: Path) -> list[str]:
    return [word.text for word in load(tiny_bundle).session().suggest("we ")]


def refusal(port: int, token: str, **settings: object) -> int:
    """The HTTP status with which the server refuses a client."""
    with pytest.raises(InvalidStatus) as refused, web_socket(port, token, **settings):  # type: ignore[arg-type]
        pass
    return refused.value.response.status_code


def test_it_answers_as_the_socket_does(server: Address, words: list[str]) -> None:
    with web_socket(*server) as talk, web_socket(*server, host="localhost") as other:
        field = talk.call("open", offsets="utf-16")["field"]
        assert talk.words(field, "we ") == words
        assert other.error("suggest", field=field, text="we ")[0] == -32001
        assert talk.error("nonsense")[0] == -32601
        talk.line(b"{")
        message = talk.receive()
        check("error", message)
        assert message["error"]["code"] == -32700
        talk.line(b'{"jsonrpc": "2.0",\n "id": 50,\n "method": "nonsense"}')
        assert talk.receive()["id"] == 50  # a message on several lines is one message


def test_a_token_is_needed(server: Address) -> None:
    port, token = server
    for wrong in ("x", token[:-1], f"{token}x", f"{token[:-1]}!"):
        assert refusal(port, wrong) == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:{port}"])
def test_another_host_is_refused_as_in_dns_rebinding(server: Address, host: str) -> None:
    port, token = server
    request = "\r\n".join(
        [
            "GET / HTTP/1.1",
            f"Host: {host.format(port=port)}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"Sec-WebSocket-Protocol: foretype.1, token.{token}",
        ]
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{request}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://mine.example.evil", "null", "http://mine.example", "http://127.0.0.1"]
)
def test_websites_are_refused(server: Address, origin: str) -> None:
    assert refusal(*server, origin=origin) == 403


@pytest.mark.parametrize("origin", ["moz-extension://0a-1b", "chrome-extension://abcdef", "https://mine.example"])
def test_extensions_and_chosen_websites_may_connect(server: Address, origin: str, words: list[str]) -> None:
    with web_socket(*server, origin=origin) as talk:
        assert talk.words(talk.call("open")["field"], "we ") == words


def test_a_message_that_is_too_long_ends_its_connection_only(server: Address) -> None:
    with web_socket(*server) as talk:
        talk.line(b" " * (LONGEST_LINE + 1))
        with pytest.raises(ConnectionClosedError):
            talk.receive()
    with web_socket(*server) as talk:
        assert talk.call("info")


def test_it_listens_on_the_loopback_address_only(server: Address) -> None:
    port = f"{server[0]:04X}"
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs /proc")
    lines = table.read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines()
    listening = [line.split()[1] for line in lines if line.split()[1].endswith(f":{port}") and line.split()[3] == "0A"]
    assert listening == [f"0100007F:{port}"]


def test_the_token_is_private_and_stays(tiny_bundle: Path, home: Path) -> None:
    tokens = []
    for _ in range(2):
        with serving_http("--bundle", str(tiny_bundle), "--idle", "0.1") as (_, token, process):
            tokens.append(token)
            process.wait(timeout=10)  # idle
            assert process.returncode == 0
        path = home / "http-token"
        assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
    assert tokens[0] == tokens[1]
    assert len(tokens[0]) >= 40


def test_it_ends_in_silence_and_names_what_hinders_it(tiny_bundle: Path, home: Path) -> None:
    with serving_http("--bundle", str(tiny_bundle)) as (port, token, process), web_socket(port, token) as talk:
        talk.call("open")
        command = [*COMMAND, "serve", "--http", str(port)]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert second.stderr == f"foretype: 127.0.0.1:{port}: Address already in use\n"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, b"")
    (home / "http-token").write_text("short\n")
    broken = subprocess.run([*COMMAND, "serve", "--http", "0"], capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "http-token: holds no token" in broken.stderr


def test_the_browser_client(server: Address, words: list[str], tmp_path: Path) -> None:
    node, flag = shutil.which("node"), "--experimental-websocket"
    if node is None or subprocess.run([node, flag, "-e", "WebSocket"], capture_output=True, check=False).returncode:
        pytest.skip("needs a node that has WebSocket")
    port, token = server
    program = tmp_path / "try.mjs"
    program.write_text(
        f"""
import {{ Client }} from {str(CLIENT)!r};
await Client.connect({port}, "wrong").then(() => process.exit(2), (error) => console.log(error.message));
const client = await Client.connect({port}, {token!r});
const {{ field }} = await client.call("open", {{ offsets: "utf-16" }});
await client.call("open", {{ k: -1 }}).catch((error) => console.log(error.code));
console.log((await client.call("suggest", {{ field, text: "we " }})).suggestions.map((word) => word.text).join(" "));
client.close();
"""
    )
    result = subprocess.run([node, flag, program], capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0].startswith("no server at this port")
    assert result.stdout.splitlines()[1:] == ["-32602", " ".join(words)]
