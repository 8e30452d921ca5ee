"""Every route, asked by everybody who may not ask it: the right status, nothing changed, nothing told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

import app
from chalicelib import auth
from chalicelib.auth import (
    GRAPH_METHODS,
    GRAPH_PATHS,
    NEEDS,
    PERMISSIONS,
    ApiToken,
    Caller,
    Permission,
    hash_of,
    new_token,
)
from chalicelib.errors import Unauthenticated
from chalicelib.message import Actor
from chalicelib.settings import Settings
from tests import people
from tests.service import ID, PAGE, PARAMETERS, SESSION, SESSIONS, USER, Service

GUARDED = sorted(route for route, need in NEEDS.items() if need != "public")
OTHER_PAGE, OTHER_ID = "messenger:101", f"messenger:101:{USER}"
CRITICAL = {"alg": "RS256", "kid": "first", "crit": ["exp"], "exp": 1}
WORDS = "a word of the user"


def kept(id_: str, token: str, permissions: tuple[Permission, ...], page: str | None = f"messenger:{PAGE}") -> str:
    return ApiToken(id_, f"bot {id_}", hash_of(token), page, permissions).value


HOLDERS = ("every", "none", "elsewhere", "revoked", "hashless", "pageless", "half-a-page", *PERMISSIONS)
TOKENS: dict[str, str] = {name: new_token() for name in HOLDERS}
BOTS = PERMISSIONS[:-1]
KEPT = {
    "tokens/every": kept("every", TOKENS["every"], BOTS),
    "tokens/none": kept("none", TOKENS["none"], ()),
    "tokens/elsewhere": kept("elsewhere", TOKENS["elsewhere"], BOTS, OTHER_PAGE),
    "tokens/revoked": json.dumps({**json.loads(kept("revoked", TOKENS["revoked"], BOTS)), "revoked": "by Ana"}),
    "tokens/hashless": json.dumps({**json.loads(kept("hashless", TOKENS["hashless"], BOTS)), "hash": ""}),
    "tokens/pageless": json.dumps({"name": "x", "hash": hash_of(TOKENS["pageless"]), "permissions": [*PERMISSIONS]}),
    "tokens/half-a-page": kept("half-a-page", TOKENS["half-a-page"], BOTS, "messenger"),
    "tokens/broken": "no JSON",
    "tokens/odd": '{"name": 5, "hash": [], "permissions": "all"}',
    "tokens/grand": json.dumps(
        {"name": "x", "hash": hash_of(TOKENS["operator"]), "page": None, "permissions": ["all"]}
    ),
    **{
        f"tokens/all-but-{missing}": kept(
            f"all-but-{missing}", TOKENS[missing], tuple(one for one in BOTS if one != missing)
        )
        for missing in BOTS
    },
}


@pytest.fixture(scope="module")
def service() -> Service:
    """A conversation with something in it, a stop's reason, and every token."""
    service = Service({**KEPT, "pages/messenger/101": "the-other-token"})
    service.receive(service.said("m1", WORDS))
    return service


def path_of(path: str, id_: str = ID) -> str:
    return path.replace("{session}", id_)


def body_of(method: str, path: str) -> Any:
    """A body that would change something."""
    if method == "GET":
        return None
    if path.endswith("/messages"):
        return {"client_id": "c1", "text": "an answer"}
    return {"paused": True} if method == "PUT" else {}


def everything(service: Service) -> Any:
    """All that there is, as an operator sees it."""
    asked = (SESSIONS, f"{SESSIONS}/{ID}", f"{SESSIONS}/{ID}/messages", "/botpress-hitl/bot")
    return [service.get(path).json | {"since": None} for path in asked], len(service.messenger.sends)


def refused(service: Service, method: str, path: str, authorization: str | None) -> tuple[int, str]:
    """The status and code of an answer that changed and told nothing."""
    before = everything(service)
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = service.ask(method, path, body_of(method, path), token=None, headers=headers)
    assert everything(service) == before
    told = answer.body.decode()
    assert not any(word in told for word in (WORDS, ID, OTHER_ID, people.ISSUER, people.CLIENT))
    assert authorization is None or len(authorization) < 20 or authorization.rpartition(" ")[2] not in told
    return answer.code


