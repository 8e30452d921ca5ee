"""The whole program behind its HTTP routes, on fakes. Every answer is judged by docs/openapi.json."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalice.test import Client

import app
from chalicelib import system
from chalicelib.auth import PERMISSIONS, ApiToken, hash_of
from chalicelib.identity import Issuer
from chalicelib.routes.web import SECURITY_HEADERS
from chalicelib.settings import Settings
from tests import openapi, people
from tests.fakes import Clock, FakeAlerts, FakeBot, FakeMailbox, FakeMessenger, FakeStore, FakeTelemetry

TOKEN = "hitl_" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
APP_SECRET, VERIFY_TOKEN, PAGE_TOKEN = "the-app-secret", "the-verify-token", "the-page-token"
SECRETS = (TOKEN, APP_SECRET, VERIFY_TOKEN, PAGE_TOKEN)
PARAMETERS = {
    "app-secret": APP_SECRET,
    "verify-token": VERIFY_TOKEN,
    "pages/messenger/100": PAGE_TOKEN,
    "sign-in": json.dumps(people.SIGN_IN),
    "tokens/api-token": ApiToken("api-token", "API token", hash_of(TOKEN), None, PERMISSIONS).value,
}
PAGE, USER = "100", "200"
ID = f"messenger:{PAGE}:{USER}"
SESSIONS = "/botpress-hitl/sessions"
SESSION = f"{SESSIONS}/{USER}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> tuple[int, str]:
        """The status and our own code of an error."""
        return self.status, self.json["code"]

    @property
    def faults(self) -> list[str]:
        """Every fault that was named."""
        named: list[str] = self.json["faults"]
        return named


class Failing:
    """A store that fails in one of its methods, as often as it is told to."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self._method, self._error, self._times = "", Exception(), 0

    def fail(self, method: str, error: Exception, times: int = 1) -> None:
        """Let the next calls of a method raise."""
        self._method, self._error, self._times = method, error, times

    def __getattr__(self, name: str) -> Any:
        if name == self._method and self._times:
            self._times -= 1
            return self._raise
        return getattr(self._part, name)

    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        raise self._error


class Service:
    """A system that is asked over HTTP. Its `store` may be told to fail."""

    def __init__(self, parameters: Mapping[str, str] | None = None, **settings: str) -> None:
        self.clock = Clock()
        self.store = Failing(FakeStore())
        self.mailbox = FakeMailbox()
        self.messenger = FakeMessenger()
        self.bot = FakeBot()
        self.web = people.Web()
        self.alerts = FakeAlerts()
        self.telemetry = FakeTelemetry()
        self.system = system.System(
            Settings(settings, {**PARAMETERS, **(parameters or {})}),
            store=self.store,
            mailbox=self.mailbox,
            messenger=self.messenger,
            bot=self.bot,
            issuer=Issuer(lambda: self.system.settings.sign_in, self.clock, self.web),
            alerts=self.alerts,
            telemetry=self.telemetry,
            clock=self.clock,
        )
        self.client = Client(app.app, project_dir=str(Path(app.__file__).parent))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, with a body of bytes or of anything that is sent as JSON."""
        system.install(self.system)
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.client.http.request(method, path, headers=sent, body=raw)
        answer = Answer(response.status_code, response.headers, response.body)
        found = openapi.faults(method, path.partition("?")[0], answer.status, response.headers, answer.body)
        assert found == [], answer.body[:2000]
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items() or answer.status in (404, 405)
        for secret in SECRETS:
            assert secret not in f"{answer.headers} {answer.body!r}"
        return answer

    def get(self, path: str, **more: Any) -> Answer:
        """GET."""
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        """POST."""
        return self.ask("POST", path, body, **more)

    def webhook(self, body: bytes, signature: str | None = None) -> Answer:
        """POST a body as Meta does, with the right signature unless another is given."""
        signature = sign(body) if signature is None else signature
        return self.post("/webhook", body, token=None, headers={"X-Hub-Signature-256": signature})

    def receive(self, *items: dict[str, Any]) -> None:
        """Let Meta tell of events, and go on a second, so that nothing happens at the same time."""
        assert self.webhook(events(*items)).status == 200
        self.clock.tick(1000)

    def said(self, mid: str, text: str = "hello", user: str = USER) -> dict[str, Any]:
        """What a user wrote just now."""
        parties = {"sender": {"id": user}, "recipient": {"id": PAGE}, "timestamp": self.clock()}
        return {**parties, "message": {"mid": mid, "text": text}}

    def history(self, user: str = USER) -> list[dict[str, Any]]:
        """A whole conversation, newest first."""
        found: list[dict[str, Any]] = self.get(f"{SESSIONS}/{user}/messages?limit=100").json["messages"]
        return found


def events(*items: dict[str, Any], object_: str = "page") -> bytes:
    """Write a webhook body."""
    return json.dumps({"object": object_, "entry": [{"id": PAGE, "messaging": list(items)}]}).encode()


def sign(body: bytes, secret: str = APP_SECRET) -> str:
    """Sign a webhook body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
