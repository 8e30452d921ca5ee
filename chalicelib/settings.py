"""The only reader of the environment and of secrets.

Names, addresses and switches come from the environment, secrets from the parameters in SSM and from nowhere else. Both
are read at the first use and not at import, because the Chalice CLI imports `app.py` to package it and has none of
them. What is missing fails at that first read, with its name and the form it should have.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from chalicelib import parameters as _parameters
from chalicelib.errors import Misconfigured

PLATFORMS = ("messenger", "instagram")
_PAGE = r"pages/(messenger|instagram)/([A-Za-z0-9_-]{1,128})"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MINUTES = r"(?:[1-9][0-9]{0,5})?"
# Lambda takes a part of an ARN too, `<account>:function:<name>`. IAM does not, and some read as a name with an alias.
_FUNCTION = r"(?:arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]+:function:|(?!function:|[0-9]+:|[a-z]{2}-[a-z-]+-[0-9]:))"
_BOT = (
    r"python:[A-Za-z_][\w.]*:[A-Za-z_]\w*|https?://\S+|"
    rf"lambda:{_FUNCTION}[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+|:\$LATEST)?"
)
_TOPIC = r"(?:arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?"
_DASHBOARD = r"(?:https?://[^\s/?#]+[^\s?#]*)?"
_ALERT_WEBHOOK = r"(?:https://[^\s/]\S*|http://(?:localhost|127\.0\.0\.1)(?::[0-9]+)?/\S*)?"


class Page(NamedTuple):
    """A Facebook Page, or an Instagram professional account, that we may speak for."""

    platform: str
    id: str
    token: str

    def __repr__(self) -> str:
        return f"Page({self.name!r})"  # the token is a secret

    @property
    def name(self) -> str:
        """`<platform>:<page id>`, which every id of its conversations begins with."""
        return f"{self.platform}:{self.id}"


class SignIn(NamedTuple):
    """Whose word we take for who an operator is.

    `token` says which token of the provider is sent to us. `audience` is what access tokens for us are made out to,
    where that is not the client itself. Operators need to be in `group`, unless it is empty.
    """

    issuer: str
    client_id: str
    token: Literal["access_token", "id_token"] = "access_token"  # noqa: S105 a kind of token, not one
    audience: str = ""
    group: str = ""

    @classmethod
    def of(cls, value: str) -> SignIn:
        """Read it from JSON; ValueError where it is none of this form."""
        content = json.loads(value)
        known = {"issuer", "client_id", "token", "audience", "group"}
        if not isinstance(content, dict) or not content.keys() <= known or not all(map(_is_text, content.values())):
            raise ValueError("unknown fields")
        sign_in = cls(**content)
        is_local = sign_in.issuer.startswith("http://") and _host(sign_in.issuer) in _LOOPBACK
        if not (is_local or sign_in.issuer.startswith("https://")) or not sign_in.client_id:
            raise ValueError("no issuer")
        if sign_in.token not in ("access_token", "id_token"):
            raise ValueError("no such token")
        return sign_in


class Settings(NamedTuple):
    """What a deployment can choose. Each property that may be missing names itself when it is."""

    env: Mapping[str, str]
    parameters: Mapping[str, str] = MappingProxyType({})

    def __repr__(self) -> str:
        return "Settings(…)"  # both hold secrets

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """Meta's app secret, and while it is being changed the other one: webhooks may be signed with either."""
        form = "the app secret from your Meta app's basic settings; while it changes both, the one to sign with first"
        return tuple(self._parameter("app-secret", form).split())

    @property
    def app_secret(self) -> str:
        """The app secret that our own calls are signed with."""
        return self.app_secrets[0]

    @property
    def verify_token(self) -> str:
        """The word that Meta repeats when it verifies the webhook's URL."""
        return self._parameter("verify-token", "any word, the same as in your Meta app's webhook settings")

    @property
    def pages(self) -> tuple[Page, ...]:
        """Every Page that we hold a token of, in the order of their names."""
        found = [
            Page(match[1], match[2], value.strip())
            for name, value in sorted(self.parameters.items())
            if (match := re.fullmatch(_PAGE, name)) and value.strip()
        ]
        if not found:
            form = f"the Page's access token; for an Instagram account /{self.name}/pages/instagram/<account id>"
            raise Misconfigured(_missing(self._path("pages/messenger/<page id>"), form))
        return tuple(found)

    @property
    def tokens(self) -> Mapping[str, str]:
        """What is known of each API token, by its id: JSON, which `auth` reads."""
        start = "tokens/"
        return {name[len(start) :]: value for name, value in self.parameters.items() if name.startswith(start)}

    @property
    def sign_in(self) -> SignIn:
        """How operators sign in."""
        form = '{"issuer": "https://…", "client_id": "…"}, with "token": "id_token", "audience" or "group" where needed'
        value = self._parameter("sign-in", form)
        try:
            return SignIn.of(value)
        except (ValueError, TypeError, RecursionError):
            raise Misconfigured(f"The parameter {self._path('sign-in')} cannot be read. Set it to {form}.") from None

    @property
    def bot(self) -> str:
        """Where the bot is: `python:module:object`, a URL, or `lambda:name`."""
        form = "python:<module>:<object>, an https:// URL, or lambda: and a function's name or whole ARN"
        value = self._optional("HITL_BOT", "python:chalicelib.example_bot:bot", form, _BOT)
        if value.startswith("http") and not _host(value):
            raise Misconfigured(f"HITL_BOT cannot be read. Set it to {form}.")
        if value.startswith("http://") and _host(value) not in _LOOPBACK:
            raise Misconfigured("HITL_BOT must be an https:// URL; http:// is accepted on this machine only.")
        return value

    @property
    def release(self) -> str:
        """The postback payload by which a user asks for the bot again."""
        form = "a postback payload of at most 900 characters without a colon"
        return self._optional("HITL_RELEASE", "HITL_STOP", form, r"[^:]{1,900}")

    @property
    def pause_length(self) -> int | None:
        """How long a pause lasts whose maker names no end, in ms; None: until somebody resumes."""
        form = "a number of minutes, or to nothing for pauses without an end"
        minutes = _matching("HITL_PAUSE_MINUTES", self.env.get("HITL_PAUSE_MINUTES", "1440"), form, _MINUTES)
        return int(minutes) * 60_000 if minutes else None

    @property
    def human_agent(self) -> bool:
        """Whether Meta has approved the tag HUMAN_AGENT: operators may then answer for seven days instead of one."""
        return self._optional("HITL_HUMAN_AGENT", "no", "yes or no", "yes|no") == "yes"

    @property
    def takeover_app_ids(self) -> frozenset[str]:
        """The Meta apps, beside the Page inboxes, whose messages are a person's: one of them pauses the bot."""
        form = "app ids, separated by commas"
        ids = self._optional("HITL_TAKEOVER_APP_IDS", "", form, r"[0-9, ]*")
        return frozenset(re.findall("[0-9]+", ids))

    @property
    def graph_url(self) -> str:
        """Where the Graph API is, without a version."""
        form = "https://graph.facebook.com or another base URL"
        return self._optional("HITL_GRAPH_URL", "https://graph.facebook.com", form, r"https?://\S+").rstrip("/")

    @property
    def graph_version(self) -> str:
        """The Graph API's version."""
        return self._optional("HITL_GRAPH_VERSION", "v25.0", "a version like v25.0", r"v[0-9]+\.[0-9]+")

    @property
    def retention_days(self) -> int:
        """After how many days DynamoDB may remove a message; 0 keeps all."""
        form = "a number of days, 0 to keep all"
        return int(self._optional("HITL_RETENTION_DAYS", "365", form, r"[0-9]{1,5}"))

    @property
    def alert_topic(self) -> str:
        """The ARN of the SNS topic by which operators are called; empty for none. On AWS the data stack has one."""
        return self._channel("alert-topic", "the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>", _TOPIC)

    @property
    def alert_webhook(self) -> str:
        """The Slack-compatible webhook by which operators are called; empty for none. The URL itself is a secret."""
        return self._channel("alert-webhook", "the https:// URL of an incoming webhook", _ALERT_WEBHOOK)

    @property
    def dashboard_url(self) -> str:
        """Where the dashboard is, without a slash at the end; empty where calls are to have no link."""
        return self._channel("dashboard-url", "the dashboard's https:// URL", _DASHBOARD).rstrip("/")

    @property
    def name(self) -> str:
        """The stem of the names of tables and queues."""
        return self._optional("HITL_NAME", "chalice-hitl", "letters, digits and -", r"[A-Za-z0-9-]{1,50}")

    @property
    def conversations_table(self) -> str:
        """The name of the table of conversations."""
        return f"{self.name}-conversations"

    @property
    def messages_table(self) -> str:
        """The name of the table of messages."""
        return f"{self.name}-messages"

    @property
    def mailbox_queue(self) -> str:
        """The name of the FIFO queue."""
        return f"{self.name}-mailbox.fifo"

    @property
    def region(self) -> str:
        """The AWS region; Lambda sets it."""
        return self.env.get("AWS_REGION") or self.env.get("AWS_DEFAULT_REGION") or "us-east-1"

    @property
    def is_on_lambda(self) -> bool:
        """Whether this process runs a function on AWS Lambda."""
        return "AWS_LAMBDA_FUNCTION_NAME" in self.env

    @property
    def is_traced(self) -> bool:
        """Whether X-Ray records what is being done now; Lambda says so anew for each invocation."""
        return "Sampled=1" in self.env.get("_X_AMZN_TRACE_ID", "")

    def _path(self, name: str) -> str:
        return f"/{self.name}/{name}"

    def _parameter(self, name: str, form: str) -> str:
        value = self.parameters.get(name, "").strip()
        if not value:
            raise Misconfigured(_missing(self._path(name), form))
        return value

    def _channel(self, name: str, form: str, pattern: str) -> str:
        """A parameter that may be missing; it may be a secret, so that an error does not quote it."""
        value = self.parameters.get(name, "").strip()
        if not re.fullmatch(pattern, value):
            raise Misconfigured(f"The parameter {self._path(name)} cannot be read. Set it to {form}.")
        return value

    def _optional(self, name: str, default: str, form: str, pattern: str) -> str:
        return _matching(name, self.env.get(name) or default, form, pattern)


def _missing(path: str, form: str) -> str:
    return f"The parameter {path} is not set. Set it to {form}."


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _matching(name: str, value: str, form: str, pattern: str) -> str:
    if re.fullmatch(pattern, value) is None:
        raise Misconfigured(f"{name} cannot be read. Set it to {form}.")
    return value


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


@cache
def current() -> Settings:
    """The settings of this process: its environment, and the parameters under the name that it gives."""
    plain = Settings(os.environ)
    return Settings(os.environ, _parameters.under(f"/{plain.name}/", plain.region))
