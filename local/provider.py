"""A real OpenID provider on the one origin, in place of Cognito: discovery, keys, code with PKCE, refresh, sign-out.

Two operators are offered, one click each, and nobody has a password. All else is as it is elsewhere: a code is good for
one minute and once, PKCE is asked for and checked, and tokens are signed with a key that is made anew for each run.
Like Cognito's, access tokens name the client by `client_id` and carry `token_use` in place of an audience.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from chalicelib.settings import SignIn
from local.serving import Request, Response, answer_json, answer_text

PATH = "/oidc"
CLIENT_ID = "dashboard"
SCOPE = "openid profile email"
ALGORITHM = "RS256"
TOKEN_S = 3600
CODE_S = 60
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_OURS = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/|/index\.html)?")
_NO_STORE = {"Cache-Control": "no-store"}
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization, Content-Type"}
"""The dashboard's own development server is another origin. No cookie exists that this could give away."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in."""

    sub: str
    name: str
    email: str
    groups: tuple[str, ...] = ("operators",)

    @property
    def claims(self) -> dict[str, object]:
        """What tokens and userinfo say of them."""
        about = {"sub": self.sub, "name": self.name, "preferred_username": self.sub, "email": self.email}
        return {**about, "email_verified": True, "groups": list(self.groups)}


