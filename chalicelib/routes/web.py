"""What every route shares: how it is registered, errors in one shape, who is calling, and what came in."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib import auth, errors, system
from chalicelib.auth import Caller, Need
from chalicelib.document import storable
from chalicelib.errors import BadRequest, HitlError
from chalicelib.message import Actor, Address

logger = logging.getLogger(__name__)

View = Callable[..., Response]

STATUS: tuple[tuple[type[HitlError], int], ...] = (
    (errors.BadRequest, 400),
    (errors.Unstorable, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.Unavailable, 503),
)
"""Our errors' statuses; 500 for every other."""
MAX_JSON = 64 * 1024
"""Bytes of a request body, but for the webhook's."""
MAX_DEPTH = 32
"""Levels of nesting of a request body: far more than any message needs, far fewer than Python can follow."""
INTERNAL = "Something is wrong on our side. Try again; if it stays so, look into the function's log."

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer: what we say is read by programs only, and never shown as a page. No other origin is allowed in."""

_caller: ContextVar[Caller] = ContextVar("caller")
_EXPECTED = (400, 401, 404, 409)
"""Statuses that are the caller's business alone, and not worth a line in our log."""


def serve(blueprint: Blueprint, method: str, path: str) -> Callable[[View], View]:
    """Serve a path and method by a view, which may raise our errors, to whom `auth.NEEDS` lets in.

    Bodies of any content type reach it: an empty one may come with any, and what is not JSON is told so.
    """
    need = auth.NEEDS[method, path]

    def register(view: View) -> View:
        guarded = _answering(view if need == "public" else _admitting(blueprint, need, view))
        served: View = blueprint.route(path, methods=[method], content_types=["*/*"])(guarded)
        return served

    return register


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON. Half a surrogate pair, which Meta may send but nobody can encode, is shown as U+FFFD."""
    text = storable(json.dumps(body, ensure_ascii=False))
    return Response(text, {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}, status)


def refusal(error: HitlError) -> Response:
    """Our error as an answer: `{"code", "message", …}` with its status."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    if status not in _EXPECTED:
        logger.warning("Refused: %s", errors.describe(error))
    faults = {"faults": list(error.faults)} if isinstance(error, BadRequest) and error.faults else {}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return answer({"code": error.code, "message": error.message, **faults}, status, headers)


def correlation_id(request: Request | None) -> str | None:
    """What log, trace and answer call this request: API Gateway's own id of it; without a gateway, the function's.

    None for what was no request at all.
    """
    if request is None:
        return None
    found = request.context.get("requestId") or getattr(request.lambda_context, "aws_request_id", None)
    return None if found is None else str(found)


