"""What all routes share: who may call, ids in paths, bodies, and the one shape of errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app
from chalicelib import errors
from chalicelib.errors import Unavailable, Unstorable
from chalicelib.routes.web import MAX_DEPTH, MAX_JSON, refusal
from tests.service import ID, PAGE, SECRETS, SESSION, SESSIONS, TOKEN, USER, Service

OPEN = {("GET", "/webhook"), ("POST", "/webhook"), ("GET", "/health")}
GUARDED = sorted(
    (method, path.replace("{session}", USER))
    for path, methods in app.app.routes.items()
    for method in methods
    if (method, path) not in OPEN and not path.startswith("/graph/")  # Graph's own shape: tests/test_routes_graph.py
)
OF_SESSION = [(method, path.removeprefix(SESSION)) for method, path in GUARDED if path.startswith(SESSION)]
TAKING_BODIES = [(method, path) for method, path in GUARDED if method != "GET"]


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def test_health_needs_no_token(service: Service) -> None:
    answer = service.get("/health", token=None)
    assert (answer.status, answer.json["status"]) == (200, "ok")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.lower()}",
        "Bearer hitl_\u00e9\udcff",
        f"Bearer x {TOKEN}",
    ],
)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_route_needs_the_token(service: Service, method: str, path: str, authorization: str | None) -> None:
    before = service.get(SESSION).json
    headers = {} if authorization is None else {"Authorization": authorization}
    body = {"paused": True} if method == "PUT" else {}
    answer = service.ask(method, path, body, token=None, headers=headers)
    assert answer.code == (401, "unauthenticated")
    assert service.get(SESSION).json == before
    assert service.get("/botpress-hitl/bot").json["paused"] is False


def test_the_scheme_of_the_token_has_no_case(service: Service) -> None:
    assert service.get(SESSION, token=None, headers={"authorization": f"bearer {TOKEN}"}).status == 200


@pytest.mark.parametrize(("method", "rest"), OF_SESSION)
@pytest.mark.parametrize("id_", [USER, ID, quote(ID, safe=""), quote(ID, safe="").lower()])
def test_a_conversation_has_several_spellings(service: Service, method: str, rest: str, id_: str) -> None:
    body = {"client_id": "c1", "text": "hi"} if (method, rest) == ("POST", "/messages") else None
    assert service.ask(method, f"{SESSIONS}/{id_}{rest}", body).status == 200


@pytest.mark.parametrize(("method", "rest"), OF_SESSION)
@pytest.mark.parametrize(
    "id_",
    [
        *("..", ".", "%2e%2e", "..%2f..", "a%2fb", "%2f", "%5c", "%00", f"{USER}%00", f"{USER}%0a", "%0d%0aX:1", "%"),
        *("%ff", "%ed%a0%80", "%zz", "a b", "\u00e9", "\u0661", "*", "~", "~12", "{session}", "'", '"', "<script>"),
        *(
            "messenger:",
            f"messenger:{USER}",
            f"{ID}:",
            f":{ID}",
            f"{ID}:{USER}",
            f"Messenger:{PAGE}:{USER}",
        ),
        *(quote(quote(ID, safe=""), safe=""), f"sms:{PAGE}:{USER}", f"messenger::{USER}", "1" * 129, "1" * 9000),
        f"messenger:{PAGE}:{'1' * 129}",
    ],
)
def test_what_is_no_id_is_told_so(service: Service, method: str, rest: str, id_: str) -> None:
    body = {"client_id": "c1", "text": "hi"} if (method, rest) == ("POST", "/messages") else None
    answer = service.ask(method, f"{SESSIONS}/{id_}{rest}", body)
    assert answer.code == (400, "bad_request")
    assert "messenger:<page id>:<user id>" in answer.json["message"]


@pytest.mark.parametrize(("method", "rest"), OF_SESSION)
@pytest.mark.parametrize("id_", ["999", f"messenger:{PAGE}:999", f"instagram:{PAGE}:{USER}", f"messenger:1:{USER}"])
def test_an_unknown_conversation_is_never_made(service: Service, method: str, rest: str, id_: str) -> None:
    body = {"client_id": "c1", "text": "hi"} if (method, rest) == ("POST", "/messages") else None
    assert service.ask(method, f"{SESSIONS}/{id_}{rest}", body).code == (404, "not_found")
    assert [found["id"] for found in service.get(SESSIONS).json["sessions"]] == [ID]
    assert service.messenger.sends == []


@pytest.mark.parametrize(("method", "rest"), OF_SESSION)
def test_a_bare_user_id_needs_a_single_page(method: str, rest: str) -> None:
    service = Service({"pages/messenger/7": "another"})
    body = {"client_id": "c1", "text": "hi"} if (method, rest) == ("POST", "/messages") else None
    answer = service.ask(method, f"{SESSIONS}/{USER}{rest}", body)
    assert answer.status == 400
    assert ID in answer.json["message"]
    assert service.ask(method, f"{SESSIONS}/{ID}{rest}", body).status == 404


def test_the_only_page_may_be_on_instagram() -> None:
    service = Service({"pages/messenger/100": "", "pages/instagram/7": "the-page-token"})
    assert service.post(f"{SESSION}/pause").status == 404
    assert service.get(f"{SESSIONS}/instagram:7:{USER}").status == 404


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
@pytest.mark.parametrize(
    "body",
    [
        *(b"null", b"[]", b"5", b'"x"', b"true", b"{", b"{}{}", b"{'a': 1}", b"\xff\xfe", b'{"a": \xff}', b"a=b&c=d"),
        *(b"<x/>", b"[" * 30_000, b'{"a":' * 10_000, b'{"minutes": NaN}', b'{"minutes": 1e999}', b"\x00"),
        b'{"minutes": ' + b"9" * 5000 + b"}",
        b'{"template": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(service: Service, method: str, path: str, body: bytes) -> None:
    assert service.ask(method, path, body).code == (400, "bad_request")
    assert len(service.history()) == 1


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_too_large_a_body_is_refused_before_it_is_read(service: Service, method: str, path: str) -> None:
    assert service.ask(method, path, b" " * (MAX_JSON + 1)).code == (413, "too_large")
    assert service.ask(method, path, b" " * MAX_JSON).status in (200, 400)


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_every_field_that_is_not_known_is_named(service: Service, method: str, path: str) -> None:
    body = {"one": 1, "\ud800": 2, "x" * 1000: 3}
    answer = service.ask(method, path, body)
    assert answer.status == 400
    named = [fault for fault in answer.faults if fault.endswith("is not a field here")]
    assert named == [f"{name} is not a field here" for name in ("one", "\ufffd", "x" * 50)]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/xml", "", "garbage", "a/b;c=d"])
def test_json_is_read_whatever_it_is_called(service: Service, content_type: str) -> None:
    answer = service.post(f"{SESSION}/pause", {"reason": "r"}, headers={"Content-Type": content_type})
    assert answer.json["paused"]["reason"] == "r"


def test_binary_bodies_arrive_as_they_were(service: Service) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    assert service.post(f"{SESSION}/pause", {"reason": "\u00e9"}, headers=headers).json["paused"]["reason"] == "\u00e9"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/webhook", "/health", SESSIONS, SESSION, f"{SESSION}/pause", f"{SESSION}/messages"])
def test_another_method_is_refused_in_our_shape(service: Service, method: str, path: str) -> None:
    answer = service.ask(method, path)
    assert answer.code == (405, "method_not_allowed")
    assert answer.headers["Allow"] in answer.json["message"]


def test_head_is_another_method(service: Service) -> None:
    assert service.ask("HEAD", "/health").code == (405, "method_not_allowed")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_mistake_of_ours_says_nothing_of_itself(
    service: Service, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    body = {"POST": {"client_id": "c1", "text": "t"} if path.endswith("messages") else {}, "PUT": {"paused": True}}
    reads = {SESSIONS: "list", f"{SESSION}/messages": "history", "/botpress-hitl/bot": "stop"}
    first = {"GET": {**reads, "/botpress-hitl/pages": "disconnections"}}
    name = first.get(method, {}).get(path, "stop" if method == "PUT" else "conversation")
    service.store.fail(name, KeyError("a word of the user's"))
    answer = service.ask(method, path, body.get(method))
    assert answer.code == (500, "internal_error")
    assert "word" not in answer.body.decode() + caplog.text
    assert "KeyError at " in caplog.text
    service.store.fail(name, Unavailable("DynamoDB did not answer. Try again."))
    assert service.ask(method, path, body.get(method)).code == (503, "unavailable")
    assert service.ask(method, path, body.get(method)).status == 200


def test_a_missing_setting_is_named() -> None:
    answer = Service({"verify-token": ""}).get("/webhook?hub.mode=subscribe", token=None)
    assert answer.code == (500, "misconfigured")
    assert "/chalice-hitl/verify-token" in answer.json["message"]


def every_error() -> Iterator[tuple[Any, int]]:
    yield errors.BadRequest("t"), 400
    yield errors.Unauthenticated("t"), 401
    yield errors.Forbidden("t"), 403
    yield errors.NotFound("t"), 404
    yield errors.Conflict("t", "precise"), 409
    yield errors.TooLarge("t"), 413
    yield errors.Unstorable("t"), 400
    yield errors.Unavailable("t"), 503
    yield errors.Misconfigured("t"), 500
    yield errors.LostRace("t"), 500


@pytest.mark.parametrize(("error", "status"), list(every_error()), ids=lambda value: type(value).__name__)
def test_errors_become_statuses(error: errors.HitlError, status: int, caplog: pytest.LogCaptureFixture) -> None:
    answer = refusal(error)
    assert answer.status_code == status
    assert json.loads(answer.body) == {"code": error.code, "message": "t"}
    assert bool(caplog.records) == (status not in (400, 401, 404, 409))


def lambda_event(method: str, path: str, **more: Any) -> dict[str, Any]:
    """Write an event as API Gateway does."""
    context = {"httpMethod": method, "resourcePath": path, "stage": "api", "path": f"/api{path}"}
    none = {"headers": None, "pathParameters": None, "multiValueQueryStringParameters": None, "stageVariables": None}
    return {"requestContext": context, "body": None, "isBase64Encoded": False, **none, **more}


def test_an_event_of_api_gateway_may_lack_almost_everything(service: Service) -> None:
    service.get("/health")
    assert app.app(lambda_event("GET", "/health"), None)["statusCode"] == 200
    assert app.app(lambda_event("GET", SESSIONS), None)["statusCode"] == 401
    assert app.app(lambda_event("POST", "/webhook"), None)["statusCode"] == 403


@pytest.mark.parametrize("id_", [ID, quote(ID, safe="")])
def test_api_gateway_may_decode_ids_or_leave_that_to_us(service: Service, id_: str) -> None:
    service.get("/health")
    path, token = f"{SESSIONS}/{{session}}/pause", {"Authorization": f"Bearer {TOKEN}"}
    event = lambda_event("POST", path, pathParameters={"session": id_}, headers=token)
    assert json.loads(app.app(event, None)["body"])["status"] == "paused"


@pytest.mark.parametrize("event", [{}, {"requestContext": {}}, lambda_event("GET", f"{SESSIONS}/{{session}}")])
def test_what_is_no_request_of_ours_is_answered_in_our_shape(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        answer = app.app(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "internal_error")


def test_answers_are_kept_by_nobody(service: Service) -> None:
    for path in ("/health", SESSIONS, f"{SESSION}/messages"):
        assert service.get(path).headers["Cache-Control"] == "no-store"


def test_repeated_parameters_count_once(service: Service) -> None:
    assert service.get(f"{SESSIONS}?limit=abc&limit=1").status == 200
    assert service.get(f"{SESSIONS}?limit=1&limit=abc").status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("reason", "minutes", "message_id", "client_id", "text", "template", "quick_replies", "at", "paused", "retry")
ANY_BODY = st.binary(max_size=50) | JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)
ANY_QUERY = st.lists(
    st.tuples(st.sampled_from(["status", "q", "limit", "cursor", "since", "x"]), st.text(max_size=30)), max_size=3
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(GUARDED),
    id_=st.sampled_from([USER, ID]) | st.text(max_size=20),
    query=ANY_QUERY,
    body=ANY_BODY,
)
def test_nothing_that_is_sent_breaks_it(
    service: Service, route: tuple[str, str], id_: str, query: list[tuple[str, str]], body: Any
) -> None:
    method, path = route
    asked = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query)
    path = path.replace(USER, quote(id_, safe=":", errors="replace") or "-")
    assert service.ask(method, f"{path}?{asked}", body).status in (200, 400, 404, 409)


def test_a_value_that_dynamodb_refuses_is_the_callers_fault(service: Service) -> None:
    service.store.fail("transition", Unstorable("DynamoDB refuses this transaction."))
    assert service.post(f"{SESSION}/pause").code == (400, "unstorable")


def test_no_setting_is_in_any_answer_here() -> None:
    assert all(len(secret) > 10 for secret in SECRETS)
