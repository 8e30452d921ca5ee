"""The fake Graph API: what it takes, what it refuses in Meta's numbers, and the trouble that can be ordered."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.settings import Page
from local.customers import World
from local.graph import GraphApi
from local.meta import Postman
from local.play import APP_ID, Play
from local.serving import NoAnswer, Request
from local.trouble import TROUBLES

SECRET = "app secret"
PAGE = Page("messenger", "1001", "token-1")
OTHER = Page("messenger", "1002", "token-2")


def proof(token: str) -> str:
    return hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()


class Graph:
    """The API behind a caller that puts requests together; what it posts to the webhook is kept."""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        self.world = World(lambda: 1_700_000_000_000)
        self.postman = Postman(SECRET, self.webhook, pauses=())
        self.api = GraphApi(Play(self.world, self.postman), (PAGE, OTHER), SECRET, "http://here/portraits", hang_s=0.05)

    def webhook(self, body: bytes, _headers: Mapping[str, str]) -> int:
        self.posted.append(body)
        return 200

    def call(self, method: str, path: str, body: object = None, page: Page = PAGE, **query: str) -> tuple[int, Any]:
        query = {"access_token": page.token, "appsecret_proof": proof(page.token), **query}
        target = f"{path}?{urlencode({name: value for name, value in query.items() if value})}"
        headers = Message()
        headers["Content-Type"] = "application/json"
        answer = self.api(Request(method, target, headers, b"" if body is None else json.dumps(body).encode()))
        return answer.status, json.loads(answer.body)

    def send(self, message: object, path: str = "/v25.0/me/messages", **more: Any) -> tuple[int, Any]:
        recipient = more.pop("recipient", {"id": "42"})
        query = {name: more.pop(name) for name in ("access_token", "appsecret_proof") if name in more}
        return self.call("POST", path, {"recipient": recipient, "message": message, **more}, **query)

    def events(self, count: int) -> list[Any]:
        """The events of the first posted webhooks, once there are so many."""
        self.world.wait(-1, 0)
        for _ in range(200):
            if len(self.posted) >= count:
                break
            self.world.wait(self.world.version, 0.01)
        return [json.loads(body)["entry"][0]["messaging"][0] for body in self.posted]


@pytest.fixture
def graph() -> Iterator[Graph]:
    made = Graph()
    yield made
    made.postman.stop()


@pytest.mark.parametrize(
    "message",
    [
        {"text": "hello"},
        {"text": "x" * 2000, "metadata": "m" * 1000},
        {"text": "choose", "quick_replies": [{"content_type": "text", "title": "One", "payload": "ONE"}]},
        {"text": "mail?", "quick_replies": [{"content_type": "user_email"}]},
        {"attachment": {"type": "image", "payload": {"url": "https://example.com/a.png"}}},
        {"attachment": {"type": "file", "payload": {"attachment_id": "7"}}},
        {
            "attachment": {
                "type": "template",
                "payload": {
                    "template_type": "button",
                    "text": "Choose",
                    "buttons": [{"type": "postback", "title": "Go", "payload": "GO"}],
                },
            }
        },
        {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [{"title": "A"}]}}},
    ],
)
def test_takes_what_meta_takes(graph: Graph, message: dict[str, Any]) -> None:
    status, answer = graph.send(message)
    assert (status, answer["recipient_id"]) == (200, "42")
    customer = graph.world.find("messenger:1001:42")
    assert customer is not None
    assert customer.lines[-1].mid == answer["message_id"]


@pytest.mark.parametrize("path", ["/v25.0/me/messages", "/v26.0/1001/messages"])
def test_a_send_is_echoed_with_its_metadata_and_reported_as_delivered(graph: Graph, path: str) -> None:
    _, answer = graph.send({"text": "hello", "metadata": "hitl:s:1"}, path)
    echo, delivery = graph.events(2)
    assert echo["sender"] == {"id": "1001"}
    assert echo["recipient"] == {"id": "42"}
    assert echo["message"] == {
        "mid": answer["message_id"],
        "is_echo": True,
        "app_id": APP_ID,
        "text": "hello",
        "metadata": "hitl:s:1",
    }
    assert delivery["delivery"] == {"mids": [answer["message_id"]], "watermark": echo["timestamp"]}


def test_who_looks_at_the_thread_reads_at_once(graph: Graph) -> None:
    graph.send({"text": "before"})
    customer = graph.world.find("messenger:1001:42")
    assert customer is not None
    graph.world.mark(customer, is_open=True)
    graph.send({"text": "now"})
    assert [next(key for key in event if key in ("message", "delivery", "read")) for event in graph.events(5)] == [
        "message",
        "delivery",
        "message",
        "delivery",
        "read",
    ]


@pytest.mark.parametrize(
    ("more", "code", "subcode"),
    [
        ({"access_token": "wrong"}, 190, None),
        ({"access_token": ""}, 2500, None),
        ({"appsecret_proof": ""}, 100, None),
        ({"appsecret_proof": "0" * 64}, 100, None),
        ({"path": "/v25.0/1002/messages"}, 200, None),
        ({"path": "/v25.0/me/persona"}, 100, 33),
        ({"path": "/messages"}, 100, 33),
        ({"recipient": {"id": "unknown-1"}}, 100, 2018001),
        ({"recipient": {"id": ""}}, 100, None),
        ({"recipient": "42"}, 100, None),
        ({"message": None}, 100, None),
        ({"message": "hello"}, 100, None),
        ({"message": {}}, 100, None),
        ({"message": {"text": ""}}, 100, None),
        ({"message": {"text": 7}}, 100, None),
        ({"message": {"text": "x" * 2001}}, 100, None),
        ({"message": {"text": "x", "metadata": "m" * 1001}}, 100, None),
        ({"message": {"text": "x", "attachment": {"type": "image", "payload": {"url": "u"}}}}, 100, None),
        ({"message": {"text": "x", "quick_replies": [{"content_type": "text", "title": "One"}]}}, 100, None),
        ({"message": {"text": "x", "quick_replies": [{"content_type": "user_email"}] * 14}}, 100, None),
        ({"message": {"attachment": {"type": "hologram", "payload": {}}}}, 100, None),
        ({"message": {"attachment": {"type": "image", "payload": {}}}}, 100, 2018047),
        ({"message": {"attachment": {"type": "image"}}}, 100, None),
        ({"message": {"attachment": {"type": "template", "payload": {}}}}, 100, None),
        ({"message": {"attachment": {"type": "template", "payload": {"template_type": "button"}}}}, 100, None),
        ({"sender_action": "typing_on"}, 100, None),
        ({"messaging_type": "SHOUT"}, 100, None),
        ({"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}, 100, None),
        ({"messaging_type": "MESSAGE_TAG"}, 100, None),
    ],
)
def test_refuses_in_meta_s_numbers(graph: Graph, more: dict[str, Any], code: int, subcode: int | None) -> None:
    status, answer = graph.send(**{"message": {"text": "hello"}, **more})
    assert status == 400
    error = answer["error"]
    assert (error["code"], error.get("error_subcode")) == (code, subcode)
    assert error["message"]
    assert error["type"]
    assert error["fbtrace_id"]
    assert graph.posted == []


def test_a_token_may_come_as_a_header_and_parameters_as_a_form(graph: Graph) -> None:
    headers = Message()
    headers["Authorization"] = f"Bearer {PAGE.token}"
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    form = {"recipient": '{"id": "42"}', "message": '{"text": "hi"}', "appsecret_proof": proof(PAGE.token)}
    answer = graph.api(Request("POST", "/v25.0/me/messages", headers, urlencode(form).encode()))
    assert answer.status == 200


def test_a_body_that_is_no_object_is_refused(graph: Graph) -> None:
    status, answer = graph.call("POST", "/v25.0/me/messages", [1])
    assert (status, answer["error"]["code"]) == (400, 100)


@pytest.mark.parametrize(("action", "types"), [("typing_on", True), ("typing_off", False)])
def test_sender_actions_reach_the_phone(graph: Graph, action: str, types: bool) -> None:
    body = {"recipient": {"id": "42"}, "sender_action": action}
    assert graph.call("POST", "/v25.0/me/messages", body) == (200, {"recipient_id": "42"})
    customer = graph.world.find("messenger:1001:42")
    assert customer is not None
    assert customer.page_types is types


def test_mark_seen_reaches_the_phone(graph: Graph) -> None:
    graph.call("POST", "/v25.0/me/messages", {"recipient": {"id": "42"}, "sender_action": "mark_seen"})
    customer = graph.world.find("messenger:1001:42")
    assert customer is not None
    assert customer.seen_at


def test_a_person_has_the_same_name_in_the_profile_and_on_the_page(graph: Graph) -> None:
    customer = graph.world.add("messenger", "1001", "42")
    status, profile = graph.call("GET", "/v25.0/42", fields="first_name,last_name,profile_pic")
    assert status == 200
    assert (profile["first_name"], profile["last_name"]) == (customer.first_name, customer.last_name)
    assert profile["profile_pic"].startswith("http://here/portraits/")


@pytest.mark.parametrize("name", [name for name, trouble in TROUBLES.items() if trouble.hang is None])
def test_ordered_trouble_meets_the_next_sends_and_then_ends(graph: Graph, name: str) -> None:
    trouble = TROUBLES[name]
    assert graph.world.order(name, 2)
    for _ in range(2):
        status, answer = graph.send({"text": "hello"})
        assert status == 400
        assert (answer["error"]["code"], answer["error"].get("error_subcode")) == (trouble.code, trouble.subcode)
    assert graph.send({"text": "hello"})[0] == 200


def test_ordered_trouble_can_be_called_off(graph: Graph) -> None:
    graph.world.order("token", 3)
    graph.world.order("", 0)
    assert graph.send({"text": "hello"})[0] == 200
    assert not graph.world.order("nonsense", 1)


@pytest.mark.parametrize(("name", "arrives"), [("silent-taken", True), ("silent-lost", False)])
def test_a_send_may_get_no_answer(graph: Graph, name: str, arrives: bool) -> None:
    graph.world.order(name, 1)
    with pytest.raises(NoAnswer):
        graph.send({"text": "hello"})
    assert (graph.world.find("messenger:1001:42") is not None) is arrives
