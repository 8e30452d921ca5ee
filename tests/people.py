"""Tokens of an OpenID provider, real ones and every wrong kind. The keys are made once, as that takes a while."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from chalicelib.identity import Issuer
from chalicelib.ports import Clock
from chalicelib.settings import SignIn

ISSUER, CLIENT, GROUP = "https://id.example/pool", "the-dashboard", "operators"
SIGN_IN = {"issuer": ISSUER, "client_id": CLIENT, "group": GROUP}


@cache
def key(kid: str) -> RSAKey:
    """A key of its own for each id; one of the provider's only if it is called so."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}, private=True)


@cache
def ec_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"}, private=True)


class Web:
    """The provider's documents by their URLs, and what was asked for. `down`: nobody answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False
        self.about: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.keys: list[dict[str, Any]] = [key("first").as_dict(private=False), ec_key().as_dict(private=False)]

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if self.down:
            raise OSError("no answer")
        path = urlsplit(url).path
        return json.dumps(self.about if path.endswith("/openid-configuration") else {"keys": self.keys}).encode()


def issuer(clock: Clock, web: Web, ticks: Any = lambda: 0.0, **sign_in: str) -> Issuer:
    """The issuer as our API sees it."""
    chosen = SignIn.of(json.dumps({**SIGN_IN, **sign_in}))
    return Issuer(lambda: chosen, clock, web, ticks)


def claims(now: int, **more: Any) -> dict[str, Any]:
    """An access token's claims as Cognito has them; None leaves one out. `now` is in seconds."""
    common = {"iss": ISSUER, "sub": "ana-1", "exp": now + 600, "iat": now - 10, "client_id": CLIENT, "name": "Ana"}
    found = {**common, "token_use": "access", "cognito:groups": [GROUP], **more}
    return {name: value for name, value in found.items() if value is not None}


def token(now: int, kid: str = "first", header: dict[str, Any] | None = None, **more: Any) -> str:
    """A token signed by the key of this id."""
    return jwt.encode({"alg": "RS256", "kid": kid, **(header or {})}, claims(now, **more), key(kid))


def part(content: Any) -> str:
    """A part of a token, written by hand."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def by_hand(now: int, header: dict[str, Any], digest: hashes.HashAlgorithm) -> str:
    """A token of the provider's key with a header that a library would not write."""
    text = f"{part(header)}.{part(claims(now))}"
    private = key("first").private_key
    assert private is not None
    signature = private.sign(text.encode(), padding.PKCS1v15(), digest)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unsigned(now: int) -> str:
    return f"{part({'alg': 'none', 'kid': 'first'})}.{part(claims(now))}."


def signed_with_the_public_key(now: int) -> str:
    """HS256 with what everybody can read as its secret."""
    text = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims(now))}"
    digest = hmac.new(key("first").as_pem(private=False), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def forged(now: int) -> str:
    """Another key under the provider's key id."""
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims(now), key("other"))


def tampered(now: int, **more: Any) -> str:
    """A good signature over other claims."""
    head, _, signature = token(now).split(".")
    return f"{head}.{part(claims(now, **more))}.{signature}"


def with_its_own_key(now: int) -> str:
    """A token that brings the key to check it by."""
    header = {"alg": "RS256", "kid": "own", "jwk": key("other").as_dict(private=False), "jku": "https://evil.example"}
    return jwt.encode(header, claims(now), key("other"))
