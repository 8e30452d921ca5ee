"""A small threaded HTTP server over the standard library: one function from a `Request` to a `Response`.

It keeps connections alive, reads bodies by length or in chunks, writes head and body in one piece (two small writes on
a kept connection would wait for each other), streams server-sent events, and takes a client that goes away quietly.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 64 * 1024 * 1024
"""More than any route takes: the API is the one to refuse 5 MiB."""
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_OWN_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, TimeoutError)


class CannotServe(Exception):
    """The port cannot be had; the text says which and what to do."""


class NoAnswer(Exception):
    """Raised by a handler to close the connection without an answer, as a network that fails would."""


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is the raw path with its query; `headers` as they came, several of a name included."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        """The raw path, percent-encoded as it came."""
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        return {
            name: values[-1] for name, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()
        }

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Response:
    """`stream` in place of `body` sends pieces as they come, until the client or the iterable ends it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = field(default_factory=dict)
    stream: Iterable[bytes] | None = None


Handler = Callable[[Request], Response]


def answer_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def answer_text(sentence: str, status: int = 200) -> Response:
    """A sentence, as plain text."""
    return Response(status, f"{sentence}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


class Server:
    """One handler on one port of this machine's loopback address, served from threads of its own."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        try:
            self._server = _Listening((LOOPBACK, port), _handling(handler))
        except OSError as error:
            why = (
                "is taken by another program"
                if error.errno == errno.EADDRINUSE
                else f"cannot be used ({error.strerror})"
            )
            raise CannotServe(f"port {port} {why}") from error
        self.port = int(self._server.server_address[1])
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> Server:
        """Answers from now on; the port was taken before, so that connections made meanwhile only wait."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answers nothing new. Requests under way end with the process."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), _GONE):
            traceback.print_exc()


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Handler

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except _GONE:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the parts say themselves what is worth a line."""

    def exchange(self) -> None:
        body = self._read_body()
        if body is None:
            return
        try:
            response = self.answer(Request(self.command, self.path, self.headers, body))
        except NoAnswer:
            self.close_connection = True
            return
        self._write(response)

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            return self._refused(HTTPStatus.BAD_REQUEST, "Content-Length is not a number.")
        if int(length) > LARGEST_BODY:
            return self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        body = self.rfile.read(int(length))
        self.close_connection = self.close_connection or len(body) < int(length)
        return body if len(body) == int(length) else None

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError:
                return self._refused(HTTPStatus.BAD_REQUEST, "A chunk has no readable length.")
            if len(body) + size > LARGEST_BODY:
                return self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
            body += self.rfile.read(size)
            if size == 0:
                while self.rfile.readline(65536) not in (b"\r\n", b"\n", b""):
                    pass
                return bytes(body)
            self.rfile.readline(8)

    def _refused(self, status: HTTPStatus, sentence: str) -> bytes | None:
        self.close_connection = True
        self._write(answer_text(sentence, status))
        return None

    def _write(self, response: Response) -> None:
        headers = response.headers.items() if isinstance(response.headers, Mapping) else response.headers
        lines = [f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if response.stream is None:
            lines.append(f"Content-Length: {len(response.body)}")
        if response.stream is not None or self.close_connection:
            self.close_connection = True
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        try:
            self.wfile.write(head if self.command == "HEAD" else head + response.body)
            for piece in response.stream or ():
                self.wfile.write(piece)
        except _GONE:
            self.close_connection = True


def _handling(handler: Handler) -> type[_Exchange]:
    methods = {
        f"do_{name}": _Exchange.exchange for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    }
    return type("Exchange", (_Exchange,), {**methods, "answer": staticmethod(handler)})


def free_port() -> int:
    """A port that is free now, for a child that has to be told one."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def host_is_loopback(host: str | None) -> bool:
    """Whether a Host header names this machine: what a page of another site, however its name resolves, cannot say."""
    return _OWN_HOST.fullmatch(host or "") is not None