def in_one_shape(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: what Chalice itself refuses has the shape of our own errors, and every answer its headers."""
    try:
        response = _in_one_shape(get_response(request))
    except Exception as error:
        response = _internal(error)
    response.headers.update(SECURITY_HEADERS)
    known = correlation_id(request)
    if known is not None:
        response.headers["X-HITL-Correlation-Id"] = known
    return response


def _in_one_shape(response: Response) -> Response:
    if not isinstance(response.body, Mapping):
        return response
    if response.status_code == 405:
        allowed = response.headers["Allow"]
        message = f"This path takes {allowed} only."
        return answer({"code": "method_not_allowed", "message": message}, 405, {"Allow": str(allowed)})
    return answer({"code": "internal_error", "message": INTERNAL}, 500)


def _admitting(blueprint: Blueprint, need: Need, view: View) -> View:
    @wraps(view)
    def admitted(**arguments: str) -> Response:
        parts = system.current()
        caller = auth.caller(call_of(blueprint).header("authorization"), parts.settings, parts.issuer)
        caller.check(need)
        _caller.set(caller)
        return view(**arguments)

    return admitted


def _answering(view: View) -> View:
    @wraps(view)
    def answered(**arguments: str) -> Response:
        try:
            return view(**arguments)
        except HitlError as error:
            return refusal(error)
        except Exception as error:
            return _internal(error)

    return answered


def _internal(error: Exception) -> Response:
    """A bug: the caller learns nothing of it, the log its place."""
    logger.error("Failed: %s", errors.describe(error))
    return answer({"code": "internal_error", "message": INTERNAL}, 500)


class Call:
    """One request: its caller, its parameters and its body, each checked when it is asked for."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def raw_body(self) -> bytes:
        """The body's bytes as they came."""
        body = self._request.raw_body
        return body.encode() if isinstance(body, str) else body

    def header(self, name: str) -> str | None:
        """A header, whatever the case of its name."""
        return self._request.headers.get(name)

    @property
    def method(self) -> str:
        """The method."""
        return str(self._request.method)

    @property
    def correlation_id(self) -> str | None:
        """What log, trace and answer call this request."""
        return correlation_id(self._request)

    @property
    def query(self) -> Mapping[str, str]:
        """Every query parameter; of a repeated one the last."""
        parameters = self._request.query_params
        return {} if parameters is None else {name: parameters[name] for name in parameters}

    def parameter(self, name: str) -> str | None:
        """A query parameter; the last one where it is repeated."""
        parameters = self._request.query_params
        return None if parameters is None else parameters.get(name)

    def parameters(self, *names: str) -> dict[str, str | None]:
        """Several query parameters by their names."""
        return {name: self.parameter(name) for name in names}

    def caller(self) -> Actor:
        """Who is calling. They have been let in, as no view runs before that."""
        return _caller.get().actor

    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object; an empty body, of any content type, is an empty object."""
        body = self.raw_body
        if len(body) > MAX_JSON:
            raise errors.TooLarge(f"The body has {len(body)} bytes; {MAX_JSON} are allowed.")
        if not body.strip():
            return {}
        try:
            content = strict(body)
        except (ValueError, RecursionError):
            raise BadRequest("The body is not JSON.") from None
        if not isinstance(content, dict):
            raise BadRequest("The body is not a JSON object.")
        check_depth(content)
        return content


def call_of(blueprint: Blueprint) -> Call:
    """The request that is being answered."""
    return Call(blueprint.current_request)


def conversation_id(segment: str) -> str:
    """The conversation that a path names, percent-decoded once; NotFound where it is none of the caller's Page.

    A bare user id is taken where there is one Page only: one is configured, or the caller is bound to one.
    """
    text, caller = unquote(segment, errors="replace"), _caller.get()
    if not Address.is_user_id(text):
        full = Address.parse(text).conversation_id
        caller.check_conversation(full)
        return full
    names = [page.name for page in system.current().settings.pages] if caller.page is None else [caller.page]
    full = Address.parse(f"{names[0]}:{text}").conversation_id
    if len(names) > 1:
        raise BadRequest(f"Several Pages are configured: name the conversation in full, for example {full}.")
    return full


def bound_to() -> str | None:
    """The Page that the caller is bound to, `<platform>:<page id>`; None where every Page is meant."""
    return _caller.get().page


def check_every_page() -> None:
    """Forbidden for a caller who is bound to one Page."""
    _caller.get().check_every_page()


def strict(text: str | bytes) -> Any:
    """The value that this JSON says, which every other parser can read too; ValueError or RecursionError for none."""
    return json.loads(text, parse_float=_finite, parse_constant=_no_constant)


def check_depth(content: Mapping[str, Any]) -> None:
    """BadRequest for what is nested deeper than a message needs."""
    if _is_deeper(content, MAX_DEPTH):
        raise BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # Python reads NaN and Infinity, Meta does not


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_constant(digits)


def _is_deeper(value: Any, levels: int) -> bool:
    items = list(value.values()) if isinstance(value, dict) else value
    return isinstance(items, list) and (levels == 0 or any(_is_deeper(item, levels - 1) for item in items))
