"""What the simulator posts: Meta's bytes, signatures, order and repeats; and what a player's acts become."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local.customers import Customer, World
from local.meta import Posting, Postman, envelope, signature_headers
from local.play import INBOX_APP_IDS, Play

SECRET = "app secret"


class Webhook:
    """A `Post` that answers from a list (200 when it is used up) and keeps what came."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.posted: list[tuple[bytes, Mapping[str, str]]] = []
        self._changed = threading.Condition()

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> int:
        with self._changed:
            self.posted.append((body, headers))
            self._changed.notify_all()
            answer = self.answers.pop(0) if self.answers else 200
        if answer is None:
            raise OSError("no answer")
        return answer

    def events(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.posted) >= count, 5)
            return [json.loads(body)["entry"][0]["messaging"][0] for body, _ in self.posted]


class Played:
    """A world with one customer, whose webhooks go to `webhook`."""

    def __init__(self, webhook: Webhook, platform: str = "messenger") -> None:
        self.world = World(lambda: 1_700_000_000_000)
        self.play = Play(self.world, Postman(SECRET, webhook, pauses=(0, 0)))
        self.customer = self.world.add(platform, "1001")

    def settled(self) -> Posting:
        version = -1
        for _ in range(500):
            posting = self.customer.lines[-1].posting
            if posting is not None and posting.state in ("taken", "failed"):
                return posting
            version = self.world.wait(version, 0.02)
        raise AssertionError("nothing settled")


def test_bodies_are_escaped_as_meta_escapes_them() -> None:
    body = envelope("messenger", "1001", 5, {"message": {"text": "Ä😀", "url": "https://a/b"}})
    assert b"\\u00c4\\ud83d\\ude00" in body
    assert b"https:\\/\\/a\\/b" in body
    assert json.loads(body) == {
        "object": "page",
        "entry": [{"time": 5, "id": "1001", "messaging": [{"message": {"text": "Ä😀", "url": "https://a/b"}}]}],
    }
    assert json.loads(envelope("instagram", "1", 5))["object"] == "instagram"


def test_both_signatures_are_over_the_raw_bytes() -> None:
    headers = signature_headers(SECRET, b"body")
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), b"body", hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature"] == "sha1=" + hmac.new(SECRET.encode(), b"body", hashlib.sha1).hexdigest()


@pytest.mark.parametrize(
    ("act", "field", "content"),
    [
        (lambda play, who: play.says(who, "hello"), "message", {"text": "hello"}),
        (lambda play, who: play.says(who, "Yes", "YES"), "message", {"text": "Yes", "quick_reply": {"payload": "YES"}}),
        (
            lambda play, who: play.taps(who, "Talk", "HITL_START"),
            "postback",
            {"title": "Talk", "payload": "HITL_START"},
        ),
        (
            lambda play, who: play.shows(who, "https://a/b.png"),
            "message",
            {"attachments": [{"type": "image", "payload": {"url": "https://a/b.png"}}]},
        ),
    ],
)
def test_acts_of_a_customer(act: Callable[[Play, Customer], None], field: str, content: dict[str, Any]) -> None:
    webhook = Webhook()
    played = Played(webhook)
    act(played.play, played.customer)
    assert played.settled() == Posting("taken", 1, 200)
    (event,) = webhook.events(1)
    mid = event[field].pop("mid")
    assert event[field] == content
    assert event["sender"] == {"id": played.customer.id}
    assert event["recipient"] == {"id": "1001"}
    assert played.customer.lines[-1].mid == mid


@pytest.mark.parametrize("platform", ["messenger", "instagram"])
def test_the_page_inbox_is_known_by_its_app_id(platform: str) -> None:
    webhook = Webhook()
    played = Played(webhook, platform)
    played.play.inbox_says(played.customer, "Bea here")
    echo, delivery = webhook.events(2)
    assert echo["sender"] == {"id": "1001"}
    assert echo["message"]["is_echo"] is True
    assert echo["message"]["app_id"] == INBOX_APP_IDS[platform]
    assert "metadata" not in echo["message"]
    assert delivery["delivery"]["mids"] == [echo["message"]["mid"]]


def test_opening_a_thread_reads_what_is_new_and_only_that() -> None:
    webhook = Webhook()
    played = Played(webhook)
    played.play.receives(played.customer, {"text": "hello"})
    played.play.opens(played.customer, True)
    played.play.opens(played.customer, True)
    played.play.says(played.customer, "hi")
    events = webhook.events(4)
    assert [next(key for key in each if key in ("message", "delivery", "read")) for each in events] == [
        "message",
        "delivery",
        "read",
        "message",
    ]
    assert events[2]["read"]["watermark"] >= events[0]["timestamp"]


def test_a_5xx_or_no_answer_is_posted_again_byte_for_byte() -> None:
    webhook = Webhook(500, None, 200)
    played = Played(webhook)
    played.play.says(played.customer, "hello")
    assert played.settled() == Posting("taken", 3, 200)
    assert len({body for body, _ in webhook.posted}) == 1


def test_in_the_end_it_fails_and_can_be_posted_again_by_hand() -> None:
    webhook = Webhook(500, 500, None)
    played = Played(webhook)
    played.play.says(played.customer, "hello")
    assert played.settled() == Posting("failed", 3, None)
    assert played.play.again(played.customer, played.customer.lines[-1].key)
    webhook.events(4)
    assert played.settled() == Posting("taken", 1, 200)
    assert len({body for body, _ in webhook.posted}) == 1
    assert not played.play.again(played.customer, 999)


def test_a_refusal_is_final() -> None:
    played = Played(Webhook(403))
    played.play.says(played.customer, "hello")
    assert played.settled() == Posting("failed", 1, 403)


def test_the_events_of_one_customer_keep_their_order_while_one_is_retried() -> None:
    webhook = Webhook(500, 500)
    played = Played(webhook)
    for number in range(3):
        played.play.says(played.customer, str(number))
    texts = [event["message"]["text"] for event in webhook.events(5)]
    assert texts == ["0", "0", "0", "1", "2"]
