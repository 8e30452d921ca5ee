"""The local servers: raw bytes both ways, the host check, the tunnel's narrow door, and clients that misbehave."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from local.proxy import Upstream, origin, tunnel
from local.serving import CannotServe, NoAnswer, Request, Response, Server, answer_text, host_is_loopback

BYTES = bytes(range(256)) * 4


def repeats(request: Request) -> Response:
    """What came, in headers and body."""
    if request.path == "/silence":
        raise NoAnswer
    if request.path == "/bug":
        raise ZeroDivisionError
    status = 201 if request.method == "POST" else 200
    seen = {"X-Target": request.target, "X-Method": request.method, "X-Host": request.headers.get("Host", "")}
    return Response(status, request.body, [*seen.items(), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])


@pytest.fixture
def upstream() -> Iterator[Server]:
    with Server(repeats) as server:
        yield server


@pytest.fixture
def front(upstream: Server) -> Iterator[Server]:
    api = Upstream("The API", upstream.port)
    with Server(
        origin(
            api.pass_on,
            lambda _: answer_text("simulator"),
            lambda _: answer_text("dashboard"),
            lambda _: answer_text("provider"),
            {"api": "/api"},
            8000,
        )
    ) as server:
        yield server


@pytest.fixture
def outside(upstream: Server) -> Iterator[Server]:
    with Server(tunnel(Upstream("The API", upstream.port).pass_on)) as server:
        yield server


def ask(
    server: Server, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def raw(server: Server, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_the_origin_passes_bytes_status_and_headers_unchanged(front: Server) -> None:
    answer, content = ask(front, "POST", "/api/a%2Fb%20c?x=%C3%A4&y", BYTES, Host="localhost:8000")
    assert (answer.status, content) == (201, BYTES)
    assert answer.getheader("X-Target") == "/a%2Fb%20c?x=%C3%A4&y"
    assert answer.getheader("X-Host") == "localhost:8000"
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_passes(front: Server, method: str) -> None:
    answer, _ = ask(front, method, "/api/x")
    assert (answer.status, answer.getheader("X-Method")) == (200, method)


def test_a_head_answer_has_no_body(front: Server) -> None:
    answer, content = ask(front, "HEAD", "/api/x")
    assert (answer.status, content) == (200, b"")


def test_five_mebibytes_arrive(front: Server) -> None:
    _, content = ask(front, "POST", "/api/webhook", b"x" * 5 * 1024 * 1024)
    assert len(content) == 5 * 1024 * 1024


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/", 200, None),
        ("/api", 200, None),
        ("/simulator", 200, None),
        ("/simulator/x", 200, None),
    ],
)
def test_what_the_origin_serves(front: Server, path: str, status: int, location: str | None) -> None:
    answer, _ = ask(front, "GET", path)
    assert (answer.status, answer.getheader("Location")) == (status, location)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost", True),
        ("localhost:8000", True),
        ("LOCALHOST:1", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("evil.example", False),
        ("localhost.evil.example:8000", False),
        ("evil.example@localhost", False),
        ("127.0.0.1.nip.io", False),
        ("192.168.1.5:8000", False),
        ("0.0.0.0:8000", False),
        ("[broken", False),
        ("", False),
        (None, False),
    ],
)
def test_only_names_of_this_machine_are_answered(host: str | None, is_ours: bool) -> None:
    assert host_is_loopback(host) is is_ours


@pytest.mark.parametrize("path", ["/", "/api/health", "/simulator", "/api/webhook"])
def test_another_host_is_refused_in_words(front: Server, path: str) -> None:
    answer, content = ask(front, "GET", path, Host="evil.example")
    assert answer.status == 403
    assert "http://localhost:8000" in json.loads(content)["message"]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/webhook", "/webhook"),
        ("/api/webhook", "/webhook"),
        ("/webhook?hub.mode=subscribe", "/webhook?hub.mode=subscribe"),
        ("/api/health", None),
        ("/", None),
        ("/webhook/", None),
        ("/api/botpress-hitl/sessions", None),
        ("/simulator", None),
        ("/api/webhook/../health", None),
        ("/graph/v25.0/me/messages", "/graph/v25.0/me/messages"),
        ("/api/graph/v25.0/me/messages?access_token=x", "/graph/v25.0/me/messages?access_token=x"),
        ("/graph", None),
        ("/graphs/v25.0", None),
        ("/graph/../health", None),
    ],
)
def test_the_tunnel_shows_webhook_and_graph_only_and_to_any_host(
    outside: Server, path: str, target: str | None
) -> None:
    answer, _ = ask(outside, "GET", path, Host="something.example")
    assert (answer.status, answer.getheader("X-Target")) == ((404, None) if target is None else (200, target))


def test_two_requests_on_one_connection(front: Server) -> None:
    request = b"GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert raw(front, request * 2).count(b"HTTP/1.1 200") == 2


def test_a_body_in_chunks(front: Server) -> None:
    head = b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = raw(front, head + b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 201")
    assert answer.endswith(b"\r\n\r\nabcdefg")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Length: x", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: 99999999999", b"413"),
        (b"Transfer-Encoding: chunked", b"400"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(front: Server, headers: bytes, status: bytes) -> None:
    answer = raw(front, b"POST /api/x HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\nzz\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_a_client_that_goes_away_harms_nobody(front: Server, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        connection = socket.create_connection(("127.0.0.1", front.port))
        connection.sendall(b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        connection.close()
    assert ask(front, "GET", "/api/x")[0].status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_an_upstream_that_says_nothing_is_a_502(front: Server, upstream: Server) -> None:
    assert ask(front, "GET", "/api/silence")[0].status == 502
    upstream.stop()
    answer, content = ask(front, "GET", "/api/x")
    assert answer.status == 502
    assert json.loads(content)["code"] == "unavailable"


def test_a_port_that_is_taken_is_named(upstream: Server) -> None:
    with pytest.raises(CannotServe, match=f"port {upstream.port} is taken"):
        Server(repeats, upstream.port)


def test_one_at_a_time_is_one_at_a_time() -> None:
    now, most, lock = [0], [0], threading.Lock()

    def counts(_: Request) -> Response:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1
        return Response()

    with Server(counts) as moto, Server(Upstream("moto", moto.port, at_once=1)) as serialiser:
        threads = [threading.Thread(target=ask, args=(serialiser, "POST", "/", b"{}")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1]
