"""What each route takes: the bodies and parameters, with their limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from chalicelib.lists import Status
from chalicelib.messenger import Attachment, Outgoing
from chalicelib.routes.fields import Fields, check, moment

MAX_REASON = 500
MAX_MINUTES = 60 * 24 * 30
MAX_MESSAGE_ID = 600
MAX_EPOCH = 9_999_999_999
MAX_TEXT = 2000
MAX_QUICK_REPLIES = 13
MAX_TITLE = 20
MAX_PAYLOAD = 1000
MAX_QUERY = 100
MAX_CURSOR = 4000
MAX_LIMIT = 100
DEFAULT_LIMIT = 50
CLIENT_ID = "[A-Za-z0-9_-]{1,64}"
STATUSES = ("all", "active", "paused", "waiting")
ATTACHMENTS = ("image", "audio", "video", "file")
QUICK_REPLIES = ("text", "user_phone_number", "user_email")
_MESSAGE_ID = re.compile("[!-~]+")


class PauseBody(NamedTuple):
    """What a pause may say."""

    reason: str | None
    minutes: int | None
    message_id: str | None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> PauseBody:
        """Read it; a `message_id` is a row's id or Meta's own."""
        fields = Fields(content, ("reason", "minutes", "message_id"))
        reason, minutes = fields.text("reason", MAX_REASON), fields.number("minutes", 1, MAX_MINUTES)
        message_id = _row_id(fields, "message_id")
        fields.check()
        return cls(reason, minutes, message_id)


class ReplyBody(NamedTuple):
    """What to send, and under which id of the caller's."""

    client_id: str
    message: Outgoing
    epoch: int | None
    seen_id: str | None
    retry: bool

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ReplyBody:
        """Read it: exactly one of text, attachment and template."""
        known = ("client_id", "text", "attachment", "template", "quick_replies", "epoch", "seen_id", "retry")
        fields = Fields(content, known)
        client_id = fields.text("client_id", 64, required=True)
        if client_id is not None and not re.fullmatch(CLIENT_ID, client_id):
            fields.fault("client_id", "may hold letters, digits, _ and - only")
        text, attachment, template = fields.text("text", MAX_TEXT), _attachment(fields), _template(fields)
        if sum(content.get(name) is not None for name in ("text", "attachment", "template")) != 1:
            fields.faults.append("give exactly one of text, attachment and template")
        replies = _quick_replies(fields)
        epoch, seen_id, retry = fields.number("epoch", 0, MAX_EPOCH), _row_id(fields, "seen_id"), fields.truth("retry")
        fields.check()
        return cls(client_id or "", Outgoing(text, attachment, template, replies), epoch, seen_id, retry)


def _row_id(fields: Fields, field: str) -> str | None:
    """The id of a row; Meta's own id of a message stands for its row."""
    text = fields.text(field, MAX_MESSAGE_ID)
    if text is None:
        return None
    if not _MESSAGE_ID.fullmatch(text):
        fields.fault(field, "has a character that no message's id has")
    return text if text[:2] in ("m:", "e:", "s:", "t:") else f"m:{text}"


def _attachment(fields: Fields) -> Attachment | None:
    content = fields.object("attachment")
    if content is None:
        return None
    inner = Fields(content, ("type", "url"), "attachment")
    kind, url = inner.word("type", ATTACHMENTS), inner.url("url", required=True)
    fields.faults += inner.faults
    return None if inner.faults else Attachment(cast(Any, kind), str(url))


def _template(fields: Fields) -> Mapping[str, Any] | None:
    """Its type only: Meta adds kinds of templates and says itself what it does not like in one."""
    content = fields.object("template")
    if content is not None:
        inner = Fields(content, tuple(content), "template")
        inner.text("template_type", 100, required=True)
        fields.faults += inner.faults
    return content


def _quick_replies(fields: Fields) -> tuple[Mapping[str, Any], ...]:
    replies = fields.objects("quick_replies", MAX_QUICK_REPLIES)
    for number, content in enumerate(replies):
        inner = Fields(content, ("content_type", "title", "payload", "image_url"), f"quick_replies[{number}]")
        is_text = inner.word("content_type", QUICK_REPLIES) == "text"
        inner.text("title", MAX_TITLE, required=is_text)
        inner.text("payload", MAX_PAYLOAD, required=is_text)
        inner.url("image_url")
        fields.faults += inner.faults
    return replies


class Paging(NamedTuple):
    """How much of a list, and from where."""

    limit: int
    cursor: str | None

    @classmethod
    def of(cls, parameters: Mapping[str, str | None], faults: list[str]) -> Paging:
        """Read it from the query and add what is wrong to `faults`."""
        limit, cursor = parameters.get("limit") or str(DEFAULT_LIMIT), parameters.get("cursor") or None
        if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
            faults.append(f"limit must be a whole number from 1 to {MAX_LIMIT}")
            limit = "1"
        if cursor is not None and len(cursor) > MAX_CURSOR:
            faults.append(f"cursor has {len(cursor)} characters; {MAX_CURSOR} are allowed")
        return cls(int(limit), cursor)


class ListParameters(NamedTuple):
    """Which list, and which page of it."""

    status: Status
    query: str
    since: int | None
    paging: Paging

    @classmethod
    def of(cls, parameters: Mapping[str, str | None]) -> ListParameters:
        """Read them from the query."""
        faults: list[str] = []
        status, query = parameters.get("status") or "all", (parameters.get("q") or "").strip()
        if status not in STATUSES:
            faults.append(f"status must be one of {', '.join(STATUSES)}")
        if len(query) > MAX_QUERY:
            faults.append(f"q has {len(query)} characters; {MAX_QUERY} are allowed")
        since = moment(parameters.get("since"), faults)
        if since is not None and (status != "all" or query):
            faults.append("since lists what changed anywhere: leave out status and q")
        paging = Paging.of(parameters, faults)
        check(faults)
        return cls(cast(Status, status), query, since, paging)
