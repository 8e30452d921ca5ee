"""Pause and resume, the unread mark and the global stop, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.routes.bodies import MAX_MESSAGE_ID, MAX_MINUTES, MAX_REASON
from tests.service import ID, PAGE, SESSION, SESSIONS, USER, Service

EMPTY_BODIES = [
    (b"", {}),
    (b"", {"Content-Type": "application/json"}),
    (b"", {"Content-Type": "application/x-www-form-urlencoded"}),
    (b"", {"Content-Type": "text/xml; charset=utf-8"}),
    (b"", {"Content-Type": ""}),
    (b" \r\n", {"Content-Type": "text/plain"}),
    (b"{}", {}),
    (b"\xef\xbb\xbf{}", {}),
]


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def epochs(service: Service) -> list[int]:
    """The epochs of all transitions, newest first."""
    return [row["epoch"] for row in service.history() if row["kind"] in ("paused", "resumed")]


@pytest.mark.parametrize(("body", "headers"), EMPTY_BODIES)
def test_pause_and_unpause_need_no_body(service: Service, body: bytes, headers: dict[str, str]) -> None:
    paused = service.post(f"{SESSION}/pause", body, headers=headers).json
    assert (paused["status"], paused["epoch"]) == ("paused", 1)
    assert paused["paused"]["until"] == "2023-11-15T22:13:21.000Z"
    assert paused["paused"]["by"]["type"] == "operator"
    assert paused["waiting_since"] == paused["paused"]["since"] == "2023-11-14T22:13:21.000Z"
    service.clock.tick(1000)
    active = service.post(f"{SESSION}/unpause", body, headers=headers).json
    assert (active["status"], active["epoch"], active["paused"], active["waiting_since"]) == ("active", 2, None, None)
    assert service.get(SESSION).json == {**active, "held": 0}


def test_pausing_twice_changes_end_and_reason_only(service: Service) -> None:
    service.post(f"{SESSION}/pause", {"reason": "first"})
    service.clock.tick(1000)
    again = service.post(f"{SESSION}/pause", {"minutes": 2}).json
    assert again["epoch"] == 1
    assert again["paused"]["since"] == "2023-11-14T22:13:21.000Z"
    assert again["paused"]["until"] == "2023-11-14T22:15:22.000Z"
    assert again["paused"]["reason"] == "first"
    assert service.post(f"{SESSION}/pause", {"reason": "second", "minutes": None}).json["paused"]["reason"] == "second"
    assert epochs(service) == [1]


def test_unpausing_twice_changes_nothing_more(service: Service) -> None:
    before = service.get(SESSION).json
    assert service.post(f"{SESSION}/unpause").json == {key: before[key] for key in before if key != "held"}
    service.post(f"{SESSION}/pause")
    service.clock.tick(1000)
    first = service.post(f"{SESSION}/unpause").json
    assert service.post(f"{SESSION}/unpause").json == first
    assert epochs(service) == [2, 1]


@pytest.mark.parametrize("message_id", ["m1", "m:m1"])
def test_a_repeated_cause_pauses_once(service: Service, message_id: str) -> None:
    cause = {"message_id": message_id}
    assert service.post(f"{SESSION}/pause", cause).json["epoch"] == 1
    assert service.history()[-1]["state"] == "delivered"
    service.clock.tick(1000)
    service.post(f"{SESSION}/unpause")
    assert service.post(f"{SESSION}/pause", cause).json["status"] == "active"
    assert service.post(f"{SESSION}/pause").json["epoch"] == 3


@pytest.mark.parametrize("message_id", ["m2", "m:m2", "e:x", "t:1", "x" * MAX_MESSAGE_ID])
def test_a_cause_that_is_not_there_pauses_nothing(service: Service, message_id: str) -> None:
    answer = service.post(f"{SESSION}/pause", {"message_id": message_id})
    assert answer.code == (404, "not_found")
    assert "message_id" in answer.json["message"]
    assert service.get(SESSION).json["status"] == "active"


@pytest.mark.parametrize("minutes", [1, 1.0, MAX_MINUTES])
def test_minutes_may_be(service: Service, minutes: float) -> None:
    assert service.post(f"{SESSION}/pause", {"minutes": minutes}).json["paused"]["until"] is not None


@pytest.mark.parametrize("minutes", [0, -1, MAX_MINUTES + 1, 1.5, "5", "", True, False, [5], {}, 10**40])
def test_minutes_may_not_be(service: Service, minutes: Any) -> None:
    answer = service.post(f"{SESSION}/pause", {"minutes": minutes})
    assert answer.faults == [f"minutes must be a whole number from 1 to {MAX_MINUTES}"]
    assert service.get(SESSION).json["status"] == "active"


def test_every_fault_of_a_pause_is_named(service: Service) -> None:
    body = {"reason": "x" * (MAX_REASON + 1), "minutes": "1", "message_id": "\u20ac", "why": 1}
    answer = service.post(f"{SESSION}/pause", body)
    assert answer.faults == [
        "why is not a field here",
        f"reason has {MAX_REASON + 1} characters; {MAX_REASON} are allowed",
        f"minutes must be a whole number from 1 to {MAX_MINUTES}",
        "message_id has a character that no message's id has",
    ]
    assert all(fault in answer.json["message"] for fault in answer.faults)


@pytest.mark.parametrize("reason", ["", "  \n", 5, ["x"], {}, False, "\ud800"])
def test_a_reason_is_a_text(service: Service, reason: Any) -> None:
    assert len(service.post(f"{SESSION}/pause", {"reason": reason}).faults) == 1


@pytest.mark.parametrize("reason", ["\x00", "\U0001f600" * MAX_REASON, "</script>", "Zoë wants\nhelp"])
def test_a_reason_comes_back_as_it_was(service: Service, reason: str) -> None:
    assert service.post(f"{SESSION}/pause", {"reason": reason}).json["paused"]["reason"] == reason
    assert service.history()[0]["text"] == reason


def test_the_end_of_a_pause_is_seen_at_once(service: Service) -> None:
    service.post(f"{SESSION}/pause", {"minutes": 1})
    assert service.history()[0]["until"] == "2023-11-14T22:14:21.000Z"
    service.clock.tick(59_999)
    assert service.get(SESSION).json["status"] == "paused"
    service.clock.tick(1)
    found = service.get(SESSION).json
    assert (found["status"], found["paused"], found["waiting_since"], found["held"]) == ("active", None, None, 0)
    assert service.get(f"{SESSIONS}?status=paused").json["sessions"] == []
    assert service.get(f"{SESSIONS}?status=active").json["sessions"] != []
    assert service.post(f"{SESSION}/unpause").json["epoch"] == 2


def test_seen(service: Service) -> None:
    found = service.get(SESSION).json
    assert (found["unread"], found["seen_at"]) == (True, None)
    seen = service.post(f"{SESSION}/seen").json
    assert (seen["unread"], seen["seen_at"]) == (False, "2023-11-14T22:13:21.000Z")
    service.clock.tick()
    service.receive(service.said("m2"))
    assert service.get(SESSION).json["unread"] is True


def test_seen_until_what_was_shown(service: Service) -> None:
    shown = service.get(SESSION).json["last_activity_at"]
    service.receive(service.said("m2"))
    assert service.post(f"{SESSION}/seen", {"at": shown}).json["unread"] is True
    shown = service.get(SESSION).json["last_activity_at"]
    assert service.post(f"{SESSION}/seen", {"at": shown}).json["unread"] is False
    earlier = service.post(f"{SESSION}/seen", {"at": "2020-01-01T00:00:00Z"}).json
    assert (earlier["unread"], earlier["seen_at"]) == (False, shown)
    assert service.post(f"{SESSION}/seen", {"at": "2100-01-01T00:00:00Z"}).json["seen_at"] < "2024"


@pytest.mark.parametrize("at", ["", "now", 5, "2026-01-31T12:00:00", "x" * 50, ["2026-01-31T12:00:00Z"]])
def test_seen_until_no_time(service: Service, at: Any) -> None:
    assert len(service.post(f"{SESSION}/seen", {"at": at}).faults) == 1


def test_the_global_stop(service: Service) -> None:
    assert service.get("/botpress-hitl/bot").json == {"paused": False, "reason": None, "by": None, "since": None}
    stop = service.ask("PUT", "/botpress-hitl/bot", {"paused": True, "reason": "wrong answers"}).json
    assert (stop["paused"], stop["reason"], stop["since"]) == (True, "wrong answers", "2023-11-14T22:13:21.000Z")
    assert stop["by"]["type"] == "operator"
    service.clock.tick(1000)
    again = service.ask("PUT", "/botpress-hitl/bot", {"paused": True, "reason": "still"}).json
    assert (again["since"], again["reason"]) == (stop["since"], "still")
    assert service.get("/botpress-hitl/bot").json == again
    lifted = service.ask("PUT", "/botpress-hitl/bot", {"paused": False}).json
    assert (lifted["paused"], lifted["reason"], lifted["since"]) == (False, None, None)


def test_lifting_the_stop_ends_its_pauses_and_no_others(service: Service) -> None:
    service.receive(service.said("c1", user="201"))
    service.post(f"{SESSIONS}/201/pause", {"reason": "mine"})
    service.ask("PUT", "/botpress-hitl/bot", {"paused": True})
    while service.mailbox.letters:
        service.system.deliveries.deliver(service.mailbox.take(), 1)
    assert [given.message_id for given in service.bot.given] == ["t:1", "t:1"]
    found = service.get(SESSION).json
    assert (found["status"], found["paused"]["by"]["id"], found["held"]) == ("paused", "stop", 1)
    service.clock.tick(1000)
    service.ask("PUT", "/botpress-hitl/bot", {"paused": False})
    assert service.get(SESSION).json["status"] == "active"
    assert service.get(f"{SESSIONS}/201").json["status"] == "paused"


@pytest.mark.parametrize(
    "body", [{}, {"paused": None}, {"paused": 1}, {"paused": "true"}, {"paused": 0}, {"paused": True, "reason": ""}]
)
def test_what_is_no_stop(service: Service, body: dict[str, Any]) -> None:
    assert len(service.ask("PUT", "/botpress-hitl/bot", body).faults) == 1
    assert service.get("/botpress-hitl/bot").json["since"] is None


def test_a_conversation_says_all_that_is_known_of_it(service: Service) -> None:
    service.post(f"{SESSION}/pause", {"reason": "r", "minutes": 60})
    service.clock.tick(1000)
    service.post(f"{SESSION}/messages", {"client_id": "a", "text": "Hi there"})
    service.clock.tick(1000)
    parties = {"sender": {"id": USER}, "recipient": {"id": PAGE}, "timestamp": service.clock()}
    service.receive(
        {**parties, "delivery": {"watermark": service.clock()}}, {**parties, "read": {"watermark": 1700000001500}}
    )
    by = {"type": "operator", "id": "api-token", "name": "API token"}
    found = service.get(SESSION).json
    assert {**found, "version": 0} == {
        "id": ID,
        "platform": "messenger",
        "page_id": PAGE,
        "user_id": USER,
        "name": None,
        "picture_url": None,
        "status": "paused",
        "epoch": 1,
        "version": 0,
        "paused": {"since": "2023-11-14T22:13:21.000Z", "until": "2023-11-14T23:13:22.000Z", "by": by, "reason": "r"},
        "waiting_since": None,
        "last_message": {
            "id": "s:a",
            "author": "operator",
            "by": by,
            "text": "Hi there",
            "sent_at": "2023-11-14T22:13:22.000Z",
        },
        "last_activity_at": "2023-11-14T22:13:22.000Z",
        "last_user_message_at": "2023-11-14T22:13:20.000Z",
        "window": {"type": "response", "until": "2023-11-15T22:13:20.000Z"},
        "last_operator": {"id": "api-token", "name": "API token", "at": "2023-11-14T22:13:22.000Z"},
        "unread": True,
        "seen_at": None,
        "delivered_at": "2023-11-14T22:13:23.000Z",
        "read_at": "2023-11-14T22:13:21.500Z",
        "held": 0,
    }
    assert found["version"] > 0
