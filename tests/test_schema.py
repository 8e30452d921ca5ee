"""schemathesis asks everything that docs/openapi.json names, rightly and wrongly, as an operator, a bot and nobody.

It judges the answers by the document itself: their status, type, headers and shape. No answer may be a 5xx.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chalicelib import system
from chalicelib.auth import PERMISSIONS, ApiToken, hash_of, new_token
from local.serving import Request, Response, Server
from tests import people
from tests.openapi import DOCUMENT
from tests.service import PAGE, Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 7
"""For each operation and caller."""

BOT_TOKEN = new_token()
BOT = ApiToken("bot", "A bot", hash_of(BOT_TOKEN), f"messenger:{PAGE}", PERMISSIONS[:-1])
FOR_OPERATORS = {("GET", "/botpress-hitl/sessions"), ("PUT", "/botpress-hitl/bot")}
"""What a bot that is bound to a Page may not do, with whatever permissions."""

service = Service({"tokens/bot": BOT.value})
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The program behind a port, with a conversation in it."""
    service.receive(service.said("m1"))

    def answer(request: Request) -> Response:
        system.install(service.system)
        found = service.client.http.request(request.method, request.target, dict(request.headers.items()), request.body)
        return Response(found.status_code, found.body, found.headers)

    with Server(answer) as server:
        yield server.url


AUTHORIZED = {
    "nobody": "",
    "an operator": f"Bearer {people.token(service.clock() // 1000)}",
    "a bot": f"Bearer {BOT_TOKEN}",
}


@pytest.mark.parametrize("who", AUTHORIZED)
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case[Any], url: str, who: str) -> None:
    if case.method.upper() != case.operation.method.upper():
        return  # whatever other method: API Gateway answers that, and test_routes what we say
    response = case.call(base_url=url, headers={"Authorization": AUTHORIZED[who]})
    case.validate_response(response, checks=CHECKS)
    if case.operation.definition.raw.get("security"):
        assert response.status_code in statuses(case, who)


def statuses(case: schemathesis.Case[Any], who: str) -> set[int]:
    """What a guarded operation may answer to them."""
    ways = case.operation.definition.raw["security"]
    others = set(range(200, 500)) - {401, 403}
    if not any("operator" in way for way in ways):  # a bot's token may be in the body, which is read first
        return {400, 401, 413} if who != "a bot" else others | {401}
    if who == "nobody":
        return {401}
    is_for_operators = (case.method.upper(), case.operation.path) in FOR_OPERATORS
    return {400, 403} if who == "a bot" and is_for_operators else others
