"""A language client that shows what it sends and receives: a real server process, spoken to over its pipes."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

URI = "file:///tmp/letter.md"
PATIENCE = 20.0
"""Seconds after which a server that says nothing is considered dead."""


class LspClient:
    """An editor. `notices` holds the messages that the server showed, `marks` the latest diagnostics of each URI.

    given: what the editor answers when the server asks for its settings; without it, the server may not ask. An
    exception is an error.
    """

    def __init__(
        self, bundle: Path | str, *, encodings: tuple[str, ...] = (), settings: object = None, given: object = ...
    ) -> None:
        command = [sys.executable, "-m", "foretype.tui.cli", "lsp", "--bundle", str(bundle)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._buffer = b""
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._version = 0
        self.notices: list[str] = []
        self.marks: dict[str, list[dict[str, Any]]] = {}
        general = {"positionEncodings": list(encodings)} if encodings else {}
        self.given = given
        workspace = {} if given is ... else {"configuration": True}
        self.capabilities = self.ask(
            "initialize",
            {"processId": os.getpid(), "rootUri": None, "capabilities": {"general": general, "workspace": workspace}}
            | ({} if settings is None else {"initializationOptions": settings}),
        )["capabilities"]
        self.tell("initialized", {})

    # --- Messages

    def send(self, method: str, params: object) -> int:
        """Send a request without waiting; returns its number."""
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def tell(self, method: str, params: object) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def reply(self, number: int) -> dict[str, Any]:
        """The whole reply to the request of this number."""
        end = time.monotonic() + PATIENCE
        while number not in self._answers:
            self.read(end - time.monotonic())
        return self._answers.pop(number)

    def ask(self, method: str, params: object) -> Any:
        reply = self.reply(self.send(method, params))
        assert "error" not in reply, reply
        return reply["result"]

    def read(self, seconds: float) -> None:
        """Read one message. Raises TimeoutError."""
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while (message := self._next()) is None:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError("the server says nothing")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, f"the server ended: {self.process.stderr.read() if self.process.stderr else ''!r}"
            self._buffer += data
        if message.get("method") == "workspace/configuration":
            assert message["params"] == {"items": [{"section": "foretype"}]}
            failed = {"error": {"code": -32603, "message": str(self.given)}}
            answer = failed if isinstance(self.given, Exception) else {"result": [self.given]}
            self._write({"jsonrpc": "2.0", "id": message["id"]} | answer)
        elif "id" in message:
            self._answers[message["id"]] = message
        elif message["method"] == "window/showMessage":
            self.notices.append(message["params"]["message"])
        elif message["method"] == "textDocument/publishDiagnostics":
            self.marks[message["params"]["uri"]] = message["params"]["diagnostics"]

    def _next(self) -> dict[str, Any] | None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        message: dict[str, Any] = json.loads(rest[:length])
        return message

    def _write(self, message: object) -> None:
        assert self.process.stdin is not None
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    # --- What an editor does

    def open(self, text: str, language: str = "markdown", uri: str = URI) -> None:
        item = {"uri": uri, "languageId": language, "version": 0, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})

    def edit(self, start: tuple[int, int], end: tuple[int, int], text: str, uri: str = URI) -> None:
        self._version += 1
        change = {"range": {"start": _position(*start), "end": _position(*end)}, "text": text}
        document = {"uri": uri, "version": self._version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def type(self, text: str, line: int, column: int = 0, uri: str = URI) -> None:
        """Type `text`, which has no line ends and only characters of one unit, letter by letter."""
        for number, letter in enumerate(text, column):
            self.edit((line, number), (line, number), letter, uri)

    def save(self, uri: str = URI) -> None:
        self.tell("textDocument/didSave", {"textDocument": {"uri": uri}})

    def complete(self, line: int, column: int, uri: str = URI) -> dict[str, Any]:
        result: dict[str, Any] = self.ask("textDocument/completion", _at(uri, line, column))
        return result

    def words(self, line: int, column: int, uri: str = URI) -> list[str]:
        return [item["label"] for item in self.complete(line, column, uri)["items"]]

    def ghosts(self, line: int, column: int, uri: str = URI) -> list[dict[str, Any]]:
        params = _at(uri, line, column) | {"context": {"triggerKind": 2}}
        items: list[dict[str, Any]] = self.ask("textDocument/inlineCompletion", params)["items"]
        return items

    def close(self) -> int:
        """Say goodbye; returns the exit status."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(PATIENCE)


def _position(line: int, column: int) -> dict[str, int]:
    return {"line": line, "character": column}


def _at(uri: str, line: int, column: int) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": _position(line, column)}


@contextmanager
def language_client(
    bundle: Path | str, *, encodings: tuple[str, ...] = (), settings: object = None, given: object = ...
) -> Iterator[LspClient]:
    """A client, whose server is stopped at the end."""
    client = LspClient(bundle, encodings=encodings, settings=settings, given=given)
    with client.process:  # closes the pipes
        try:
            yield client
        finally:
            client.process.kill()
