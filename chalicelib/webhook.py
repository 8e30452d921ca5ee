"""Meta's webhook: the signature check, and the body parsed once into typed events. Pure.

Every item of `messaging` and `standby` of every entry becomes one event, whatever its neighbours are; what cannot is
counted. All of it takes time in proportion to the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib import document
from chalicelib.errors import BadRequest, Forbidden, NotFound, TooLarge
from chalicelib.events import Event
from chalicelib.payload import Place, event_of, id_of, time_of

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a webhook body."""

_PLATFORMS = {"page": "messenger", "instagram": "instagram"}


class Batch(NamedTuple):
    """A webhook body: its events in order, and how many items were left out, by reason.

    `changes` are not about conversations, of `no_user` no user or no Page can be told, `unreadable` has another shape.
    """

    events: tuple[Event, ...]
    ignored: Mapping[str, int]


def check_signature(body: bytes, header: str | None, app_secrets: Sequence[str]) -> None:
    """Forbidden unless `header` is Meta's `sha256=<hex>` over these very bytes, with any of the app's secrets."""
    given, fits = (header or "").encode("utf-8", "surrogatepass"), False
    for secret in app_secrets:
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        fits |= hmac.compare_digest(expected.encode(), given)
    if not fits:
        raise Forbidden("The X-Hub-Signature-256 header does not fit this body. Is the app secret that of your app?")


def parse(body: bytes, now: int) -> Batch:
    """Read a webhook body of at most 4 MiB; `now` is in milliseconds.

    TooLarge beyond that, BadRequest where it is no JSON object, NotFound where its `object` is none that we know.
    """
    if len(body) > MAX_BODY:
        raise TooLarge(f"A webhook body may have {MAX_BODY} bytes.")
    content = document.read(body)
    if not isinstance(content, dict):
        raise BadRequest("The body is not a JSON object.")
    name = content.get("object")
    platform = _PLATFORMS.get(name) if isinstance(name, str) else None
    if platform is None:
        raise NotFound('Only bodies with object "page" or "instagram" are taken here.')
    events: list[Event] = []
    ignored: Counter[str] = Counter()
    for place, item in _items(platform, content, now, ignored):
        event = event_of(place, item, now)
        if event is None:
            ignored["no_user"] += 1
        else:
            events.append(event)
    return Batch(tuple(events), +ignored)


def _items(
    platform: str, content: dict[str, Any], now: int, ignored: Counter[str]
) -> Iterator[tuple[Place, dict[str, Any]]]:
    for entry in _objects(content.get("entry"), ignored):
        if not entry.keys() & {"messaging", "standby", "changes"}:
            ignored["unreadable"] += 1
        ignored["changes"] += sum(1 for _ in _objects(entry.get("changes"), ignored))
        page_id, time = id_of(entry.get("id")), time_of(entry.get("time"), now) or now
        for field in ("messaging", "standby"):
            place = Place(platform, page_id, time, field == "standby")
            for item in _objects(entry.get(field), ignored):
                yield place, item


def _objects(value: Any, ignored: Counter[str]) -> Iterator[dict[str, Any]]:
    """The objects of a list; what else is in it, or stands in its place, is counted. A missing list is an empty one."""
    for item in value if isinstance(value, list) else [] if value is None else [None]:
        if isinstance(item, dict):
            yield item
        else:
            ignored["unreadable"] += 1
