"""A chat server for tests: enough of the Internet Relay Chat protocol (RFC 1459) for a client to join a channel."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Client(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        nick = ""
        for line in self.rfile:
            command, _, rest = line.decode(errors="replace").strip().partition(" ")
            if command == "CAP" and rest.startswith("LS"):
                self._say(":test CAP * LS :")
            elif command == "NICK":
                nick = rest.removeprefix(":")
            elif command == "USER":
                self._say(f":test 001 {nick} :Welcome")
            elif command == "PING":
                self._say(f":test PONG test {rest}")
            elif command == "JOIN" and rest.startswith("#"):  # irssi first joins nothing, to see what is answered
                self._say(f":{nick}!u@test JOIN {rest}", f":test 353 {nick} = {rest} :{nick} annabel")
                self._say(f":test 366 {nick} {rest} :End of names")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def chat_server() -> Iterator[int]:
    """Serve on a port of this machine, and yield the port. In every channel there is also `annabel`."""
    with _Server(("127.0.0.1", 0), _Client) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
