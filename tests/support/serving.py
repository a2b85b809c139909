"""A real `foretype serve` to talk to, and a check of every message against the published schema."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jsonschema import Draft202012Validator

from foretype.runtime.serving.schema import published

COMMAND = [sys.executable, "-m", "foretype.tui.cli"]
SCHEMA = published()


def check(name: str, message: Any) -> None:
    """Raise jsonschema.ValidationError if `message` does not fit the published schema `name`."""
    Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}).validate(message)


class Talk:
    """Requests to a server, and its replies, over two streams."""

    def __init__(self, output: IO[bytes], replies: IO[bytes]) -> None:
        self.output = output
        self._replies = replies
        self._ids = itertools.count(1)
        self._methods: dict[Any, str] = {}
        self._held: list[bytes] | None = None

    def send(self, method: str, /, *, valid: bool = True, **params: Any) -> int:
        """Send a request, and return its id. valid: whether it should fit the schema."""
        number = next(self._ids)
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        if valid:
            check(f"request.{method}", message)
        self._methods[number] = method
        self.line(json.dumps(message).encode())
        return number

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send all lines of the block at once, so that the server cannot answer one before it has the next."""
        held: list[bytes] = []
        self._held = held
        yield
        self._held = None
        self.line(b"\n".join(held))

    def notify(self, method: str, /, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        check(f"request.{method}", message)
        self.line(json.dumps(message).encode())

    def line(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        self.output.write(data + b"\n")
        self.output.flush()

    def receive(self) -> dict[str, Any]:
        """The next reply, in whatever order the server sends them."""
        line = self._replies.readline()
        assert line, "the server ended"
        message: dict[str, Any] = json.loads(line)
        check("error" if "error" in message else f"reply.{self._methods[message['id']]}", message)
        return message

    def call(self, method: str, /, **params: Any) -> Any:
        """Send a request, and return its result. No other request may wait."""
        number = self.send(method, **params)
        message = self.receive()
        assert message["id"] == number
        assert "result" in message, message
        return message["result"]

    def error(self, method: str, /, **params: Any) -> tuple[int, str]:
        """Send a request that fails, and return the code and the message."""
        number = self.send(method, valid=False, **params)
        message = self.receive()
        assert message["id"] == number
        return message["error"]["code"], message["error"]["message"]

    def words(self, field: int, text: str, **params: Any) -> list[str]:
        """What `suggest` offers."""
        return [word["text"] for word in self.call("suggest", field=field, text=text, **params)["suggestions"]]


@contextmanager
def standard(*options: str) -> Iterator[tuple[Talk, subprocess.Popen[bytes]]]:
    """A server on standard input and output. It must end by itself when its input ends, and report nothing."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([*COMMAND, "serve", *options], stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin
    assert process.stdout
    try:
        yield Talk(process.stdin, process.stdout), process
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert errors == b""
    finally:
        process.kill()
        process.communicate()


@contextmanager
def listening(path: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server at the Unix socket `path`."""
    command = [*COMMAND, "serve", "--socket", str(path), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ)
    try:
        end = time.monotonic() + 20
        while not path.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def connected(path: Path) -> Iterator[Talk]:
    """A client of the server at `path`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        with connection.makefile("wb") as output, connection.makefile("rb") as replies:
            yield Talk(output, replies)


class _Messages:
    """The messages of a WebSocket as a stream of lines."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        self._connection.send(data.decode())

    def flush(self) -> None:
        pass

    def readline(self) -> bytes:
        return str(self._connection.recv(timeout=20)).encode()


@contextmanager
def serving_http(*options: str) -> Iterator[tuple[int, str, subprocess.Popen[bytes]]]:
    """A server of WebSockets: its port, its token and its process."""
    command = [*COMMAND, "serve", "--http", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ)
    assert process.stderr
    try:
        said = process.stderr.readline().decode()
        assert "ws://127.0.0.1:" in said, said
        token = Path(said.strip().rpartition("the token is in ")[2]).read_text().strip()
        yield int(said.split(";")[0].rpartition(":")[2]), token, process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def web_socket(port: int, token: str, host: str = "127.0.0.1", **settings: Any) -> Iterator[Talk]:
    """A client of the server at `port`. settings: of `websockets.sync.client.connect`."""
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    protocols = [Subprotocol("foretype.1"), Subprotocol(f"token.{token}")]
    with connect(f"ws://{host}:{port}", subprotocols=protocols, proxy=None, max_size=None, **settings) as connection:
        stream: Any = _Messages(connection)
        yield Talk(stream, stream)
