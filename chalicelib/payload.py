"""One item of Meta's `messaging` or `standby`, read into the typed event that it is. Pure.

Whatever is in it, it becomes an event: kinds that we do not know stay raw, odd ids are hashed, what is too large is
cut, and `cut` says so. Only where no user or no Page can be told is there none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chalicelib.document import cut, digest, is_flattened, storable, written
from chalicelib.events import (
    AccountLinking,
    Deletion,
    Delivery,
    Echo,
    Edit,
    Event,
    Handover,
    Optin,
    Policy,
    Postback,
    Reaction,
    Read,
    Referral,
    Unknown,
    UserMessage,
)
from chalicelib.message import Address

# DynamoDB takes items of 400 KB, and what local indexes repeat of one counts again: with the log's order in an index
# of its own a row may have 200 KB. It has less than 195 KB where all of these are used up.
MAX_RAW = 110_000
"""Bytes of an event that are kept as Meta sent it."""
MAX_TEXT = 20_000
"""Characters of what somebody wrote that are kept for reading: as many as Messenger lets users write."""
MAX_FIELD = 2000
"""Characters of any other text. Of each text at most twice as many bytes are kept."""
MAX_ATTACHMENTS = 20_000
"""Bytes of all attachments of a message; beyond it only their types are kept beside the raw event."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PLAIN_MID = re.compile(r"[\x21-\x7d][\x21-\x7e]{0,511}")
_HANDOVERS = ("pass_thread_control", "take_thread_control", "request_thread_control", "app_roles")
_ENVELOPE = frozenset({"sender", "recipient", "timestamp", "hop_context"})


class Place(NamedTuple):
    """What an item inherits from its entry: the platform, the Page where it is named, the time, and which list."""

    platform: str
    page_id: str | None
    time: int
    standby: bool


def event_of(place: Place, item: dict[str, Any], now: int) -> Event | None:
    """The event that this item is; None where no user or no Page can be told."""
    sender, recipient = (id_of(as_object(item.get(name)).get("id")) for name in ("sender", "recipient"))
    is_echo = _is_true(as_object(item.get("message")).get("is_echo"))
    page_sent = _is_sender(place.page_id, sender, recipient, is_echo)
    page, user = (sender, recipient) if page_sent else (recipient, sender)
    page = page or place.page_id
    if page is None or user is None:
        return None
    sent_at = time_of(item.get("timestamp"), now) or place.time
    sender, recipient = (page, user) if page_sent else (user, page)
    bare = {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": sent_at}
    raw, hashed, was_cut = _raw(item, bare)
    head: dict[str, Any] = {
        "address": Address(place.platform, page, user),
        "sent_at": sent_at,
        "standby": place.standby,
        "from_page": page_sent or is_echo,
        "raw": raw,
        "digest": hashed,
    }
    return _typed(head, item, was_cut or "~" in page + user, now)


def id_of(value: Any) -> str | None:
    """A user's or Page's id, an integer or a text; a hash of what cannot be one."""
    if value is None:
        return None
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _PLAIN_ID.fullmatch(text) else "~" + digest(json.dumps(value))[:32]


def time_of(value: Any, now: int) -> int | None:
    """Milliseconds from what may be milliseconds or seconds, a number, digits or ISO 8601; never later than `now`."""
    at = _read_time(value.strip()) if isinstance(value, str) else _milliseconds(value)
    return None if at is None or at < 1e11 else min(int(at), now)


def as_object(value: Any) -> dict[str, Any]:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def _is_sender(page: str | None, sender: str | None, recipient: str | None, is_echo: bool) -> bool:
    """Whether the Page is the sender. The entry's id says so; where it is neither of the two or both, the echo does."""
    if sender != recipient and page in (sender, recipient):
        return sender == page
    return is_echo


def _milliseconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value * 1000 if 1e9 <= value < 1e11 else value


def _read_time(text: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,30}", text):
        return _milliseconds(int(text))
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, OverflowError):
        return None


def _raw(item: dict[str, Any], bare: dict[str, Any]) -> tuple[str, str, bool]:
    """The event as JSON of at most MAX_RAW bytes, the hash of all of it, and whether something of it is missing.

    `bare` is what is kept of an event that no cutting makes small enough.
    """
    whole = written(item)
    hashed = digest(whole)[:40]
    if len(whole.encode()) <= MAX_RAW:
        return whole, hashed, is_flattened(whole)
    for limit in (MAX_TEXT, MAX_FIELD, 200):
        text = written(cut(item, limit))
        if len(text.encode()) <= MAX_RAW:
            return text, hashed, True
    return written(bare), hashed, True


