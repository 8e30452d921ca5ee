"""The only reader of the environment.

Settings are read at the first use and not at import, because the Chalice CLI imports `app.py` to package it and has
none of them. A missing setting fails at that first read, with its name and the form it should have.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from chalicelib.errors import Misconfigured

PLATFORMS = ("messenger", "instagram")
_API_TOKEN = re.compile(r"hitl_[A-Za-z0-9_-]{43}")
_PAGE_TOKEN = re.compile(r"(?:(messenger|instagram):)?([A-Za-z0-9_-]{1,128})=(\S+)")
_BOT = re.compile(r"python:[A-Za-z_][\w.]*:[A-Za-z_]\w*|https?://\S+|lambda:[A-Za-z0-9:_$-]+")


@dataclass(frozen=True, slots=True)
class Page:
    """A Facebook Page, or an Instagram professional account, that we may speak for."""

    platform: str
    id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment can choose. Each property that may be missing names itself when it is."""

    env: Mapping[str, str] = field(repr=False)

    @property
    def app_secret(self) -> str:
        """Meta's app secret: it signs webhooks and our calls."""
        return self._required("HITL_APP_SECRET", "the app secret from your Meta app's basic settings")

    @property
    def verify_token(self) -> str:
        """The word that Meta repeats when it verifies the webhook's URL."""
        return self._required("HITL_VERIFY_TOKEN", "any word, the same as in your Meta app's webhook settings")

    @property
    def api_token(self) -> str:
        """The one API token, until tokens are kept in the store."""
        return self._required("HITL_API_TOKEN", "hitl_ and 43 characters of A-Z a-z 0-9 _ -", _API_TOKEN)

    @property
    def pages(self) -> tuple[Page, ...]:
        """Every Page that we hold a token of: `[instagram:]<page id>=<token>`, separated by commas."""
        form = "<page id>=<Page access token>, several separated by commas, instagram:<id>=<token> for Instagram"
        pages = []
        for part in self._required("HITL_PAGE_TOKEN", form).split(","):
            match = _PAGE_TOKEN.fullmatch(part.strip())
            if match is None:
                raise Misconfigured(f"HITL_PAGE_TOKEN cannot be read. Set it to {form}.")
            pages.append(Page(match[1] or "messenger", match[2], match[3]))
        return tuple(pages)

    @property
    def bot(self) -> str:
        """Where the bot is: `python:module:object`, a URL, or `lambda:name`."""
        form = "python:<module>:<object>, an https:// URL, or lambda:<function name>"
        value = self._optional("HITL_BOT", "python:chalicelib.example_bot:bot", form, _BOT)
        if value.startswith("http") and not _host(value):
            raise Misconfigured(f"HITL_BOT cannot be read. Set it to {form}.")
        if value.startswith("http://") and _host(value) not in ("localhost", "127.0.0.1", "::1"):
            raise Misconfigured("HITL_BOT must be an https:// URL; http:// is accepted on this machine only.")
        return value

    @property
    def release(self) -> str:
        """The postback payload by which a user asks for the bot again."""
        form = "a postback payload of at most 900 characters without a colon"
        return self._optional("HITL_RELEASE", "HITL_STOP", form, re.compile(r"[^:]{1,900}"))

    @property
    def graph_url(self) -> str:
        """Where the Graph API is, without a version."""
        form = "https://graph.facebook.com or another base URL"
        return self._optional("HITL_GRAPH_URL", "https://graph.facebook.com", form, re.compile(r"https?://\S+")).rstrip(
            "/"
        )

    @property
    def graph_version(self) -> str:
        """The Graph API's version."""
        return self._optional("HITL_GRAPH_VERSION", "v25.0", "a version like v25.0", re.compile(r"v[0-9]+\.[0-9]+"))

    @property
    def retention_days(self) -> int:
        """After how many days DynamoDB may remove a message; 0 keeps all."""
        form = "a number of days, 0 to keep all"
        return int(self._optional("HITL_RETENTION_DAYS", "365", form, re.compile(r"[0-9]{1,5}")))

    @property
    def name(self) -> str:
        """The stem of the names of tables and queues."""
        return self._optional("HITL_NAME", "chalice-hitl", "letters, digits and -", re.compile(r"[A-Za-z0-9-]{1,50}"))

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

    def _required(self, name: str, form: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.env.get(name, "")
        if not value:
            raise Misconfigured(f"{name} is not set. Set it to {form}.")
        return _matching(name, value, form, pattern)

    def _optional(self, name: str, default: str, form: str, pattern: re.Pattern[str]) -> str:
        return _matching(name, self.env.get(name) or default, form, pattern)


def _matching(name: str, value: str, form: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is not None and pattern.fullmatch(value) is None:
        raise Misconfigured(f"{name} cannot be read. Set it to {form}.")
    return value


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


@cache
def current() -> Settings:
    """The settings of this process, from its environment."""
    return Settings(os.environ)
