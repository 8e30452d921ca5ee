"""A smoke test of a deployed stage: a signed webhook goes in, and the API gives it back.

The event stands by: it is logged like any message and never handed to the bot. Its conversation has the user
`smoke-test`, is the same one each time, and is marked as seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.auth import ApiToken, hash_of, new_token
from chalicelib.settings import Settings
from infra.addresses import Addresses
from infra.stage import CannotDo, Stage

USER = "smoke-test"
PATIENCE = 90.0
"""Seconds until everything must have worked: a function takes up to 30 to see a new token."""


class SmokeTest:
    """One run against one stage; `settings` have its parameters."""

    def __init__(
        self,
        ssm: Any,
        stage: Stage,
        settings: Settings,
        where: Addresses,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ssm = ssm
        self._settings = settings
        self._where = where
        self._sleep = sleep
        self._parameter = f"/{stage.stem}/tokens/smoke-test"

    def run(self) -> None:
        """Do it; CannotDo says which part did not work."""
        token = new_token()
        kept = ApiToken("smoke-test", "Smoke test", hash_of(token), None, ("read",))
        self._ssm.put_parameter(Name=self._parameter, Value=kept.value, Type="SecureString", Overwrite=True)
        try:
            self._verify()
            self._read_back(self._send(), token)
        finally:
            self._ssm.delete_parameter(Name=self._parameter)

    def _verify(self) -> None:
        word = secrets.token_hex(4)
        asked = {"hub.mode": "subscribe", "hub.verify_token": self._settings.verify_token, "hub.challenge": word}
        status, body = self._until(lambda: _call("GET", f"{self._where.webhook}?{urlencode(asked)}"))
        if (status, body.decode()) != (200, word):
            raise CannotDo(f"The webhook did not answer Meta's verification ({_short(status, body)}).")

    def _send(self) -> str:
        page, now = self._settings.pages[0], time.time_ns() // 1_000_000
        mid = f"smoke-{secrets.token_hex(8)}"
        message = {"mid": mid, "text": "This is a smoke test."}
        event = {"sender": {"id": USER}, "recipient": {"id": page.id}, "timestamp": now, "message": message}
        kind = "instagram" if page.platform == "instagram" else "page"
        body = json.dumps({"object": kind, "entry": [{"id": page.id, "time": now, "standby": [event]}]}).encode()
        signature = hmac.new(self._settings.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        status, answer = self._until(lambda: _call("POST", self._where.webhook, body, headers))
        if status != 200:
            raise CannotDo(f"The webhook did not take a signed message ({_short(status, answer)}).")
        return mid

    def _read_back(self, mid: str, token: str) -> None:
        conversation = quote(f"{self._settings.pages[0].name}:{USER}", safe=":")
        base = f"{self._where.api}/botpress-hitl/sessions/{conversation}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        status, body = self._until(lambda: _call("GET", f"{base}/messages?limit=20", headers=headers))
        if status != 200 or mid not in body.decode():
            raise CannotDo(f"The API did not give the message back ({_short(status, body)}).")
        _call("POST", f"{base}/seen", b"{}", headers)

    def _until(self, call: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """What it answers; what a new deployment may answer for a while is asked again."""
        end = time.monotonic() + PATIENCE
        while True:
            status, body = call()
            if 200 <= status < 300 or time.monotonic() > end:
                return status, body
            self._sleep(2)


def _call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return 0, type(error).__name__.encode()


def _short(status: int, body: bytes) -> str:
    return f"status {status}: {body[:200].decode('utf-8', 'replace')}"
