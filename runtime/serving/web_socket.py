"""Serves WebSockets on this machine's loopback address, for browser extensions. Needs the extra `http`.

Every web page can try to connect to a port of this machine, so three things are checked before a connection is made:
`Host`, against names that a page's own server points here (DNS rebinding); `Origin`, which a browser sets and a page
cannot change; and a secret token.
"""

from __future__ import annotations

import hmac
import http
import logging
import os
import re
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.user_folder import data_folder, identity, make_private_file, make_private_folder
from foretype.runtime.serving.clients import Clients
from foretype.runtime.serving.lines import LONGEST_LINE

ADDRESS = "127.0.0.1"
PROTOCOL = Subprotocol("foretype.1")
"""The subprotocol that a client offers, followed by `token.` and the token: a page can set no other header."""
_TOKEN = "token."
_TOKEN_BYTES = 32
_EXTENSIONS = re.compile(r"(?:chrome|moz|safari-web)-extension://[\w.-]+")


def token_path() -> Path:
    """The file with the token, in the user's data folder."""
    return data_folder() / "http-token"


def read_token() -> str:
    """The token of this user, made at the first call. Only this user can read its file.

    Raises StoreError if something else lies there; ForetypeError if the file holds no token; OSError.
    """
    path = token_path()
    make_private_folder(path.parent)
    if not os.path.lexists(path):
        with replacing(path, private=True) as temporary:
            temporary.write_text(secrets.token_urlsafe(_TOKEN_BYTES) + "\n", encoding="ascii")
    identity(path)
    make_private_file(path)  # also if its mode was changed since
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if not re.fullmatch(r"[\w-]{20,}", token, re.ASCII):
        raise ForetypeError(f"{path}: holds no token; delete the file, and the next start writes a new one")
    return token


def listen(port: int) -> socket.socket:
    """A socket that listens at `port` of the loopback address; 0 for any free port. Raises ForetypeError."""
    listener = socket.socket(socket.AF_INET)
    try:
        if os.name == "posix":  # on Windows, it would let two servers listen at once
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ForetypeError(f"{ADDRESS}:{port}: {error.strerror or error}") from None
    return listener


async def serve_web_sockets(listener: socket.socket, token: str, origins: Sequence[str], clients: Clients) -> Server:
    """Start to serve; the result's `close` ends it.

    origins: the websites that may connect, beside browser extensions and programs that send no origin.
    """
    port = listener.getsockname()[1]
    hosts = {f"{name}:{port}" for name in (ADDRESS, "localhost")}
    expected = f"{_TOKEN}{token}".encode()

    def check(connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get_all("Host") not in [[host] for host in hosts]:
            return connection.respond(http.HTTPStatus.FORBIDDEN, f"Host: expected {ADDRESS}:{port}\n")
        offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
        matches = [hmac.compare_digest(expected, each.strip().encode(errors="replace")) for each in offered]
        if True not in matches:
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "Sec-WebSocket-Protocol: expected the token\n")
        return None

    async def talk(connection: ServerConnection) -> None:
        await clients.serve(_WebSocket(connection))

    log = logging.getLogger("foretype.http")
    if not os.environ.get("FORETYPE_DEBUG"):
        log.setLevel(logging.CRITICAL + 1)  # a refused connection is no error of the server
    return await serve(
        talk,
        sock=listener,
        origins=[None, _EXTENSIONS, *map(Origin, origins)],
        subprotocols=[PROTOCOL],
        process_request=check,
        compression=None,
        max_size=LONGEST_LINE,
        server_header=None,
        logger=log,
    )


class _WebSocket:
    """A client at a WebSocket: each message holds one message of the protocol."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def read(self) -> bytes:
        try:
            message = await self._connection.recv(decode=False)
        except ConnectionClosed:
            return b""
        return bytes(message).replace(b"\n", b" ") + b"\n"  # in JSON, a line feed is white space

    async def write(self, data: bytes) -> None:
        try:
            await self._connection.send(data.rstrip(b"\n"), text=True)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None
