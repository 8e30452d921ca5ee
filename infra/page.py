"""Tells Meta which events of each Page to send: the fields that the webhook understands."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

from chalicelib.settings import Page, Settings
from infra.stage import CannotDo

FIELDS = (
    "messages,messaging_postbacks,message_echoes,message_deliveries,message_reads,message_reactions,message_edits,"
    "messaging_referrals,messaging_optins,messaging_account_linking,messaging_handovers,messaging_policy_enforcement,"
    "standby"
)


def subscribe(settings: Settings) -> list[str]:
    """Subscribe every Facebook Page; their ids. Instagram accounts come with the Page that they are linked to."""
    pages = [page for page in settings.pages if page.platform == "messenger"]
    for page in pages:
        _subscribe(settings, page)
    return [page.id for page in pages]


def _subscribe(settings: Settings, page: Page) -> None:
    proof = hmac.new(settings.app_secret.encode(), page.token.encode(), hashlib.sha256).hexdigest()
    fields = {"subscribed_fields": FIELDS, "access_token": page.token, "appsecret_proof": proof}
    url = f"{settings.graph_url}/{settings.graph_version}/{page.id}/subscribed_apps"
    request = urllib.request.Request(url, urlencode(fields).encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            done = json.load(answer).get("success")
    except urllib.error.HTTPError as error:
        raise CannotDo(f"Meta did not subscribe the Page {page.id}: {_said(error)}") from None
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise CannotDo(f"Meta could not be reached at {settings.graph_url} ({type(error).__name__}).") from None
    if not done:
        raise CannotDo(f"Meta did not subscribe the Page {page.id}. Has its token pages_manage_metadata?")


def _said(error: urllib.error.HTTPError) -> str:
    try:
        text = str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        text = f"status {error.code}"
    return f"{text}. Its token needs pages_messaging and pages_manage_metadata, and HITL_APP_SECRET must be its app's."
