"""Recorded webhook bodies: read from JSON lines, and made distinct where recordings reuse message ids."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ENVELOPE = {"sender", "recipient", "timestamp", "hop_context"}


class Unreadable(Exception):
    """A line is not what this program can post; the text names the line."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One body to post. `number` counts lines from 1; `kind` is what the file calls it, or its first event."""

    number: int
    kind: str
    body: Any


def read(text: str) -> list[Recorded]:
    """The bodies of a file, with mids of their own.

    A line is a body, or `{"kind", "body", …}` around one; empty lines are skipped.
    """
    return [_recorded(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _recorded(number: int, line: str) -> Recorded:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise Unreadable(f"Line {number} is not JSON.") from None
    wrapped = isinstance(content, dict) and "body" in content and "object" not in content
    body = distinct(content["body"] if wrapped else content, number)
    kind = content.get("kind") if wrapped else None
    return Recorded(number, kind if isinstance(kind, str) and kind else _first_kind(body), body)


def distinct(body: Any, number: int) -> Any:
    """A copy whose messages and postbacks have mids that no other line has.

    Only the ids that events bring themselves are changed: what `delivery`, `read`, `reaction`, `message_edit` and
    `reply_to` point to was said elsewhere.
    """
    body = json.loads(json.dumps(body))
    for event in events_of(body):
        for field in ("message", "postback"):
            said = event.get(field)
            if isinstance(said, dict) and isinstance(said.get("mid"), str) and said["mid"]:
                said["mid"] = f"{said['mid']}.line{number}"
    return body


def events_of(body: Any) -> Iterator[dict[str, Any]]:
    """Every event of `messaging` and `standby`, whatever else is in the body."""
    entries = body.get("entry") if isinstance(body, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        for field in ("messaging", "standby"):
            events = entry.get(field) if isinstance(entry, Mapping) else None
            yield from (event for event in (events if isinstance(events, list) else ()) if isinstance(event, dict))


def _first_kind(body: Any) -> str:
    for event in events_of(body):
        return next((name for name in event if name not in _ENVELOPE), "nothing")
    return "nothing"
