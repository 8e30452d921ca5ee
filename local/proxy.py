"""Raw forwarding: bytes, status and headers pass unchanged, only what belongs to one connection is left out."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping
from urllib.parse import quote

from local.serving import LOOPBACK, Handler, Request, Response, answer_json, answer_text, host_is_loopback

_ONE_CONNECTION_ONLY = {
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_ASCII = "".join(map(chr, range(33, 127)))


class Upstream:
    """A server on this machine that requests are passed on to, `at_once` of them at the same time.

    Every request has a connection of its own: nothing here can be answered by a connection that died meanwhile.
    """

    def __init__(self, name: str, port: int, *, at_once: int = 16, timeout: float = 60) -> None:
        self.name = name
        self.port = port
        self._places = threading.BoundedSemaphore(at_once)
        self._timeout = timeout

    def pass_on(self, request: Request, target: str) -> Response:
        """The answer to the request, under another path and query; 502 when there is none."""
        with self._places:
            connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=self._timeout)
            try:
                return _exchange(connection, request, target)
            except (OSError, http.client.HTTPException) as error:
                sentence = f"{self.name} gave no answer ({type(error).__name__})."
                return answer_json({"code": "unavailable", "message": sentence}, 502)
            finally:
                connection.close()

    def __call__(self, request: Request) -> Response:
        """The same under the same path: one upstream behind one port."""
        return self.pass_on(request, request.target)


def _exchange(connection: http.client.HTTPConnection, request: Request, target: str) -> Response:
    connection.putrequest(request.method, quote(target, safe=_ASCII), skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        if name.lower() not in _ONE_CONNECTION_ONLY:
            connection.putheader(name, value)
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", str(len(request.body)))
    connection.putheader("Connection", "close")
    connection.endheaders(request.body or None)
    answer = connection.getresponse()
    headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _ONE_CONNECTION_ONLY]
    return Response(answer.status, answer.read(), headers)


def origin(
    api: Callable[[Request, str], Response],
    simulator: Handler,
    dashboard: Handler,
    provider: Handler,
    configuration: Mapping[str, str],
    port: int,
) -> Handler:
    """The one origin: the API under /api, the dashboard and all else beside it; for this machine's own names only.

    `provider` has what is under /oidc, and `configuration` tells the dashboard where its API and its sign-in are.
    """

    def answer(request: Request) -> Response:
        if not host_is_loopback(request.headers.get("Host")):
            sentence = f"Open http://localhost:{port} instead: this port answers to the names of this machine only."
            return answer_json({"code": "forbidden", "message": sentence}, 403)
        path = request.path
        if path == "/api" or path.startswith("/api/"):
            return api(request, request.target.removeprefix("/api") or "/")
        if path == "/simulator" or path.startswith("/simulator/"):
            return simulator(request)
        if path.startswith("/oidc/"):
            return provider(request)
        if path == "/config.json":
            return answer_json(configuration, headers={"Cache-Control": "no-store"})
        return dashboard(request)

    return answer


def tunnel(api: Callable[[Request, str], Response]) -> Handler:
    """What may be shown to the world, with and without /api before it: the webhook, and the Graph API for bots."""

    def answer(request: Request) -> Response:
        path, target = request.path.removeprefix("/api"), request.target.removeprefix("/api")
        if path != "/webhook" and not (path.startswith("/graph/") and ".." not in path):
            return answer_text("This port serves /webhook and /graph only.", 404)
        return api(request, target)

    return answer
