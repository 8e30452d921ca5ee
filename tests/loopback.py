"""An HTTP server on this machine that answers from a script and keeps what it was asked: a Graph API, or a bot."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; `peer` tells one connection from another."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[["_Handler"], None]


def says(status: int, body: object = b"", **headers: str) -> Answer:
    """Answer with a status and a body; what is not bytes is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def hangs(handler: _Handler) -> None:
    """Read the request and never answer, until the test is over."""
    handler.loopback.over.wait(10)
    handler.close_connection = True


def resets(handler: _Handler) -> None:
    """Read the request and break the connection."""
    handler.close_connection = True


def drips(head: bytes) -> Answer:
    """Send `head`, then one byte every 20 ms until the test is over: no wait for a byte is ever long."""

    def answer(handler: _Handler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(head)
            while not handler.loopback.over.wait(0.02):
                handler.wfile.write(b"x")

    return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    loopback: Loopback

    def setup(self) -> None:
        super().setup()
        self.loopback.connections.append(self.connection)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.loopback.asked.append(
            Asked(self.command, split.path, query, dict(self.headers.items()), body, self.client_address)
        )
        next(self.loopback.script)(self)

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests look at `asked`."""


class Loopback:
    """Serves `answers` in turn, and the last of them for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[Asked] = []
        self.connections: list[socket.socket] = []
        self.over = threading.Event()
        self.script = chain(answers, repeat(answers[-1]))  # safe between threads, as no generator is
        handler = type("Handler", (_Handler,), {"loopback": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.over.set()
        self._server.shutdown()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # or its thread would wait for a next request
        self._server.server_close()
        self._thread.join()


def refused_url() -> str:
    """A URL on this machine at which nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return f"http://127.0.0.1:{server.server_address[1]}"
