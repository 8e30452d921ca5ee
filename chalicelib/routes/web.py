"""What every route shares: how it is registered, errors in one shape, who is calling, and what came in."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib import auth, errors, system
from chalicelib.conversation import Actor, Address
from chalicelib.errors import BadRequest, HitlError

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

_EXPECTED = (400, 401, 404, 409)
"""Statuses that are the caller's business alone, and not worth a line in our log."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def serve(blueprint: Blueprint, method: str, path: str) -> Callable[[View], View]:
    """Serve a path and method by a view, which may raise our errors.

    Bodies of any content type reach it: an empty one may come with any, and what is not JSON is told so.
    """

    def register(view: View) -> View:
        served: View = blueprint.route(path, methods=[method], content_types=["*/*"])(_answering(view))
        return served

    return register


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON. Half a surrogate pair, which Meta may send but nobody can encode, is shown as U+FFFD."""
    text = _SURROGATE.sub("\ufffd", json.dumps(body, ensure_ascii=False))
    return Response(text, {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}, status)


def refusal(error: HitlError) -> Response:
    """Our error as an answer: `{"code", "message", …}` with its status."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    if status not in _EXPECTED:
        logger.warning("Refused: %s", errors.describe(error))
    faults = {"faults": list(error.faults)} if isinstance(error, BadRequest) and error.faults else {}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return answer({"code": error.code, "message": error.message, **faults}, status, headers)


def in_one_shape(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: what Chalice itself refuses has the shape of our own errors."""
    try:
        response = get_response(request)
    except Exception as error:
        return _internal(error)
    if not isinstance(response.body, Mapping):
        return response
    if response.status_code == 405:
        allowed = response.headers["Allow"]
        message = f"This path takes {allowed} only."
        return answer({"code": "method_not_allowed", "message": message}, 405, {"Allow": str(allowed)})
    return answer({"code": "internal_error", "message": INTERNAL}, 500)


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

    def parameter(self, name: str) -> str | None:
        """A query parameter; the last one where it is repeated."""
        parameters = self._request.query_params
        return None if parameters is None else parameters.get(name)

    def parameters(self, *names: str) -> dict[str, str | None]:
        """Several query parameters by their names."""
        return {name: self.parameter(name) for name in names}

    def caller(self) -> Actor:
        """Who is calling; Unauthenticated where nobody that we know is."""
        return auth.caller(self.header("authorization"), system.current().settings)

    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object; an empty body, of any content type, is an empty object."""
        body = self.raw_body
        if len(body) > MAX_JSON:
            raise errors.TooLarge(f"The body has {len(body)} bytes; {MAX_JSON} are allowed.")
        if not body.strip():
            return {}
        try:
            content = json.loads(body, parse_float=_finite, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise BadRequest("The body is not JSON.") from None
        if not isinstance(content, dict):
            raise BadRequest("The body is not a JSON object.")
        if _is_deeper(content, MAX_DEPTH):
            raise BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")
        return content


def call_of(blueprint: Blueprint) -> Call:
    """The request that is being answered."""
    return Call(blueprint.current_request)


def conversation_id(segment: str) -> str:
    """The conversation that a path names, percent-decoded once; a bare user id while one Page is configured."""
    text = unquote(segment, errors="replace")
    if not Address.is_user_id(text):
        return Address.parse(text).conversation_id
    pages = system.current().settings.pages
    full = Address(pages[0].platform, pages[0].id, text).conversation_id
    if len(pages) > 1:
        raise BadRequest(f"Several Pages are configured: name the conversation in full, for example {full}.")
    return full


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # Python reads NaN and Infinity, Meta does not


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_constant(digits)


def _is_deeper(value: Any, levels: int) -> bool:
    items = list(value.values()) if isinstance(value, dict) else value
    return isinstance(items, list) and (levels == 0 or any(_is_deeper(item, levels - 1) for item in items))
