"""The Graph API's own paths: an unmodified bot uses them in place of graph.facebook.com.

A bot token takes the place of the Page's access token, and the Page that it is bound to is `me`. What goes wrong has
the shape of Graph's own errors, with the numbers that bots know.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from chalice.app import Blueprint, Response

from chalicelib import auth, errors, system
from chalicelib.errors import BadRequest, GraphError, HitlError, TooLarge
from chalicelib.message import Actor, Address
from chalicelib.relay import CONTROLS, SUPPORTED, unsupported
from chalicelib.routes.web import MAX_JSON, Call, answer, call_of, check_depth, serve, strict
from chalicelib.settings import Settings

logger = logging.getLogger(__name__)
routes = Blueprint(__name__)

MAX_FIELDS = 100
STATUSES = frozenset({400, 401, 403, 404, 413, 429, 500, 503})
OWNED = "(#10) Message failed to send because another app is controlling this thread now."
"""Meta's own words where another app owns the thread, which bots know."""
TRANSIENT, UNKNOWN = 2, 1

CODES: tuple[tuple[type[HitlError], int, int, int | None], ...] = (
    (errors.Refused, 400, 10, 2018300),
    (errors.NotFound, 400, 100, 2018001),
    (errors.TooLarge, 413, 100, None),
    (errors.BadRequest, 400, 100, None),
    (errors.Unstorable, 400, 100, None),
    (errors.Unauthenticated, 401, 190, None),
    (errors.Forbidden, 403, 200, None),
    (errors.Unavailable, 503, TRANSIENT, None),
    (errors.Transient, 503, TRANSIENT, None),
)
"""The status, and Graph's code and subcode, of our errors; the unknown error for every other."""

_VERSION = re.compile(r"v[0-9]+\.[0-9]+")
_NOT_PASSED = ("access_token", "appsecret_proof")
_OBJECTS = ("recipient", "message")
"""Fields that hold objects, which some libraries write as JSON text within their JSON."""


def _serve(path: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Serve a path by all methods."""

    def register(view: Callable[..., Response]) -> Callable[..., Response]:
        for method in auth.GRAPH_METHODS:
            serve(routes, method, path)(view)
        return view

    return register


@_serve("/graph/{version}")
def at_version(version: str) -> Response:
    """A node without a version, or a batch."""
    return _answered(version)


@_serve("/graph/{version}/{node}")
def at_node(version: str, node: str) -> Response:
    """A user or the Page, or an edge without a version."""
    return _answered(version, node)


@_serve("/graph/{version}/{node}/{edge}")
def at_edge(version: str, node: str, edge: str) -> Response:
    """An edge of the Page."""
    return _answered(version, node, edge)


def _answered(*segments: str) -> Response:
    try:
        return answer(_called(call_of(routes), [unquote(segment, errors="replace") for segment in segments]))
    except HitlError as error:
        return _refusal(error)
    except Exception as error:
        logger.error("Failed: %s", errors.describe(error))
        return _error(500, "Something is wrong on our side. The function's log says where.", UNKNOWN)


def _called(call: Call, path: list[str]) -> Any:
    fields = _fields(call)
    token = fields.get("access_token") or call.header("authorization") or ""
    parts = system.current()
    bot = auth.api_token(re.sub(r"(?i)^(?:bearer|oauth) ", "", str(token).strip()), parts.settings).caller
    by = Actor("bot", bot.actor.id, bot.actor.name)
    page = _page(bot.page, parts.settings)
    node, edge = _place(path, call.method)
    given = {name: value for name, value in fields.items() if name not in _NOT_PASSED}
    relay = parts.relay
    if (call.method, edge) == ("POST", "messages") and node in ("me", page.page_id):
        bot.check("send")
        return relay.say(page, given, by, _epoch(call.header("x-hitl-epoch")))
    bot.check("pause" if edge in CONTROLS else "read" if call.method == "GET" else "send")
    return relay.call(page, call.method, node, edge, given, by)


def _page(bound: str | None, settings: Settings) -> Address:
    """The Page that is `me`: the one that the token is bound to, or the only one."""
    pages = [Address(page.platform, page.id, "") for page in settings.pages]
    found = [page for page in pages if bound in (None, page.page)]
    if len(found) != 1:
        raise BadRequest("(#100) It is not clear which Page is me. Use a token that is bound to one Page.")
    return found[0]


def _place(path: list[str], method: str) -> tuple[str, str | None]:
    """The node and edge that a path names, with or without a version."""
    if _VERSION.fullmatch(path[0]):
        path = path[1:]
    if len(path) not in (1, 2):
        raise unsupported(method)
    return path[0], path[1] if len(path) == 2 else None


def _fields(call: Call) -> dict[str, Any]:
    """The parameters of a call. What is JSON text within them is held to the limits of a body, too."""
    fields = _given(call)
    fields |= {name: _read(name, fields[name]) for name in _OBJECTS if isinstance(fields.get(name), str)}
    check_depth(fields)
    return fields


def _given(call: Call) -> dict[str, Any]:
    """What stands in the query, in a JSON body, or in a form whose values may be JSON."""
    fields: dict[str, Any] = dict(call.query)
    kind = (call.header("content-type") or "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise BadRequest(f"Multipart is not taken here: name files by a public URL in payload.url. {SUPPORTED}")
    if kind != "application/x-www-form-urlencoded" or call.raw_body.lstrip()[:1] == b"{":
        return {**fields, **call.json()}
    if len(call.raw_body) > MAX_JSON:
        raise TooLarge(f"The body has {len(call.raw_body)} bytes; {MAX_JSON} are allowed.")
    try:
        form = parse_qs(call.raw_body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadRequest("The body is no form in UTF-8.") from None
    return {**fields, **{name: _read(name, values[-1]) for name, values in form.items()}}


def _read(name: str, value: str) -> Any:
    """A form's value: JSON where it looks so, but for `metadata`, which is text whatever it looks like."""
    try:
        return strict(value) if value.lstrip()[:1] in ("{", "[") and name != "metadata" else value
    except (ValueError, RecursionError):
        return value


def _epoch(header: str | None) -> int | None:
    if header is None:
        return None
    if not re.fullmatch("[0-9]{1,10}", header):
        raise BadRequest("The header X-HITL-Epoch must be the number that came with the event.")
    return int(header)


def _refusal(error: HitlError) -> Response:
    """Our error in Graph's shape; what Meta itself said, as it was said."""
    if isinstance(error, GraphError) and error.said is not None:
        status = error.status or 400
        return answer({"error": error.said}, status if status in STATUSES else 400 if status < 500 else 500)
    status, code, subcode = next(
        ((status, code, sub) for kind, status, code, sub in CODES if isinstance(error, kind)), (500, UNKNOWN, None)
    )
    if status >= 500:
        logger.warning("Refused: %s", errors.describe(error))
    message = f"{OWNED} {error.message}" if isinstance(error, errors.Refused) else error.message
    return _error(status, message, code, subcode)


def _error(status: int, message: str, code: int, subcode: int | None = None) -> Response:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return answer({"error": {**error, "is_transient": code == TRANSIENT}}, status)
