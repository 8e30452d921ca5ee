"""schemathesis asks everything that docs/openapi.json names, rightly and wrongly, as an operator and as nobody.

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
from local.serving import Request, Response, Server
from tests import people
from tests.openapi import DOCUMENT
from tests.service import Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 10
"""For each operation and caller."""

service = Service()
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
}


@pytest.mark.parametrize("who", AUTHORIZED)
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case[Any], url: str, who: str) -> None:
    if case.method.upper() != case.operation.method.upper():
        return  # whatever other method: API Gateway answers that, and test_routes what we say
    response = case.call(base_url=url, headers={"Authorization": AUTHORIZED[who]})
    case.validate_response(response, checks=CHECKS)
    ways = case.operation.definition.raw.get("security")
    if ways and not any("operator" in way for way in ways):
        assert response.status_code in (400, 401, 413)  # a bot's token may be in the body, which is read first
    elif ways and who == "nobody":
        assert response.status_code == 401
    elif ways:
        assert response.status_code not in (401, 403)
