"""The OpenID provider of a local run: the whole way of a sign-in, and everything that it has to refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from chalicelib.settings import SignIn
from local.provider import Provider, configuration, sign_in
from local.serving import Request, Response
from tests.fakes import Clock

ORIGIN = "http://localhost:8000"
VERIFIER = "a-verifier-of-at-least-43-characters-as-the-rfc-says"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": "dashboard",
    "redirect_uri": f"{ORIGIN}/",
    "response_type": "code",
    "scope": "openid profile email",
    "state": 'st"<a>te',
    "nonce": "n1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Browser:
    """Asks the provider as a browser and oidc-client-ts do."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.provider = Provider(ORIGIN, self.clock)

    def get(self, path: str, token: str = "", **query: str) -> Response:
        headers = Message()
        headers["Authorization"] = f"Bearer {token}"
        return self.provider(Request("GET", f"/oidc{path}?{urlencode(query)}", headers, b""))

    def post(self, path: str, **fields: str) -> Response:
        return self.provider(Request("POST", f"/oidc{path}", Message(), urlencode(fields).encode()))

    def code(self, person: str = "ana", **asked: str) -> str:
        answer = self.post("/authorize", person=person, **{**ASKED, **asked})
        assert answer.status == 303
        return query_of(answer)["code"]

    def redeem(self, code: str, /, **fields: str) -> tuple[int, Any]:
        common = {"grant_type": "authorization_code", "client_id": "dashboard", "redirect_uri": f"{ORIGIN}/"}
        return read(self.post("/token", **{**common, "code_verifier": VERIFIER, "code": code, **fields}))

    def claims(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The header and the claims, if the published key says that they are the provider's."""
        keys = KeySet.import_key_set(read(self.get("/jwks"))[1])
        found = jwt.decode(token, keys, algorithms=["RS256"])
        return found.header, found.claims


def read(answer: Response) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)


def header(answer: Response, name: str) -> str:
    return dict(answer.headers)[name]


def query_of(answer: Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(header(answer, "Location")).query).items()}


@pytest.fixture(scope="module")
def browser() -> Browser:
    return Browser()


def test_discovery_names_what_is_there(browser: Browser) -> None:
    status, found = read(browser.get("/.well-known/openid-configuration"))
    assert (status, found["issuer"]) == (200, f"{ORIGIN}/oidc")
    chosen = SignIn.of(json.dumps(sign_in(ORIGIN)))
    assert (chosen.issuer, configuration(chosen)["issuer"]) == (found["issuer"], found["issuer"])
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
        path = found[name].removeprefix(f"{ORIGIN}/oidc")
        answers = (browser.get(path).status, browser.post(path).status)
        assert min(answers) in (200, 400, 401), name
    assert browser.get("/nothing").status == 404


