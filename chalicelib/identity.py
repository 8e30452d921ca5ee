"""Who an operator is, by the word of an OpenID provider: its signed token, checked with the keys that it publishes.

The cryptography is joserfc's, which is imported when the first such token comes. Nothing in a token is believed before
its signature is: not the address of a key, not the algorithm. Keys are fetched from where the issuer's own discovery
document says, and kept. A key that we do not know makes us ask again, but only now and then, so that made-up tokens
cannot make us ask more often; while the provider does not answer, the keys that it gave last stay good.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import urllib3

from chalicelib.errors import Unauthenticated, Unavailable
from chalicelib.settings import SignIn

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Whatever a token or the provider says, it is one of these: signed with a private key that only the provider has."""
MAX_TOKEN = 8192
MAX_DOCUMENT = 256 * 1024
"""Bytes of a discovery document or of a list of keys."""
MAX_KEYS = 100
PURPOSES = {"at+jwt": "access", "access": "access", "bearer": "access", "id": "id"}
"""What a token is for by what it calls itself: in its header (RFC 9068), or in a claim as Cognito's and Keycloak's do.
A provider signs other things by the same key, logout tokens for one."""
NO_PURPOSE = frozenset({"", "jwt"})
OF_ID_TOKENS = frozenset({"nonce", "at_hash", "c_hash"})
OF_ACCESS_TOKENS = frozenset({"scope", "scp", "client_id", "cid"})
"""Claims that tell both kinds from each other where neither calls itself anything."""
MAX_NAME = 100
LEEWAY = 60
"""Seconds by which the provider's clock may differ from ours."""
KEYS_FRESH = 3600.0
"""Seconds after which keys are asked for again: one that the provider has withdrawn is good no longer than that."""
ASK_AGAIN = 30.0
"""Seconds between two askings, whatever tokens come."""
PATIENCE = 3.0
"""Seconds for one document."""
INVALID = "This token is not valid, or not any more. Sign in again."
NOT_REACHED = "The OpenID provider did not answer. Try again."

logger = logging.getLogger(__name__)
Fetch = Callable[[str], bytes]
"""The body of what is at a URL; whatever it raises means that there was no answer."""


class Operator(NamedTuple):
    """Somebody who has signed in: the provider's lasting id of them, what to call them, and their groups."""

    id: str
    name: str
    groups: frozenset[str]


