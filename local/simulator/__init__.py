"""The page on which you play the customer: its files, and the few calls that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from chalicelib.settings import Page
from local.customers import Customer
from local.play import Play
from local.serving import Request, Response, answer_json, answer_text
from local.simulator.portraits import portrait
from local.trouble import TROUBLES

_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_ACTION = re.compile(r"/simulator/api/customers/([^/]+)/(\w+)")
_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' http: https: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MENU = ({"title": "Talk to a person", "payload": "HITL_START"},)
"""The Page's persistent menu."""
SAMPLES = {"parcel": "A dented parcel", "receipt": "A receipt", "cat": "A cat"}
"""Pictures that a customer may send, and how they are called."""


class Api(Protocol):
    """Calls our own API with the token that the browser must not have."""

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of the answer."""


class Simulator:
    """Answers everything under /simulator. `counts` tells what is still in the mailbox."""

    def __init__(
        self,
        play: Play,
        pages: Sequence[Page],
        api: Api,
        counts: Callable[[], Mapping[str, int]],
        *,
        base_url: str,
        real_graph: bool,
    ) -> None:
        self._play = play
        self._world = play.world
        self._pages = pages
        self._api = api
        self._counts = counts
        self._base_url = base_url
        self._real_graph = real_graph

    def __call__(self, request: Request) -> Response:
        """A file of the page, or one of its calls."""
        if request.method in ("GET", "HEAD"):
            return self._get(request)
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            return answer_text("Only the simulator's own page may call this.", 403)
        if request.method != "POST" or request.headers.get_content_type() != "application/json":
            return answer_text("Calls are POSTs of application/json.", 400)
        fields = request.json()
        return self._post(request.path, fields) if isinstance(fields, dict) else answer_text("Not a JSON object.", 400)

    def _get(self, request: Request) -> Response:
        path = request.path
        if path == "/simulator":
            return Response(302, b"", {"Location": "/simulator/"})
        if path == "/simulator/api/state":
            return answer_json(self._world.snapshot(request.query.get("customer")), headers=_SECURITY)
        if path == "/simulator/api/setup":
            return answer_json(self._setup(), headers=_SECURITY)
        if path == "/simulator/api/mailbox":
            return answer_json(self._counts())
        if path == "/simulator/api/events":
            return Response(200, headers={"Content-Type": "text/event-stream", **_SECURITY}, stream=self._events())
        match = _ACTION.fullmatch(path)
        if match is not None and match[2] == "status":
            return self._answer_of_api("GET", unquote(match[1]), "")
        return _file(path.removeprefix("/simulator/") or "index.html")

    def _setup(self) -> dict[str, object]:
        return {
            "pages": [
                {"key": f"{page.platform}:{page.id}", "platform": page.platform, "id": page.id} for page in self._pages
            ],
            "menu": MENU,
            "samples": [{"url": f"{self._base_url}/{name}.svg", "label": label} for name, label in SAMPLES.items()],
            "troubles": [{"name": trouble.name, "label": trouble.label} for trouble in TROUBLES.values()],
            "real_graph": self._real_graph,
        }

    def _events(self) -> Any:
        """A line whenever something changed; a comment now and then, by which a closed page is noticed."""
        version = -1
        while True:
            now = self._world.wait(version, 10)
            yield f"data: {now}\n\n".encode() if now != version else b": still here\n\n"
            version = now

    def _post(self, path: str, fields: Mapping[str, Any]) -> Response:
        if path == "/simulator/api/customers":
            return self._add(fields)
        if path == "/simulator/api/trouble":
            known = self._world.order(str(fields.get("name")), min(_whole(fields.get("times")), 100))
            return answer_json({}) if known else answer_text("No such trouble.", 404)
        match = _ACTION.fullmatch(path)
        customer = self._world.find(unquote(match[1])) if match else None
        if match is None or customer is None:
            return answer_text("No such customer.", 404)
        if match[2] in ("pause", "unpause"):
            return self._answer_of_api("POST", customer.key, f"/{match[2]}")
        return self._act(customer, match[2], fields)

    def _add(self, fields: Mapping[str, Any]) -> Response:
        chosen = [page for page in self._pages if f"{page.platform}:{page.id}" == fields.get("page")] or [
            self._pages[0]
        ]
        return answer_json({"key": self._world.add(chosen[0].platform, chosen[0].id).key}, 201)

    def _act(self, customer: Customer, action: str, fields: Mapping[str, Any]) -> Response:
        text, payload = str(fields.get("text") or ""), fields.get("payload")
        if action in ("says", "taps", "inbox", "shows") and not text:
            return answer_text("There is nothing to send.", 400)
        match action:
            case "says":
                self._play.says(customer, text, None if payload is None else str(payload))
            case "taps":
                self._play.taps(customer, text, str(payload or ""))
            case "shows":
                self._play.shows(customer, text)
            case "inbox":
                self._play.inbox_says(customer, text)
            case "opens":
                self._play.opens(customer, bool(fields.get("open")))
            case "again" if not self._play.again(customer, _whole(fields.get("line"))):
                return answer_text("That message is too old to be sent again.", 404)
            case "again":
                pass
            case _:
                return answer_text("No such action.", 404)
        return answer_json({})

    def _answer_of_api(self, method: str, key: str, rest: str) -> Response:
        status, body = self._api(method, f"/botpress-hitl/sessions/{key}{rest}", None if method == "GET" else {})
        return answer_json({"status": status, "body": body}, headers=_SECURITY)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _file(name: str) -> Response:
    if name.startswith("portraits/"):
        return Response(200, portrait(name), {"Content-Type": _TYPES[".svg"], **_SECURITY})
    path = _STATIC / name
    if path.parent != _STATIC or path.suffix not in _TYPES or not path.is_file():
        return answer_text("There is no such file.", 404)
    return Response(200, path.read_bytes(), {"Content-Type": _TYPES[path.suffix], **_SECURITY})