def test_the_published_key_is_public(browser: Browser) -> None:
    (key,) = read(browser.get("/jwks"))[1]["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def test_one_click_signs_in(browser: Browser) -> None:
    page = browser.get("/authorize", **ASKED).body.decode()
    assert re.findall(r"Sign in as \w+", page) == ["Sign in as Ana", "Sign in as Ben"]
    assert "<a>" not in page  # the state is written as text
    answer = browser.post("/authorize", person="ana", **ASKED)
    assert header(answer, "Location").startswith(f"{ORIGIN}/?code=")
    assert query_of(answer)["state"] == ASKED["state"]

    status, tokens = browser.redeem(query_of(answer)["code"])
    assert (status, tokens["token_type"]) == (200, "Bearer")
    (about, access), (_, identity) = browser.claims(tokens["access_token"]), browser.claims(tokens["id_token"])
    assert about["alg"] == "RS256"
    assert (access["client_id"], access["token_use"], "aud" in access) == ("dashboard", "access", False)
    assert (identity["aud"], identity["nonce"], identity["iss"]) == ("dashboard", "n1", f"{ORIGIN}/oidc")
    assert access["exp"] - access["iat"] == tokens["expires_in"]
    for claims in (access, identity, read(browser.get("/userinfo", tokens["access_token"]))[1]):
        assert (claims["sub"], claims["name"], claims["email"]) == ("ana", "Ana", "ana@example.com")


@pytest.mark.parametrize(
    "uri", [f"{ORIGIN}/", ORIGIN, f"{ORIGIN}/index.html", "http://127.0.0.1:8000/", "http://localhost:5173/"]
)
def test_the_dashboard_may_be_at_the_root_of_this_machine_s_servers(browser: Browser, uri: str) -> None:
    assert browser.redeem(browser.code(redirect_uri=uri), redirect_uri=uri)[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": ""},
        {"redirect_uri": "http://localhost.evil.example/"},
        {"redirect_uri": "http://localhost:8000@evil.example/"},
        {"redirect_uri": f"{ORIGIN}/simulator"},
        {"redirect_uri": "https://evil.example/"},
        {"response_type": "token"},
        {"scope": "profile"},
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
    ],
)
def test_an_authorization_without_pkce_or_to_elsewhere_is_refused(browser: Browser, wrong: dict[str, str]) -> None:
    for answer in (
        browser.get("/authorize", **{**ASKED, **wrong}),
        browser.post("/authorize", person="ana", **{**ASKED, **wrong}),
    ):
        assert answer.status == 400
        assert "Location" not in dict(answer.headers)


def test_nobody_else_can_sign_in_and_nobody_silently(browser: Browser) -> None:
    assert browser.post("/authorize", person="eve", **ASKED).status == 400
    answer = browser.get("/authorize", prompt="none", **ASKED)
    assert query_of(answer) == {"error": "login_required", "state": ASKED["state"]}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code": "guessed"}, "invalid_grant"),
        ({"code_verifier": "another"}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"redirect_uri": f"{ORIGIN}/index.html"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_for_who_asked_for_it(browser: Browser, wrong: dict[str, str], error: str) -> None:
    assert browser.redeem(browser.code(), **wrong) == (400, {"error": error})


def test_a_code_is_good_once_and_for_a_minute(browser: Browser) -> None:
    code = browser.code()
    assert browser.redeem(code)[0] == 200
    assert browser.redeem(code) == (400, {"error": "invalid_grant"})
    late = browser.code()
    browser.clock.tick(60_000)
    assert browser.redeem(late) == (400, {"error": "invalid_grant"})


def test_a_refresh_token_is_good_once(browser: Browser) -> None:
    first = browser.redeem(browser.code("ben"))[1]
    fields = {"grant_type": "refresh_token", "client_id": "dashboard", "refresh_token": first["refresh_token"]}
    status, second = read(browser.post("/token", **fields))
    assert (status, browser.claims(second["access_token"])[1]["sub"]) == (200, "ben")
    assert read(browser.post("/token", **fields)) == (400, {"error": "invalid_grant"})
    assert second["refresh_token"] != first["refresh_token"]


def test_userinfo_takes_access_tokens_only(browser: Browser) -> None:
    tokens = browser.redeem(browser.code())[1]
    for token in ("", "x", tokens["id_token"], Browser().provider.sign({"sub": "ana", "exp": 10**12})):
        assert browser.get("/userinfo", token).status == 401
    browser.clock.tick(3_600_000)
    assert browser.get("/userinfo", tokens["access_token"]).status == 401


def test_signing_out_leads_back_to_the_dashboard_only(browser: Browser) -> None:
    back = browser.get("/end_session", post_logout_redirect_uri=f"{ORIGIN}/", state="s")
    assert (back.status, header(back, "Location")) == (303, f"{ORIGIN}/?state=s")
    assert browser.get("/end_session", post_logout_redirect_uri="https://evil.example/").status == 200


def test_another_port_of_this_machine_may_ask(browser: Browser) -> None:
    preflight = browser.provider(Request("OPTIONS", "/oidc/token", Message(), b""))
    assert preflight.status == 204
    for answer in (preflight, browser.get("/jwks"), browser.post("/token")):
        assert header(answer, "Access-Control-Allow-Origin") == "*"