class Issuer:
    """The provider behind `sign_in`, which is read for each token so that a change needs no new process.

    `clock` gives milliseconds since the epoch; `ticks` seconds that never go back. Safe to share between threads.
    """

    def __init__(
        self,
        sign_in: Callable[[], SignIn],
        clock: Callable[[], int],
        fetch: Fetch | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sign_in = sign_in
        self._clock = clock
        self._fetch = fetch or _over_https()
        self._ticks = ticks
        self._lock = threading.Lock()
        self._issuer = ""
        self._keys: Mapping[str, RSAKey | ECKey] = {}
        self._fetched_at = self._asked_at = float("-inf")

    def operator(self, token: str) -> Operator:
        """Who holds this token; Unauthenticated where it is not good, Unavailable where that cannot be known now."""
        header = _header(token)
        sign_in = self._sign_in()
        key = self._key(sign_in.issuer, header)
        claims = _verified(token, key, sign_in, self._clock() // 1000)
        _check_use(header, claims, sign_in)
        groups = frozenset(
            group
            for name in ("groups", "cognito:groups")
            for group in (claims[name] if isinstance(claims.get(name), list) else ())
            if isinstance(group, str)
        )
        return Operator(claims["sub"], _name(claims), groups)

    def _key(self, issuer: str, header: Mapping[str, Any]) -> RSAKey | ECKey:
        with self._lock:
            now = self._ticks()
            if issuer != self._issuer:
                self._issuer, self._keys = issuer, {}
                self._fetched_at = self._asked_at = float("-inf")
            is_wanted = header["kid"] not in self._keys or now - self._fetched_at >= KEYS_FRESH
            if is_wanted and now - self._asked_at >= ASK_AGAIN:
                self._asked_at = now
                self._refresh(issuer)
            key = self._keys.get(header["kid"])
            if key is None and self._fetched_at == float("-inf"):
                raise Unavailable(NOT_REACHED)
        if key is None or key.get("alg", header["alg"]) != header["alg"]:
            raise Unauthenticated(INVALID)
        return key

    def _refresh(self, issuer: str) -> None:
        try:
            about = json.loads(self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
            if about["issuer"] != issuer:
                raise ValueError("another issuer")
            where = about["jwks_uri"]
            if issuer.startswith("https://") and not where.startswith("https://"):
                raise ValueError("keys that anybody on the way could change")
            self._keys = _public_keys(json.loads(self._fetch(where))["keys"])
            self._fetched_at = self._ticks()
        except Exception as error:  # whatever it is: the keys of before are better than none
            logger.warning("The OpenID provider's keys cannot be read: %s", type(error).__name__)


def _header(token: str) -> dict[str, Any]:
    """What a token says of itself, not believed yet; Unauthenticated where it cannot be one for us."""
    try:
        if len(token) > MAX_TOKEN or token.count(".") != 2:
            raise ValueError("not a signed token")
        part = token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        if header["alg"] not in ALGORITHMS or not isinstance(header["kid"], str):
            raise ValueError("not by a key that a provider publishes")
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unauthenticated(INVALID) from None
    return dict(header)


def _verified(token: str, key: RSAKey | ECKey, sign_in: SignIn, now: int) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError

    rules = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY,
        iss={"essential": True, "value": sign_in.issuer},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        rules.validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise Unauthenticated(INVALID) from None
    sub = claims["sub"]
    if not isinstance(sub, str) or not 0 < len(sub) <= 255 or not sub.isprintable():
        raise Unauthenticated(INVALID)
    return claims


def _check_use(header: Mapping[str, Any], claims: Mapping[str, Any], sign_in: SignIn) -> None:
    """The token is the one of both that is wanted, and made out to us.

    Access tokens name us as their audience; Cognito's have none and name the client that asked for them instead. So do
    ID tokens: without an audience of its own, an access token has to look like one.
    """
    kind = str(header.get("typ", "")).lower().removeprefix("application/")
    words = {kind, str(claims.get("token_use", "")), str(claims.get("typ", "")).lower()} - NO_PURPOSE
    purposes = {PURPOSES.get(word, "another") for word in words}
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if sign_in.token == "id_token":  # noqa: S105 a kind of token
        fits = purposes <= {"id"} and sign_in.client_id in named
        fits = fits and claims.get("azp", sign_in.client_id) == sign_in.client_id
    else:
        fits = purposes == {"access"} or (not purposes and _looks_like_access(claims, sign_in))
        if audience is None:
            fits = fits and not sign_in.audience and claims.get("client_id") == sign_in.client_id
        else:
            fits = fits and (sign_in.audience or sign_in.client_id) in named
    if not fits:
        raise Unauthenticated(INVALID)


def _looks_like_access(claims: Mapping[str, Any], sign_in: SignIn) -> bool:
    if not claims.keys().isdisjoint(OF_ID_TOKENS):
        return False
    return bool(sign_in.audience) or not claims.keys().isdisjoint(OF_ACCESS_TOKENS)


def _name(claims: Mapping[str, Any]) -> str:
    for claim in ("name", "preferred_username", "email", "username", "cognito:username", "sub"):
        value = claims.get(claim)
        text = "".join(filter(str.isprintable, value)).strip() if isinstance(value, str) else ""
        if text:
            return text[:MAX_NAME]
    return ""


def _public_keys(keys: Any) -> dict[str, RSAKey | ECKey]:
    """The keys for signatures by their ids. One that cannot be read, or is a secret, does not spoil the others."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    found: dict[str, RSAKey | ECKey] = {}
    for content in keys[:MAX_KEYS]:
        if not isinstance(content, dict) or content.get("use", "sig") != "sig":
            continue
        if not isinstance(content.get("kid"), str):
            continue
        try:
            if content.get("kty") == "RSA":
                found[content["kid"]] = RSAKey.import_key(content)
            elif content.get("kty") == "EC":
                found[content["kid"]] = ECKey.import_key(content)
        except (JoseError, ValueError, TypeError):
            continue
    return found


def _over_https() -> Fetch:
    http = urllib3.PoolManager(timeout=urllib3.Timeout(total=PATIENCE), retries=False, maxsize=1)

    def fetch(url: str) -> bytes:
        answer = http.request("GET", url, redirect=False, preload_content=False)
        try:
            body: bytes = answer.read(MAX_DOCUMENT + 1)
        finally:
            answer.drain_conn() if answer.status == 200 else answer.close()
        if answer.status != 200 or len(body) > MAX_DOCUMENT:
            raise ValueError("no document")
        return body

    return fetch
