"""A fake Graph API: what Meta answers to sends, sender actions and requests for profiles, and what a Page keeps there.

It checks what Meta checks (token, proof, recipient, sizes) and answers errors in Meta's shape. `World.order` makes the
next sends fail or hang.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote

from chalicelib.settings import Page
from local.customers import Customer, World
from local.graph_rules import USER, GraphRefusal, check_message, check_type, recipient
from local.meta import conversation_id
from local.names import invented_name
from local.play import Play
from local.serving import NoAnswer, Request, Response, answer_json
from local.trouble import Trouble

HANG_S = 60.0
EDGES = ("messenger_profile", "personas", "message_attachments")
ACTIONS = ("typing_on", "typing_off", "mark_seen")
_PATH = re.compile(r"/v\d+\.\d+/([^/]+)(?:/(\w+))?")


class GraphApi:
    """Answers for the given Pages. `picture_base` is where invented portraits are served from."""

    def __init__(
        self, play: Play, pages: Sequence[Page], app_secret: str, picture_base: str, hang_s: float = HANG_S
    ) -> None:
        self._play = play
        self._world: World = play.world
        self._pages = {page.token: page for page in pages}
        self._secret = app_secret
        self._picture_base = picture_base
        self._hang_s = hang_s
        self._stopping = threading.Event()
        self._kept: dict[tuple[str, str], dict[str, Any]] = {}

    def stop(self) -> None:
        """Lets go of every request that hangs."""
        self._stopping.set()

    def __call__(self, request: Request) -> Response:
        """One request of the Graph API."""
        try:
            return answer_json(self._answer(request))
        except GraphRefusal as refusal:
            error = {**refusal.error, "fbtrace_id": secrets.token_urlsafe(8)}
            return answer_json({"error": error}, 400)

    def _answer(self, request: Request) -> dict[str, object]:
        fields = _fields(request)
        page = self._page(request, fields)
        match = _PATH.fullmatch(request.path)
        node, edge = (unquote(match[1]), match[2]) if match else ("", "")
        if request.method == "GET" and edge is None:
            return self._profile(page, node)
        if request.method == "POST" and edge == "messages" and node in ("me", page.id):
            return self._send(page, fields)
        if edge in EDGES and node in ("me", page.id):
            return self._edge(page, request.method, edge, fields)
        if request.method == "POST" and edge in ("messages", *EDGES):
            raise GraphRefusal(200, "(#200) This access token is not one of that Page.")
        message = f"Unsupported {request.method.lower()} request."
        raise GraphRefusal(100, message, 33, "GraphMethodException")

    def _page(self, request: Request, fields: Mapping[str, Any]) -> Page:
        """The Page whose token this is, after checking the proof that the caller holds the app's secret."""
        bearer = request.headers.get("Authorization", "")
        token = str(fields.get("access_token") or bearer.removeprefix("Bearer ").removeprefix("OAuth "))
        if not token:
            raise GraphRefusal(2500, "An active access token must be used to query information about the current user.")
        if token not in self._pages:
            raise GraphRefusal(190, "Invalid OAuth access token - Cannot parse access token")
        proof = fields.get("appsecret_proof")
        if proof is None:
            raise GraphRefusal(
                100, "API calls from the server require an appsecret_proof argument", kind="GraphMethodException"
            )
        expected = hmac.new(self._secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(str(proof).encode(), expected.encode()):
            message = "Invalid appsecret_proof provided in the API argument"
            raise GraphRefusal(100, message, kind="GraphMethodException")
        return self._pages[token]

    def _profile(self, page: Page, node: str) -> dict[str, object]:
        if node in ("me", page.id):
            return {"id": page.id, "name": "The local Page"}
        if USER.fullmatch(node) is None:
            raise GraphRefusal(100, "Unsupported get request.", 33, "GraphMethodException")
        first, last = invented_name(node)
        picture = f"{self._picture_base}/{hashlib.sha256(node.encode()).hexdigest()[:16]}.svg"
        return {"first_name": first, "last_name": last, "profile_pic": picture, "id": node}

    def _edge(self, page: Page, method: str, edge: str, fields: Mapping[str, Any]) -> dict[str, object]:
        """A Page's profile, personas and attachments, as far as a bot library wants to see them kept."""
        given = {name: value for name, value in fields.items() if name not in ("access_token", "appsecret_proof")}
        kept = self._kept.setdefault((page.id, edge), {})
        if edge == "messenger_profile":
            if method == "GET":
                wanted = str(given.get("fields", "")).split(",")
                return {"data": [{name: kept[name] for name in wanted if name in kept}]}
            for name in given["fields"] if method == "DELETE" else given:
                kept.pop(name, None)
            kept.update(given if method == "POST" else {})
            return {"result": "success"}
        if method == "GET":
            return {"data": [{"id": id_, **item} for id_, item in kept.items()]}
        id_ = f"{secrets.randbelow(9 * 10**14) + 10**14}"
        kept[id_] = given
        return {"attachment_id": id_} if edge == "message_attachments" else {"id": id_}

    def _send(self, page: Page, fields: Mapping[str, Any]) -> dict[str, object]:
        user = recipient(fields)
        action, message = fields.get("sender_action"), fields.get("message")
        if (action is None) == (message is None):
            raise GraphRefusal(100, "(#100) Exactly one of message and sender_action is needed.")
        if action is not None and action not in ACTIONS:
            raise GraphRefusal(100, f"(#100) Param sender_action must be one of {{{', '.join(ACTIONS)}}}")
        if message is None:
            self._play.sees(self._customer(page, user), str(action))
            return {"recipient_id": user}
        check_type(fields)
        check_message(message)
        trouble = self._world.meet()
        if trouble is not None:
            self._meet(trouble, lambda: self._play.receives(self._customer(page, user), message))
        return {"recipient_id": user, "message_id": self._play.receives(self._customer(page, user), message)}

    def _meet(self, trouble: Trouble, send: Callable[[], object]) -> None:
        if trouble.hang is None:
            raise GraphRefusal(trouble.code, trouble.message, trouble.subcode)
        if trouble.hang == "taken":
            send()
        self._stopping.wait(self._hang_s)
        raise NoAnswer

    def _customer(self, page: Page, user: str) -> Customer:
        """Whoever is written to exists from then on: replayed users are nobody's invention."""
        found = self._world.find(conversation_id(page.platform, page.id, user))
        return found or self._world.add(page.platform, page.id, user, guest=True)


def _fields(request: Request) -> dict[str, Any]:
    """The parameters of a call: of its query, of a JSON body, or of a form whose values may be JSON."""
    fields: dict[str, Any] = dict(request.query)
    if not request.body:
        return fields
    if request.headers.get_content_type() == "application/x-www-form-urlencoded":
        form = parse_qs(request.body.decode(errors="replace"))
        return fields | {name: _maybe_json(values[-1]) for name, values in form.items()}
    body = request.json()
    if not isinstance(body, dict):
        raise GraphRefusal(100, "(#100) The body is not a JSON object.")
    return fields | body


def _maybe_json(value: str) -> Any:
    try:
        return json.loads(value) if value[:1] in "{[" else value
    except ValueError:
        return value
