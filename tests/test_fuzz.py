"""Whatever Meta, or whoever has the app secret, sends to the webhook: never a 5xx, and no neighbour lost.

And whatever a bot sends to the Graph API's paths: never a 5xx, and nothing to Meta but to who has written to its Page.
`SIGNED_BODIES` says how many bodies are sent to the webhook.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service import ID, PAGE, USER, Service, events

BODIES = int(os.environ.get("SIGNED_BODIES", "1000"))

TEXT = st.text(st.characters(), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=12,
)
"""Any JSON, with halves of surrogate pairs in it."""
REAL = [json.loads(path.read_bytes()) for path in sorted((Path(__file__).parent / "payloads").iterdir())]
"""One body of each kind, as Meta sends them."""
ITEMS = [item for body in REAL for entry in body.get("entry", ()) if entry for item in entry.get("messaging", ())]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The body with something else at a place."""
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


@st.composite
def almost(draw: st.DrawFn, real: list[Any]) -> Any:
    """A real one with up to three places changed to anything."""
    value = draw(st.sampled_from(real))
    for _ in range(draw(st.integers(0, 3))):
        value = put(value, draw(st.sampled_from(list(places(value)))), draw(JSON))
    return value


ANY_BODY = st.binary(max_size=200) | (JSON | st.floats() | almost(REAL)).map(lambda body: json.dumps(body).encode())
_services: list[Service] = []
_calls = count()


def fresh() -> tuple[Service, int]:
    """A service, made anew now and then so that it stays quick, and a number that no other call gets."""
    number = next(_calls)
    if number % 200 == 0:
        _services[:] = [Service()]
    return _services[0], number


@settings(max_examples=BODIES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=ANY_BODY)
def test_no_signed_body_breaks_the_webhook(body: bytes) -> None:
    assert fresh()[0].webhook(body).status in (200, 400, 404)


@settings(max_examples=BODIES - BODIES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(odd=st.lists(JSON | almost(ITEMS), max_size=3), where=st.integers(0, 3))
def test_what_is_odd_takes_no_neighbour_with_it(odd: list[Any], where: int) -> None:
    service, number = fresh()
    mid, user = f"neighbour-{number}", f"9{number}"
    assert service.webhook(events(*odd[:where], service.said(mid, user=user), *odd[where:])).status == 200
    assert [row["id"] for row in service.history(user)] == [f"m:{mid}"]
    assert any(letter.message_id == f"m:{mid}" for letter in service.mailbox.letters)


CALLS: list[Any] = [
    {"recipient": {"id": USER}, "messaging_type": "RESPONSE", "message": {"text": "hello", "metadata": "mine"}},
    {"recipient": {"id": USER}, "message": {"attachment": {"type": "template", "payload": {"text": "menu"}}}},
    {"recipient": {"id": USER}, "sender_action": "typing_on"},
    {"recipient": {"id": USER}, "target_app_id": 1, "metadata": "why"},
    {"fields": "name", "limit": 5},
]
EDGES = (
    "messages",
    "pass_thread_control",
    "take_thread_control",
    "personas",
    "messenger_profile",
    "message_attachments",
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=almost(CALLS), edge=st.sampled_from(EDGES), method=st.sampled_from(("GET", "POST", "DELETE")))
def test_whatever_a_bot_asks_of_the_graph_api_reaches_nobody_else(body: Any, edge: str, method: str) -> None:
    service, number = fresh()
    if not service.store.conversation(ID):
        service.receive(service.said("m1"))
    service.messenger.passed.clear()
    service.messenger.answers.append({"recipient_id": USER, "message_id": f"mid-{number}"})
    answer = service.ask(method, f"/graph/v25.0/me/{edge}", json.dumps(body).encode())
    service.messenger.answers.clear()
    assert answer.status in (200, 400, 404)
    assert {call[0] for call in service.messenger.passed} <= {ID, f"messenger:{PAGE}:"}
