"""Operators' tokens: which are good, what they say of a person, and when the provider is asked for its keys."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from joserfc import jwt

from chalicelib import identity
from chalicelib.errors import Unauthenticated, Unavailable
from chalicelib.identity import ASK_AGAIN, KEYS_FRESH, MAX_DOCUMENT, Issuer
from chalicelib.settings import SignIn
from tests import people
from tests.fakes import Clock
from tests.loopback import Loopback, says

NOW = Clock()() // 1000


class Provider:
    """An issuer and what it can be told to do."""

    def __init__(self, **sign_in: str) -> None:
        self.clock, self.web, self.seconds = Clock(), people.Web(), 0.0
        self.issuer = people.issuer(self.clock, self.web, lambda: self.seconds, **sign_in)

    def name(self, **claims: Any) -> str:
        return self.issuer.operator(people.token(NOW, **claims)).name

    def takes(self, token: str) -> bool:
        try:
            self.issuer.operator(token)
        except Unauthenticated:
            return False
        return True

    @property
    def times_asked(self) -> int:
        return sum(url.endswith("/openid-configuration") for url in self.web.asked)


def test_a_good_token_says_who_it_is() -> None:
    operator = Provider().issuer.operator(people.token(NOW, groups=["a"]))
    assert (operator.id, operator.name) == ("ana-1", "Ana")
    assert operator.groups == {"a", people.GROUP}


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({}, "Ana"),
        ({"name": None, "preferred_username": "ana", "email": "a@example.com"}, "ana"),
        ({"name": "", "email": "a@example.com", "username": "u"}, "a@example.com"),
        ({"name": 5, "username": "u"}, "u"),
        ({"name": None}, "ana-1"),
        ({"name": "Ana\x1b[2J\n \u202e"}, "Ana[2J"),
        ({"name": "x" * 500}, "x" * identity.MAX_NAME),
    ],
)
def test_a_person_is_called_by_the_best_name_there_is(claims: dict[str, Any], name: str) -> None:
    assert Provider().name(**claims) == name


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 59},
        {"nbf": NOW + 59},
        {"iat": NOW + 59},
        {"aud": people.CLIENT, "client_id": None},
        {"aud": ["x", people.CLIENT], "client_id": None},
        {"token_use": None},
    ],
)
def test_within_the_leeway_and_made_out_to_us_is_good(claims: dict[str, Any]) -> None:
    assert Provider().takes(people.token(NOW, **claims))


def test_an_audience_of_its_own_is_asked_for_alone() -> None:
    provider = Provider(audience="our-api")
    assert provider.takes(people.token(NOW, aud="our-api", client_id="whoever"))
    assert not provider.takes(people.token(NOW, aud=people.CLIENT))
    assert not provider.takes(people.token(NOW))


@pytest.mark.parametrize(
    ("claims", "is_good"),
    [
        ({"token_use": "id", "aud": people.CLIENT, "nonce": "n"}, True),
        ({"token_use": None, "aud": [people.CLIENT], "azp": people.CLIENT}, True),
        ({"token_use": None, "aud": [people.CLIENT, "x"], "azp": "x"}, False),
        ({"token_use": "access", "aud": people.CLIENT}, False),
        ({"token_use": "id", "aud": "x"}, False),
        ({"token_use": "id", "aud": None}, False),
    ],
)
def test_id_tokens_are_taken_where_they_are_wanted(claims: dict[str, Any], is_good: bool) -> None:
    provider = Provider(token="id_token")
    assert provider.takes(people.token(NOW, **claims)) is is_good
    assert not provider.takes(people.token(NOW, header={"typ": "at+jwt"}, **claims))


@pytest.mark.parametrize(
    ("claims", "is_access", "is_id"),
    [
        ({}, False, True),
        ({"scope": "openid"}, True, True),
        ({"scp": "desk"}, True, True),
        ({"client_id": people.CLIENT}, True, True),
        ({"scope": "openid", "nonce": "n"}, False, True),
        ({"scope": "openid", "at_hash": "h"}, False, True),
        ({"scope": "openid", "c_hash": "h"}, False, True),
        ({"typ": "Bearer"}, True, False),
        ({"typ": "Bearer", "nonce": "n"}, True, False),
        ({"typ": "ID", "scope": "openid"}, False, True),
        ({"typ": "Logout", "scope": "openid"}, False, False),
        ({"typ": "Refresh", "scope": "openid"}, False, False),
        ({"typ": "ID", "token_use": "access"}, False, False),
        ({"typ": "Bearer", "token_use": "id"}, False, False),
        ({"token_use": ["access"], "scope": "openid"}, False, False),
        ({"token_use": "refresh", "scope": "openid"}, False, False),
    ],
)
def test_an_id_token_is_no_access_token_and_the_other_way_round(
    claims: dict[str, Any], is_access: bool, is_id: bool
) -> None:
    plain: dict[str, Any] = {"token_use": None, "client_id": None, "aud": people.CLIENT}
    token = people.token(NOW, **{**plain, **claims})
    assert Provider().takes(token) is is_access
    assert Provider(token="id_token").takes(token) is is_id


def test_what_names_an_audience_of_its_own_need_not_look_like_anything_but_no_id_token() -> None:
    plain: dict[str, Any] = {"token_use": None, "client_id": None, "aud": "our-api"}
    provider = Provider(audience="our-api")
    assert provider.takes(people.token(NOW, **plain))
    assert not provider.takes(people.token(NOW, nonce="n", **plain))
    assert not provider.takes(people.token(NOW, typ="ID", **plain))


@pytest.mark.parametrize("kind", ["logout+jwt", "secevent+jwt", "application/dpop+jwt", "x"])
@pytest.mark.parametrize("wanted", ["access_token", "id_token"])
def test_what_a_provider_signs_for_another_purpose_is_no_token_for_us(kind: str, wanted: str) -> None:
    provider = Provider(token=wanted)
    claims: dict[str, Any] = {"token_use": None, "aud": people.CLIENT}
    assert provider.takes(people.token(NOW, header={"typ": "JWT"}, **claims))
    assert not provider.takes(people.token(NOW, header={"typ": kind}, **claims))


def test_other_kinds_of_keys_are_good_too() -> None:
    claims, provider = people.claims(NOW), Provider()
    assert provider.takes(jwt.encode({"alg": "ES256", "kid": "ec"}, claims, people.ec_key()))
    header = {"alg": "PS256", "kid": "first"}
    assert provider.takes(jwt.encode(header, claims, people.key("first"), algorithms=["PS256"]))


def test_a_key_is_good_for_its_own_algorithm_only() -> None:
    provider = Provider()
    provider.web.keys[0]["alg"] = "PS256"
    assert not provider.takes(people.token(NOW))


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {"kty": "RSA", "kid": "broken", "n": "x"},
        {"kty": "OKP", "kid": "future"},
        {"kid": "nothing"},
        {"kty": "RSA"},
        "no key",
    ],
)
def test_a_key_that_cannot_be_read_does_not_spoil_the_others(odd: Any) -> None:
    provider = Provider()
    provider.web.keys = [odd, *provider.web.keys, {**provider.web.keys[0], "kid": "enc", "use": "enc"}]
    assert provider.takes(people.token(NOW))
    assert not provider.takes(people.token(NOW, kid="enc"))


def test_keys_are_asked_for_once_and_again_when_they_grow_old() -> None:
    provider = Provider()
    for _ in range(3):
        assert provider.takes(people.token(NOW))
    assert provider.web.asked == [f"{people.ISSUER}/.well-known/openid-configuration", f"{people.ISSUER}/keys"]
    provider.seconds = KEYS_FRESH - 1
    assert provider.takes(people.token(NOW))
    assert provider.times_asked == 1
    provider.web.keys = provider.web.keys[1:]
    provider.seconds = KEYS_FRESH
    assert not provider.takes(people.token(NOW))
    assert provider.times_asked == 2


def test_an_unknown_key_is_asked_for_but_not_for_each_token() -> None:
    provider = Provider()
    assert provider.takes(people.token(NOW))
    provider.web.keys.append(people.key("second").as_dict(private=False))
    provider.seconds = ASK_AGAIN
    assert provider.takes(people.token(NOW, kid="second"))
    assert provider.times_asked == 2
    for _ in range(50):
        assert not provider.takes(people.token(NOW, kid="other"))
    assert provider.times_asked == 2
    provider.seconds = 2 * ASK_AGAIN
    assert not provider.takes(people.token(NOW, kid="other"))
    assert provider.times_asked == 3


def test_what_cannot_be_a_token_asks_nobody() -> None:
    provider = Provider()
    for token in ("x", "a.b.c", people.unsigned(NOW), people.signed_with_the_public_key(NOW), "." * 9000):
        assert not provider.takes(token)
    assert provider.web.asked == []


def test_keys_stay_good_while_the_provider_does_not_answer() -> None:
    provider = Provider()
    assert provider.takes(people.token(NOW))
    provider.web.down = True
    provider.seconds = KEYS_FRESH
    for _ in range(10):
        assert provider.takes(people.token(NOW))
    assert len(provider.web.asked) == 3


def test_without_any_keys_nobody_can_know_and_the_provider_is_left_alone_for_a_while() -> None:
    provider = Provider()
    provider.web.down = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            provider.issuer.operator(people.token(NOW))
    assert len(provider.web.asked) == 1
    provider.web.down, provider.seconds = False, ASK_AGAIN
    assert provider.takes(people.token(NOW))


@pytest.mark.parametrize(
    "about",
    [{"issuer": "https://another.example"}, {"jwks_uri": None}, {"issuer": None}],
)
def test_a_discovery_document_of_another_issuer_is_not_believed(about: dict[str, Any]) -> None:
    provider = Provider()
    provider.web.about |= about
    if about.get("jwks_uri", "") is None:
        del provider.web.about["jwks_uri"]
    with pytest.raises(Unavailable):
        provider.issuer.operator(people.token(NOW))


def test_keys_are_not_fetched_where_somebody_on_the_way_could_change_them() -> None:
    provider = Provider()
    provider.web.about["jwks_uri"] = "http://id.example/keys"
    with pytest.raises(Unavailable):
        provider.issuer.operator(people.token(NOW))
    assert provider.web.asked == [f"{people.ISSUER}/.well-known/openid-configuration"]


def test_another_issuer_in_the_settings_brings_its_own_keys() -> None:
    web, chosen = people.Web(), [SignIn(people.ISSUER, people.CLIENT)]
    issuer = Issuer(lambda: chosen[0], Clock(), web, lambda: 0.0)
    assert issuer.operator(people.token(NOW)).id == "ana-1"
    chosen[0] = SignIn("https://new.example", people.CLIENT)
    web.about = {"issuer": "https://new.example", "jwks_uri": "https://new.example/keys"}
    web.keys = [people.key("other").as_dict(private=False)]
    with pytest.raises(Unauthenticated):
        issuer.operator(people.token(NOW))
    assert issuer.operator(people.token(NOW, kid="other", iss="https://new.example")).id == "ana-1"


def test_what_only_such_a_token_needs_is_not_loaded_before() -> None:
    """Neither do functions that never see one pay for it."""
    source = "import sys, app; print({'joserfc', 'cryptography', 'aws_xray_sdk'} & sys.modules.keys())"
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "set()"


KEYS = json.dumps({"keys": [people.key("first").as_dict(private=False)]}).encode()


@pytest.mark.parametrize(
    ("answer", "is_read"),
    [
        (says(200, KEYS), True),
        (says(200, KEYS + b" " * MAX_DOCUMENT), False),
        (says(302, b"", Location="https://evil.example/keys"), False),
        (says(500, KEYS), False),
        (says(200, b"<html>"), False),
    ],
)
def test_documents_are_fetched_within_limits(answer: Any, is_read: bool) -> None:
    def discovery(handler: Any) -> None:
        url = handler.loopback.url
        says(200, {"issuer": url, "jwks_uri": f"{url}/keys"})(handler)

    with Loopback(discovery, answer) as server:
        issuer = Issuer(lambda: SignIn(server.url, people.CLIENT), Clock())
        token = people.token(NOW, iss=server.url)
        if is_read:
            assert issuer.operator(token).id == "ana-1"
        else:
            with pytest.raises(Unavailable):
                issuer.operator(token)
    assert [asked.path for asked in server.asked] == ["/.well-known/openid-configuration", "/keys"]
