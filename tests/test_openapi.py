"""docs/openapi.json is valid, and says of the routes what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

import app
from chalicelib import VERSION, errors, lists, message, webhook
from chalicelib.auth import NEEDS
from chalicelib.errors import GraphError, HitlError
from chalicelib.events import Event
from chalicelib.message import QUIET_KINDS, UNREAD_KINDS, Address
from chalicelib.routes import bodies, fields, web
from tests.openapi import DOCUMENT, METHODS, faults, resolved

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

INSIDE = {errors.HitlError, errors.LostRace, errors.BotFailed}
"""These never leave the use cases; the queue's handler and the log see the last one."""


def all_errors(kind: type[HitlError] = HitlError) -> Iterator[type[HitlError]]:
    """List the tree of errors."""
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """List path, method and what is said of them."""
    for path, item in DOCUMENT["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def codes(name: str) -> set[str]:
    return set(SCHEMAS[name]["properties"]["code"]["enum"])


def test_it_is_valid() -> None:
    validate(DOCUMENT)


def test_it_names_every_route_and_no_other() -> None:
    documented = {(path, method.upper()) for path, method, _ in operations()}
    assert documented == {(path, method) for path, methods in app.app.routes.items() for method in methods}


def test_it_is_served_under_the_stage_of_every_deployment() -> None:
    assert DOCUMENT["servers"] == [{"url": "/api"}]
    assert DOCUMENT["info"]["version"] == VERSION


def test_operations_have_names_of_their_own_and_answers_for_everything() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        assert "500" in operation["responses"], f"{method} {path}"
        if operation.get("security") != []:
            assert {"401", "403", "503"} <= set(operation["responses"]), f"{method} {path}"
        if "requestBody" in operation:
            assert {"400", "413"} <= set(operation["responses"]), f"{method} {path}"
        for response in operation["responses"].values():
            assert resolved(response)["description"]


def test_operations_name_the_permission_that_they_need() -> None:
    for path, method, operation in operations():
        need = NEEDS[method.upper(), path]
        if path.startswith("/graph/"):
            assert operation["security"] == [{"graph": []}, {"token": []}]
            continue
        assert operation["security"] == ([] if need == "public" else [{"operator": []}, {"token": [need]}])


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_is_documented(kind: type[HitlError]) -> None:
    assert kind in INSIDE or kind.code in codes("Failure" if issubclass(kind, GraphError) else "Error")


def test_no_error_is_made_up() -> None:
    raised = {kind.code for kind in all_errors()}
    refusals = {"stopped", "paused", "stale_epoch", "someone_answered"}
    meta = {kind.code for kind in all_errors(GraphError)}
    assert codes("Failure") == meta | {errors.Misconfigured.code} | refusals
    # Conflict is given precise codes where it is raised, three are no exceptions, and tests meet each of them.
    more = {"client_id_reused", "still_sending", "method_not_allowed", "internal_error", "not_durable"}
    assert codes("Error") - raised == more | refusals
    assert codes("Error") & meta == {errors.WindowClosed.code}


def property_(schema: str, *names: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMAS[schema]
    for name in names:
        found = resolved(found["properties"][name])
        found = resolved(found["items"]) if "items" in found else found
    return found


LIMITS: list[tuple[object, object]] = [
    (property_("PauseRequest", "reason")["maxLength"], bodies.MAX_REASON),
    (property_("StopRequest", "reason")["maxLength"], bodies.MAX_REASON),
    (property_("PauseRequest", "minutes")["maximum"], bodies.MAX_MINUTES),
    (property_("PauseRequest", "message_id")["maxLength"], bodies.MAX_MESSAGE_ID),
    (property_("SendRequest", "epoch")["maximum"], bodies.MAX_EPOCH),
    (property_("SendRequest", "seen_id")["maxLength"], bodies.MAX_MESSAGE_ID),
    (property_("SendRequest", "client_id")["pattern"], f"^{bodies.CLIENT_ID}$"),
    (property_("SendRequest", "text")["maxLength"], bodies.MAX_TEXT),
    (property_("SendRequest", "attachment", "type")["enum"], list(bodies.ATTACHMENTS)),
    (property_("SendRequest", "attachment", "url")["maxLength"], fields.MAX_URL),
    (SCHEMAS["SendRequest"]["properties"]["quick_replies"]["maxItems"], bodies.MAX_QUICK_REPLIES),
    (property_("SendRequest", "quick_replies", "content_type")["enum"], list(bodies.QUICK_REPLIES)),
    (property_("SendRequest", "quick_replies", "title")["maxLength"], bodies.MAX_TITLE),
    (property_("SendRequest", "quick_replies", "payload")["maxLength"], bodies.MAX_PAYLOAD),
    (property_("SendRequest", "quick_replies", "image_url")["maxLength"], fields.MAX_URL),
    (property_("LastMessage", "text")["maxLength"], message.PREVIEW_LENGTH),
    (property_("Listing", "waiting")["maximum"], lists.MAX_WAITING),
    (DOCUMENT["components"]["parameters"]["limit"]["schema"]["maximum"], bodies.MAX_LIMIT),
    (DOCUMENT["components"]["parameters"]["limit"]["schema"]["default"], bodies.DEFAULT_LIMIT),
    (DOCUMENT["components"]["parameters"]["cursor"]["schema"]["maxLength"], bodies.MAX_CURSOR),
]


@pytest.mark.parametrize(("documented", "coded"), LIMITS)
def test_limits_are_those_of_the_code(documented: object, coded: object) -> None:
    assert documented == coded


def test_parameters_of_the_list_are_those_of_the_code() -> None:
    parameters = {one["name"]: one["schema"] for one in map(resolved, _list_parameters())}
    assert parameters["status"]["enum"] == list(bodies.STATUSES)
    assert parameters["q"]["maxLength"] == bodies.MAX_QUERY
    assert set(parameters) == {"status", "q", "since", "limit", "cursor"}


def _list_parameters() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = DOCUMENT["paths"]["/botpress-hitl/sessions"]["get"]["parameters"]
    return found


def test_bodies_may_have_as_many_bytes_as_the_code_takes() -> None:
    for path, _, operation in operations():
        if "requestBody" in operation:
            limit = webhook.MAX_BODY if path == "/webhook" else web.MAX_JSON
            assert operation["requestBody"]["x-max-bytes"] == limit
            assert f"{limit // 1024} KiB" in operation["requestBody"]["description"].replace("4 MiB", "4096 KiB")


def test_kinds_are_those_of_the_events() -> None:
    named = set(SCHEMAS["Message"]["properties"]["kind"]["examples"])
    unlogged = {"delivery", "read"}
    assert {kind.kind for kind in all_events()} - unlogged <= named
    assert named >= UNREAD_KINDS | QUIET_KINDS


def all_events(kind: type[Event] = Event) -> Iterator[type[Event]]:
    """List the tree of events."""
    yield kind
    for child in kind.__subclasses__():
        yield from all_events(child)


IDS = ["1", "a-_Z9", "1" * 128, "1" * 129, "~" + "0a" * 16, "~" + "0A" * 16, "~", "a.b", "", "é", "1:2"]


@pytest.mark.parametrize(
    "id_", [text.format(user) for user in IDS for text in ("messenger:1:{}", "instagram:{}:2", "x:1:{}")]
)
def test_ids_are_those_of_the_code(id_: str) -> None:
    try:
        is_id = Address.parse(id_).conversation_id == id_
    except errors.BadRequest:
        is_id = False
    in_path = DOCUMENT["components"]["parameters"]["session"]["schema"]["pattern"]
    in_answers = SCHEMAS["Conversation"]["properties"]["id"]["pattern"]
    assert [re.search(pattern, id_) is not None for pattern in (in_path, in_answers)] == [is_id, is_id]
    user = id_.partition(":")[2].partition(":")[2]
    assert (re.search(in_path, user) is not None) == Address.is_user_id(user) or ":" in user


HEADERS = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, HEADERS, b"{}"),
        (200, {"Content-Type": "text/html"}, b"{}"),
        (200, HEADERS, b'{"status": "ok"}'),
        (200, HEADERS, b'{"status": "bad", "version": "1"}'),
        (200, HEADERS, b'{"status": "ok", "version": "1", "more": 1}'),
        (500, HEADERS, b'{"code": "new", "message": ""}'),
    ],
)
def test_what_is_not_documented_is_found(status: int, headers: dict[str, str], body: bytes) -> None:
    assert faults("GET", "/health", 200, HEADERS, b'{"status": "ok", "version": "1"}') == []
    assert faults("GET", "/health", status, headers, body) != []


def test_fields_deep_inside_and_times_and_headers_are_judged_too() -> None:
    stop = '{{"paused": true, "reason": null, "since": "{}", "by": {{"type": "bot", "id": "", "name": ""{}}}}}'
    good, late, more = (
        stop.format("2026-01-31T12:00:00.000Z", ""),
        stop.format("noon", ""),
        stop.format("", ', "x": 1'),
    )
    verdicts = [faults("GET", "/botpress-hitl/bot", 200, HEADERS, body.encode()) for body in (good, late, more)]
    assert [len(verdict) for verdict in verdicts] == [0, 1, 2]
    no_token = b'{"code": "unauthenticated", "message": ""}'
    assert faults("GET", "/botpress-hitl/bot", 401, HEADERS, no_token) == ["the header WWW-Authenticate is missing"]
