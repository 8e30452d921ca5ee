"""What answers look like: our values as JSON, times as RFC 3339 in UTC with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib.conversation import Conversation, Disconnection, Stop, reply_window
from chalicelib.message import Actor, Address, Message


def conversation(value: Conversation, now: int, *, human_agent: bool = False) -> dict[str, Any]:
    """A conversation as it is at `now`: a pause that has ended is shown as active at once."""
    address, pause, last = Address.parse(value.id), value.pause_at(now), value.last_message
    window = reply_window(value.last_user_message_at, now, human_agent)
    return {
        "id": value.id,
        "platform": address.platform,
        "page_id": address.page_id,
        "user_id": address.user_id,
        "name": value.name,
        "picture_url": value.picture_url,
        "status": "active" if pause is None else "paused",
        "epoch": value.epoch,
        "version": value.version,
        "paused": None
        if pause is None
        else {
            "since": time(pause.since),
            "until": time(pause.until),
            "by": actor(pause.by),
            "reason": pause.reason,
        },
        "waiting_since": None if pause is None else time(value.waiting_since),
        "last_message": None
        if last is None
        else {
            "id": last.id,
            "author": last.author,
            "by": actor(last.by),
            "text": last.text,
            "sent_at": time(last.sent_at),
        },
        "last_activity_at": time(value.last_activity_at),
        "last_user_message_at": time(value.last_user_message_at),
        "window": None if window is None else {"type": window.type, "until": time(window.until)},
        "last_operator": None
        if value.last_operator is None
        else {"id": value.last_operator.id, "name": value.last_operator.name, "at": time(value.last_operator_at)},
        "unread": value.unread,
        "seen_at": time(value.seen_at),
        "delivered_at": time(value.delivered_at),
        "read_at": time(value.read_at),
    }


def message(value: Message, now: int, of: Conversation | None) -> dict[str, Any]:
    """A row of the log; the watermarks of its conversation say what was delivered and read."""
    delivered_at, read_at = (None, None) if of is None else (of.delivered_at, of.read_at)
    details = {key: item for key, item in (value.details or {}).items() if item is not None}
    if isinstance(details.get("until"), int):
        details["until"] = time(details["until"])
    return {
        **details,
        "id": value.id,
        "author": value.author,
        "by": actor(value.by),
        "kind": value.kind,
        "text": value.text,
        "attachments": list(value.attachments),
        "sent_at": time(value.sent_at),
        "state": value.state_for_readers(now, delivered_at, read_at),
        "standby": value.standby,
        "cut": value.cut,
        "mid": value.mid or (value.id[2:] if value.id.startswith("m:") else None),
        "failure": None if value.failure is None else value.failure._asdict(),
    }


def page(value: Address, mark: Disconnection | None) -> dict[str, Any]:
    """A Page, and since when and why it is disconnected."""
    disconnected = None if mark is None else {"since": time(mark.since), "reason": mark.reason}
    return {"platform": value.platform, "id": value.page_id, "disconnected": disconnected}


def stop(value: Stop) -> dict[str, Any]:
    """The global stop."""
    return {"paused": value.paused, "reason": value.reason, "by": actor(value.by), "since": time(value.since)}


def actor(value: Actor | None) -> dict[str, str] | None:
    """Who did something."""
    return None if value is None else value._asdict()


def time(at: int | None) -> str | None:
    """A time as RFC 3339 in UTC with milliseconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