def test_every_route_has_an_entry_and_every_entry_a_route() -> None:
    assert set(NEEDS) == {(method, path) for path, methods in app.app.routes.items() for method in methods}
    graph = {(method, path) for method in GRAPH_METHODS for path in GRAPH_PATHS}  # tests/test_routes_graph.py
    assert {route for route, need in NEEDS.items() if need == "public"} - graph == {
        ("GET", "/webhook"),
        ("POST", "/webhook"),
        ("GET", "/health"),
    }


def test_a_route_without_an_entry_cannot_be_served() -> None:
    from chalice.app import Blueprint

    from chalicelib.routes.web import serve

    with pytest.raises(KeyError):
        serve(Blueprint("x"), "GET", "/botpress-hitl/secrets")


NOBODY: dict[str, Callable[[int], str]] = {
    "nothing": lambda now: "",
    "garbage": lambda now: "garbage",
    "bytes": lambda now: "\xff\xfe.\x80.\x81",
    "dots": lambda now: "..",
    "too long": lambda now: people.token(now, more="x" * 9000),
    "two": lambda now: f"{people.token(now)} {people.token(now)}",
    "expired": lambda now: people.token(now, exp=now - 61),
    "without an end": lambda now: people.token(now, exp=None),
    "an end that is none": lambda now: people.token(now, exp="tomorrow"),
    "not yet valid": lambda now: people.token(now, nbf=now + 120),
    "from the future": lambda now: people.token(now, iat=now + 120),
    "wrong issuer": lambda now: people.token(now, iss="https://evil.example"),
    "no issuer": lambda now: people.token(now, iss=None),
    "wrong audience": lambda now: people.token(now, aud="another-api"),
    "wrong audiences": lambda now: people.token(now, aud=["another-api", "a-third"]),
    "wrong client": lambda now: people.token(now, client_id="another-app"),
    "no client": lambda now: people.token(now, client_id=None),
    "an ID token": lambda now: people.token(now, token_use="id", aud=people.CLIENT),
    "an ID token by its nonce": lambda now: people.token(now, token_use=None, aud=people.CLIENT, nonce="n"),
    "nobody": lambda now: people.token(now, sub=None),
    "an odd subject": lambda now: people.token(now, sub="a\nb"),
    "alg none": people.unsigned,
    "HS256 with the public key": people.signed_with_the_public_key,
    "RS512": lambda now: people.by_hand(now, {"alg": "RS512", "kid": "first"}, hashes.SHA512()),
    "unknown key": lambda now: people.token(now, kid="other"),
    "unknown key under a known id": people.forged,
    "no key id": lambda now: people.by_hand(now, {"alg": "RS256"}, hashes.SHA256()),
    "an extension that we do not know": lambda now: people.by_hand(now, CRITICAL, hashes.SHA256()),
    "its own key": people.with_its_own_key,
    "tampered": lambda now: people.tampered(now, sub="ben"),
    "a key id that is none": lambda now: people.by_hand(now, {"alg": "RS256", "kid": 5}, hashes.SHA256()),
    "an unknown API token": lambda now: new_token(),
    "almost an API token": lambda now: TOKENS["every"][:-1],
    "a revoked API token": lambda now: TOKENS["revoked"],
    "an API token without a hash": lambda now: TOKENS["hashless"],
    "an API token that says no Page": lambda now: TOKENS["pageless"],
    "an API token with an unknown permission": lambda now: TOKENS["operator"],
    "the hash of an API token": lambda now: f"hitl_{hash_of(TOKENS['every'])[:43]}",
}