PEOPLE = (Person("ana", "Ana", "ana@example.com"), Person("ben", "Ben", "ben@example.com"))


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or a refresh token stands for."""

    person: Person
    signed_in_at: int
    nonce: str = ""
    redirect_uri: str = ""
    challenge: str = ""
    expires_at: int = 0


class Provider:
    """Answers under `PATH` of the origin. `clock` gives milliseconds since the epoch.

    Browsers are sent back to the root of any server on this machine: the dashboard may have a port of its own.
    """

    def __init__(self, origin: str, clock: Callable[[], int]) -> None:
        self.issuer = f"{origin}{PATH}"
        self._clock = clock
        self._codes: dict[str, Grant] = {}
        self._refreshing: dict[str, Grant] = {}
        self._lock = threading.Lock()
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/.well-known/openid-configuration"): self._discovery,
            ("GET", "/jwks"): self._keys,
            ("GET", "/authorize"): self._ask_who,
            ("POST", "/authorize"): self._sign_in,
            ("POST", "/token"): self._token,
            ("GET", "/userinfo"): self._userinfo,
            ("GET", "/end_session"): self._sign_out,
        }

    def __call__(self, request: Request) -> Response:
        """The answer to a request whose path begins with `PATH`."""
        if request.method == "OPTIONS":
            return Response(204, b"", {**_CORS, "Access-Control-Allow-Methods": "GET, POST"})
        answer = self._routes.get((request.method, request.path.removeprefix(PATH)))
        return answer_text("The OpenID provider has nothing here.", 404) if answer is None else answer(request)

    def sign(self, claims: Mapping[str, object], kind: str = "JWT") -> str:
        """A token that holds these claims, whatever they are."""
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid, "typ": kind}, dict(claims), self._key)

    @cached_property
    def _key(self) -> RSAKey:
        return RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM, "kid": secrets.token_hex(8)}, private=True)

    def _discovery(self, _: Request) -> Response:
        named = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "userinfo_endpoint": "/userinfo",
            "jwks_uri": "/jwks",
            "end_session_endpoint": "/end_session",
        }
        about = {
            "issuer": self.issuer,
            **{name: self.issuer + path for name, path in named.items()},
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": [*SCOPE.split(), "offline_access"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified", "groups"],
        }
        return answer_json(about, headers=_CORS)

    def _keys(self, _: Request) -> Response:
        return answer_json({"keys": [self._key.as_dict(private=False)]}, headers=_CORS)

    def _ask_who(self, request: Request) -> Response:
        asked = request.query
        if fault := self._fault(asked):
            return answer_text(fault, 400)
        if asked.get("prompt") == "none":  # nobody stays signed in here, as there is no cookie
            return _back(asked["redirect_uri"], {"error": "login_required"}, asked)
        return Response(200, _page(asked).encode(), _PAGE_HEADERS)

    def _sign_in(self, request: Request) -> Response:
        asked = _form(request)
        person = next((person for person in PEOPLE if person.sub == asked.get("person")), None)
        if fault := self._fault(asked) or ("There is no such person." if person is None else ""):
            return answer_text(fault, 400)
        assert person is not None
        code, now = secrets.token_urlsafe(32), self._now()
        grant = Grant(
            person,
            now,
            nonce=asked.get("nonce", ""),
            redirect_uri=asked["redirect_uri"],
            challenge=asked["code_challenge"],
            expires_at=now + CODE_S,
        )
        with self._lock:
            self._codes[code] = grant
        return _back(grant.redirect_uri, {"code": code, "iss": self.issuer}, asked)

    def _fault(self, asked: Mapping[str, str]) -> str:
        """Why nobody can sign in by this request; nothing here may send a browser to an address we do not know."""
        if asked.get("client_id") != CLIENT_ID:
            return f"The client_id is not {CLIENT_ID}."
        if not _OURS.fullmatch(asked.get("redirect_uri", "")):
            return "The redirect_uri is not the dashboard's."
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return "Ask with response_type=code and a scope that holds openid."
        if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
            return "PKCE is needed: send a code_challenge with code_challenge_method=S256."
        return ""

    def _token(self, request: Request) -> Response:
        asked = _form(request)
        kind = asked.get("grant_type")
        if asked.get("client_id") != CLIENT_ID:
            return _error("invalid_client")
        if kind == "authorization_code":
            with self._lock:
                grant = self._codes.pop(asked.get("code", ""), None)
            if grant is None or not self._may_redeem(grant, asked):
                return _error("invalid_grant")
        elif kind == "refresh_token":
            with self._lock:
                grant = self._refreshing.pop(asked.get("refresh_token", ""), None)
            if grant is None:
                return _error("invalid_grant")
        else:
            return _error("unsupported_grant_type")
        return answer_json(self._tokens(grant), headers={**_CORS, **_NO_STORE})

    def _may_redeem(self, grant: Grant, asked: Mapping[str, str]) -> bool:
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_same = hmac.compare_digest(challenge, grant.challenge) and asked.get("redirect_uri") == grant.redirect_uri
        return is_same and self._now() < grant.expires_at

    def _tokens(self, grant: Grant) -> dict[str, object]:
        now, refresh = self._now(), secrets.token_urlsafe(32)
        with self._lock:
            self._refreshing[refresh] = grant
        common = {"iss": self.issuer, "iat": now, "exp": now + TOKEN_S, "auth_time": grant.signed_in_at}
        access = {**grant.person.claims, **common, "client_id": CLIENT_ID, "token_use": "access", "scope": SCOPE}
        nonce = {"nonce": grant.nonce} if grant.nonce else {}
        identity = {**grant.person.claims, **common, "aud": CLIENT_ID, "token_use": "id", **nonce}
        return {
            "access_token": self.sign(access, "at+jwt"),
            "id_token": self.sign(identity),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
            "scope": SCOPE,
        }

    def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims: dict[str, Any] = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            claims = {}
        person = next((person for person in PEOPLE if person.sub == claims.get("sub")), None)
        if person is None or claims["exp"] <= self._now() or "client_id" not in claims:  # which no ID token has
            headers = {**_CORS, "WWW-Authenticate": 'Bearer error="invalid_token"'}
            return answer_json({"error": "invalid_token"}, 401, headers)
        return answer_json(person.claims, headers={**_CORS, **_NO_STORE})

    def _sign_out(self, request: Request) -> Response:
        asked = request.query
        target = asked.get("post_logout_redirect_uri", "")
        return _back(target, {}, asked) if _OURS.fullmatch(target) else answer_text("You are signed out.")

    def _now(self) -> int:
        return self._clock() // 1000


def sign_in(origin: str) -> dict[str, str]:
    """How operators sign in by the provider of this origin: the parameter `sign-in`."""
    return {"issuer": origin + PATH, "client_id": CLIENT_ID, "token": "access_token", "group": "operators"}


def configuration(chosen: SignIn) -> dict[str, str]:
    """What the dashboard has to know, as `/config.json` tells it."""
    about = {"issuer": chosen.issuer, "client_id": chosen.client_id, "token": chosen.token}
    return {"api": "/api", "scope": SCOPE, **about}


def _form(request: Request) -> dict[str, str]:
    """The fields of a form; the last value of each."""
    fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _back(url: str, fields: Mapping[str, str], asked: Mapping[str, str]) -> Response:
    """Send the browser back, with the `state` that it came with."""
    fields = {**fields, **({"state": asked["state"]} if asked.get("state") else {})}
    return Response(303, b"", {"Location": f"{url}?{urlencode(fields)}" if fields else url, **_NO_STORE})


def _error(code: str) -> Response:
    return answer_json({"error": code}, 400, {**_CORS, **_NO_STORE})


_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    **_NO_STORE,
}
_KEPT = ("client_id", "redirect_uri", "response_type", "scope", "code_challenge", "code_challenge_method")
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { min-height: 100vh; margin: 0; display: grid; place-content: center; gap: 12px; text-align: center }
h1 { font-size: 24px; margin: 0 }
form { display: grid; gap: 8px }
button { font: inherit; min-height: 44px; border-radius: 8px; border: 1px solid; background: none; cursor: pointer }
"""


def _page(asked: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(asked[name])}">'
        for name in (*_KEPT, "state", "nonce")
        if name in asked
    )
    buttons = "".join(
        f'<button name="person" value="{person.sub}">Sign in as {person.name}</button>' for person in PEOPLE
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><main><h1>Who are you?</h1>'
        f"<p>This provider runs on your machine and asks for no password.</p>"
        f'<form method="post" action="{PATH}/authorize">{hidden}{buttons}</form></main></html>'
    )
