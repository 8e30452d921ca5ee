"""The document and the code take the same bodies: what one allows, the other does not refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.routes.bodies import MAX_MINUTES, MAX_PAYLOAD, MAX_REASON, MAX_TEXT, MAX_TITLE
from tests.openapi import request_validator
from tests.service import SESSION, Service

YES = {"content_type": "text", "title": "Yes", "payload": "YES"}
BUTTONS = {"template_type": "button", "text": "T", "buttons": [{"type": "postback", "title": "Y", "payload": "Y"}]}
IMAGE = {"type": "image", "url": "https://example.com/a.png"}
PATHS = {
    "sendMessage": ("POST", f"{SESSION}/messages"),
    "pause": ("POST", f"{SESSION}/pause"),
    "unpause": ("POST", f"{SESSION}/unpause"),
    "markSeen": ("POST", f"{SESSION}/seen"),
    "setStop": ("PUT", "/botpress-hitl/bot"),
}


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def texts(limit: int) -> st.SearchStrategy[Any]:
    """Texts around a limit, and what is no text."""
    sized = st.sampled_from([0, 1, 2, limit - 1, limit, limit + 1]).flatmap(lambda size: st.sampled_from(["x" * size]))
    return sized | st.sampled_from([" ", "\u00e9", "\U0001f600" * limit, 5, True, [], {}])


QUICK_REPLY = st.fixed_dictionaries(
    {},
    optional={
        "content_type": st.sampled_from(["text", "user_email", "location"]),
        "title": texts(MAX_TITLE),
        "payload": texts(MAX_PAYLOAD),
        "image_url": st.sampled_from(["https://x/y", "http://x", "x", "https://", "https://a b", 1]),
        "other": st.just(1),
    },
)
MESSAGE = st.fixed_dictionaries(
    {"client_id": st.sampled_from(["c1", "a-_Z9", "x" * 64, "x" * 65, "", "a.b", 1])},
    optional={
        "text": texts(MAX_TEXT),
        "attachment": st.sampled_from(
            [IMAGE, {"type": "image"}, {"type": "x", "url": "https://x"}, 1, {**IMAGE, "x": 1}]
        ),
        "template": st.sampled_from(
            [BUTTONS, {}, {"template_type": 1}, {"template_type": " "}, {"template_type": "x", "y": 1}]
        ),
        "quick_replies": st.lists(QUICK_REPLY, max_size=3) | st.sampled_from([[YES] * 13, [YES] * 14, {}, [1]]),
        "retry": st.sampled_from([True, False, 0, "true"]),
        "other": st.just(1),
    },
)
PAUSE = st.fixed_dictionaries(
    {},
    optional={
        "reason": texts(MAX_REASON),
        "minutes": st.sampled_from([0, 1, 1.0, 1.5, MAX_MINUTES, MAX_MINUTES + 1, "1", True]),
        "message_id": st.sampled_from(["m1", "m:m1", "", " ", "a b", "\u00e9", "x" * 600, "x" * 601, 1]),
        "other": st.just(1),
    },
)


SEEN = st.fixed_dictionaries(
    {},
    optional={
        "at": st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123+01:00", "noon", "2026-01-31", "", 5]),
        "other": st.just(1),
    },
)
STOP = st.fixed_dictionaries(
    {}, optional={"paused": st.sampled_from([True, False, 1, "true"]), "reason": texts(MAX_REASON), "other": st.just(1)}
)
NONE = st.sampled_from([{}, {"other": 1}])
BODIES = {"sendMessage": MESSAGE, "pause": PAUSE, "unpause": NONE, "markSeen": SEEN, "setStop": STOP}


@pytest.mark.parametrize("operation", PATHS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_document_and_the_code_take_the_same_bodies(service: Service, operation: str, data: st.DataObject) -> None:
    body: dict[str, Any] = data.draw(BODIES[operation])
    method, path = PATHS[operation]
    assert (service.ask(method, path, body).status != 400) == request_validator(operation).is_valid(body)