class _Fields:
    """The fields of one of Meta's objects. `cut` becomes true when one had to be cut or hashed."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self.cut = False

    def text(self, name: str, limit: int = MAX_FIELD) -> str | None:
        """A text that can be stored; numbers and the like are taken as their JSON."""
        value = self._content.get(name)
        if value is None:
            return None
        whole = value if isinstance(value, str) else json.dumps(value)
        text = storable(whole[:limit]).encode()[: 2 * limit].decode(errors="ignore")
        self.cut = self.cut or len(text) < len(whole)
        return text

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self._content.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def time(self, name: str, now: int) -> int | None:
        """A time in milliseconds."""
        return time_of(self._content.get(name), now)

    def is_true(self, name: str) -> bool:
        """Whether a mark is set."""
        return _is_true(self._content.get(name))

    def mid(self) -> str | None:
        """A message's id; a hash of what cannot be one."""
        value = self._content.get("mid")
        if value is None or value == "":
            return None
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if _PLAIN_MID.fullmatch(text):
            return text
        self.cut = True
        return "~" + digest(json.dumps(value))

    def attachments(self) -> tuple[Mapping[str, Any], ...]:
        """The attachments; the types of the first ones where all are too much."""
        value = self._content.get("attachments")
        found = tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
        if len(json.dumps(found)) <= MAX_ATTACHMENTS:
            return found
        self.cut = True
        return tuple({"type": _Fields(item).text("type", 30)} for item in found[:50])

    def inner(self, name: str) -> _Fields:
        """The object in a field, empty where there is none."""
        return _Fields(as_object(self._content.get(name)))


_Made = tuple[type[Event], dict[str, Any]]
"""A class of events, and the fields that it has beside the common ones."""


def _typed(head: dict[str, Any], item: dict[str, Any], was_cut: bool, now: int) -> Event:
    for name, make in _KINDS.items():
        if isinstance(item.get(name), dict):
            fields = _Fields(item[name])
            made = make(fields, head, now)
            if made is not None:
                kind, own = made
                return kind(**head, **own, cut=was_cut or fields.cut)
    for name in _HANDOVERS:
        if isinstance(item.get(name), dict):
            fields = _Fields(item[name])
            return Handover(**head, action=name, metadata=fields.text("metadata"), cut=was_cut or fields.cut)
    name = next((key for key in item if key not in _ENVELOPE), "")
    return Unknown(**head, name=storable(name[:100]) or "none", cut=was_cut)


def _message(fields: _Fields, head: dict[str, Any], _now: int) -> _Made:
    if fields.is_true("is_deleted"):
        return Deletion, {"mid": fields.mid()}
    said = {"mid": fields.mid(), "text": fields.text("text", MAX_TEXT), "attachments": fields.attachments()}
    if head["from_page"]:
        return Echo, {**said, "app_id": fields.text("app_id", 100), "metadata": fields.text("metadata")}
    quick_reply, reply_to = fields.inner("quick_reply"), fields.inner("reply_to")
    own = {**said, "quick_reply": quick_reply.text("payload"), "reply_to": reply_to.mid()}
    fields.cut = fields.cut or quick_reply.cut or reply_to.cut
    return UserMessage, own


def _postback(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    return Postback, {"mid": fields.mid(), "payload": fields.text("payload"), "title": fields.text("title")}


def _edit(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    return Edit, {"mid": fields.mid(), "text": fields.text("text", MAX_TEXT), "number": fields.number("num_edit")}


def _reaction(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    emoji = fields.text("emoji", 100) or fields.text("reaction", 100)
    return Reaction, {"mid": fields.mid(), "action": fields.text("action", 100), "emoji": emoji}


def _delivery(fields: _Fields, head: dict[str, Any], now: int) -> _Made | None:
    until = fields.time("watermark", now)
    return None if until is None or head["from_page"] else (Delivery, {"until": until})


def _read(fields: _Fields, head: dict[str, Any], now: int) -> _Made | None:
    until = fields.time("watermark", now) or (head["sent_at"] if fields.mid() else None)
    return None if until is None or head["from_page"] else (Read, {"until": until})


def _referral(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    return Referral, {"ref": fields.text("ref"), "source": fields.text("source", 100)}


def _optin(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    return Optin, {"ref": fields.text("ref")}


def _account_linking(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    return AccountLinking, {"status": fields.text("status", 100)}


def _policy(fields: _Fields, _head: dict[str, Any], _now: int) -> _Made:
    return Policy, {"action": fields.text("action", 100), "reason": fields.text("reason")}


_KINDS: dict[str, Callable[[_Fields, dict[str, Any], int], _Made | None]] = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "postback": _postback,
    "delivery": _delivery,
    "read": _read,
    "referral": _referral,
    "optin": _optin,
    "account_linking": _account_linking,
    "policy_enforcement": _policy,
    "policy-enforcement": _policy,
}
"""What makes which field an event, in this order where an item has several; None passes on to the next."""


def _is_true(value: Any) -> bool:
    return value in (True, "true", "True", "1")
