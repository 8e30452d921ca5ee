"""Items of a webhook body as tests write them, and what they become."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.events import Event, UserMessage
from chalicelib.webhook import Batch, parse

NOW = 1_790_000_000_000
THEN = NOW - 1000
PAGE, USER = "104500000000017", "7300000000000042"
PLACE = f"messenger:{PAGE}:{USER}"


def short(value: object) -> str:
    """A value as the name of a test's case."""
    return ascii(value)[:30]


def item(**fields: object) -> dict[str, object]:
    """An item from the user to the Page."""
    return {"sender": {"id": USER}, "recipient": {"id": PAGE}, "timestamp": THEN, **fields}


def message(**fields: object) -> dict[str, object]:
    """A message from the user to the Page."""
    return item(message={"mid": "m_1", "text": "hello", **fields})


def read(*items: object, platform: str = "page", **entry: Any) -> Batch:
    """What a body with these items of one entry becomes."""
    body = {"object": platform, "entry": [{"id": PAGE, "time": THEN, "messaging": items, **entry}]}
    return parse(json.dumps(body).encode(), NOW)


def one(content: object, **entry: Any) -> Event:
    """The event that an item becomes between two others, which must stay what they are."""
    before, after = (item(message={"mid": f"m_{place}", "text": place}) for place in ("before", "after"))
    batch = read(before, content, after, **entry)
    assert dict(batch.ignored) == {}
    first, event, last = batch.events
    for neighbour, place in ((first, "before"), (last, "after")):
        assert isinstance(neighbour, UserMessage)
        assert (neighbour.row_id, neighbour.text) == (f"m:m_{place}", place)
    return event


def said(**fields: object) -> UserMessage:
    """The user's message with such fields."""
    event = one(message(**fields))
    assert isinstance(event, UserMessage)
    return event