@pytest.mark.parametrize("name", NOBODY)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_nobody_we_know_is_refused(service: Service, method: str, path: str, name: str) -> None:
    token = NOBODY[name](service.clock() // 1000)
    assert refused(service, method, path_of(path), f"Bearer {token}") == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_token_needs_its_scheme(service: Service, method: str, path: str) -> None:
    token = people.token(service.clock() // 1000)
    for authorization in (None, "", "Bearer", token, f"Basic {token}", f"Bearer{token}"):
        assert refused(service, method, path_of(path), authorization) == (401, "unauthenticated")


GRAPH_CALLS = (
    ("POST", "/graph/v25.0/me/messages"),
    ("POST", "/graph/me/pass_thread_control"),
    ("POST", "/graph/me/take_thread_control"),
    ("GET", f"/graph/v25.0/{USER}"),
    ("GET", "/graph/me"),
    ("DELETE", "/graph/v25.0/me/messenger_profile"),
    ("POST", "/graph/v25.0"),
)
SAYING = {"recipient": {"id": USER}, "message": {"text": "hello"}}


@pytest.mark.parametrize("name", [*NOBODY, "an operator's"])
@pytest.mark.parametrize(("method", "path"), GRAPH_CALLS)
def test_nobody_we_know_calls_the_graph_api(service: Service, method: str, path: str, name: str) -> None:
    now, before = service.clock() // 1000, everything(service)
    token = NOBODY[name](now) if name in NOBODY else people.token(now)
    body = SAYING if method == "POST" else None
    answer = service.ask(method, path, body, token=None, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.json["error"]["code"]) == (401, 190)
    assert len(token) < 20 or token not in answer.body.decode()
    assert everything(service) == before
    assert service.messenger.passed == []


@pytest.mark.parametrize(
    "part",
    ["..", "%2e%2e%2f101", "%2f", "%00", f"{USER}%00", "%0d%0aX-A:%20b", "%1b", "%252f", "%ff", "*", "101", "a" * 129],
)
@pytest.mark.parametrize(
    "path", ["{}", "v25.0/{}", "{}/messages", "v25.0/{}/personas", "v25.0/me/{}", "{}/me/messages"]
)
def test_no_path_of_the_graph_api_leads_elsewhere(service: Service, path: str, part: str) -> None:
    before = everything(service)
    for method in GRAPH_METHODS:
        asked = f"/graph/{path.format(part)}"
        body = SAYING if method == "POST" else None
        answer = service.ask(method, asked, body, token=None, headers={"Authorization": f"Bearer {TOKENS['every']}"})
        assert answer.status in (400, 404)
    assert everything(service) == before
    assert service.messenger.passed == []


@pytest.mark.parametrize("groups", [None, [], ["readers"], "operators", [5], {"operators": True}])
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_who_is_not_in_the_group_is_refused(service: Service, method: str, path: str, groups: Any) -> None:
    authorization = f"Bearer {people.token(service.clock() // 1000, **{'cognito:groups': groups})}"
    assert refused(service, method, path_of(path), authorization) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_token_without_the_permission_is_refused(service: Service, method: str, path: str) -> None:
    need = NEEDS[method, path]
    lacking = TOKENS["every" if need == "operator" else need]
    for token in (lacking, TOKENS["none"]):
        assert refused(service, method, path_of(path), f"Bearer {token}") == (403, "forbidden")


@pytest.mark.parametrize(("method", "path"), [route for route in GUARDED if "{session}" in route[1]])
def test_another_page_s_conversations_are_unknown_to_a_token(service: Service, method: str, path: str) -> None:
    for id_ in (ID, ID.replace(":", "%3A"), f"messenger:{PAGE}:999", USER):
        answer = refused(service, method, path_of(path, id_), f"Bearer {TOKENS['elsewhere']}")
        assert answer == (404, "not_found")
        assert refused(service, method, path_of(path, id_), f"Bearer {TOKENS['half-a-page']}")[0] in (400, 404)
    assert service.get(f"{SESSIONS}/{ID}", headers={"Authorization": f"Bearer {TOKENS['every']}"}).status == 200


def test_lists_are_for_who_may_see_every_page(service: Service) -> None:
    for query in ("", "?status=waiting", "?since=2026-01-31T12:00:00.000Z", "?cursor=x"):
        assert refused(service, "GET", SESSIONS + query, f"Bearer {TOKENS['every']}") == (403, "forbidden")


@pytest.mark.parametrize(
    "id_",
    [
        *(
            "..",
            "..%2f..%2fbot",
            "%2e%2e%2f",
            "%2f",
            "%00",
            "200%00",
            "%0a",
            "200%0d%0aX-A:%20b",
            "%1b[2J",
            "%7f",
        ),
        *("messenger:100:200%2f..", "messenger:100:..", "messenger:%00:200", "messenger%00:100:200", "%252f", "%ff"),
        *("messenger:100:200%20", "%20", "a" * 129, "messenger:100:200:1", "x:100:200", "%E2%80%AE", "200%3Ba=b", "*"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [route for route in GUARDED if "{session}" in route[1]])
def test_ids_that_are_none_lead_nowhere(service: Service, method: str, path: str, id_: str) -> None:
    for token in (TOKENS["every"], people.token(service.clock() // 1000)):
        before = everything(service)
        headers = {"Authorization": f"Bearer {token}"}
        answer = service.ask(method, path_of(path, id_), body_of(method, path), token=None, headers=headers)
        assert answer.status in (400, 404)
        assert everything(service) == before


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_who_may_is_let_in(method: str, path: str) -> None:
    service = Service(KEPT)
    service.receive(service.said("m1"))
    need, operator = NEEDS[method, path], people.token(service.clock() // 1000)
    allowed = [operator, *([TOKENS["every"]] if need != "operator" and "{session}" in path else [])]
    for token in allowed:
        body = body_of(method, path)
        headers = {"Authorization": f"bearer  {token}"}
        assert service.ask(method, path_of(path), body, token=None, headers=headers).status == 200


def test_what_was_done_says_by_whom(service: Service) -> None:
    service = Service(KEPT)
    service.receive(service.said("m1"))
    operator = {"Authorization": f"Bearer {people.token(service.clock() // 1000)}"}
    bot = {"Authorization": f"Bearer {TOKENS['every']}"}
    ana, every = {"type": "operator", "id": "ana-1", "name": "Ana"}, {"type": "bot", "id": "every", "name": "bot every"}
    assert service.post(f"{SESSION}/pause", token=None, headers=bot).json["paused"]["by"] == every
    assert service.post(f"{SESSION}/unpause", token=None, headers=operator).status == 200
    body = {"client_id": "c1", "text": "hello"}
    assert service.post(f"{SESSION}/messages", body, token=None, headers=operator).json["by"] == ana
    assert service.ask("PUT", "/botpress-hitl/bot", {"paused": True}, token=None, headers=operator).json["by"] == ana
    assert [row["by"] for row in service.history() if row["kind"] in ("paused", "resumed")][-2:] == [ana, every]


def test_a_bare_user_id_is_of_the_token_s_page(service: Service) -> None:
    assert service.get(SESSION).status == 400  # two Pages are configured
    assert service.get(SESSION, token=TOKENS["every"]).json["id"] == ID
    assert service.get(SESSION, token=TOKENS["elsewhere"]).status == 404


def test_which_token_this_is_can_be_asked() -> None:
    settings = Settings({}, {**PARAMETERS, **KEPT})
    token = auth.api_token(TOKENS["elsewhere"], settings)
    assert (token.id, token.page, token.permissions) == ("elsewhere", OTHER_PAGE, BOTS)
    assert token.caller == Caller(Actor("bot", "elsewhere", "bot elsewhere"), frozenset(BOTS), OTHER_PAGE)
    for text in ("", "x", people.token(0), TOKENS["revoked"]):
        with pytest.raises(Unauthenticated):
            auth.api_token(text, settings)


def test_tokens_are_random_and_kept_as_hashes_only() -> None:
    token = new_token()
    assert auth.is_token(token)
    assert token != new_token()
    kept_value = kept("1", token, BOTS)
    assert token not in kept_value
    assert hash_of(token) not in repr(ApiToken.of("1", kept_value))
    assert ApiToken.of("1", kept_value) == ApiToken("1", "bot 1", hash_of(token), f"messenger:{PAGE}", BOTS)


def test_refusals_are_not_worth_a_line_in_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        service.get(SESSIONS, token="garbage")
    assert caplog.text == ""
