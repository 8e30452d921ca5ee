"""Lists of conversations, over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from chalicelib.routes.bodies import MAX_CURSOR, MAX_QUERY
from chalicelib.routes.conversations import SINCE_OVERLAP
from tests.service import PAGE, SESSION, SESSIONS, USER, Service


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def crowd(service: Service) -> None:
    """Make five users: 201 active, 202 answered, 203 and 204 waiting, 205 active and newest."""
    for number in range(1, 6):
        service.receive(service.said(f"c{number}", user=f"20{number}"))
    for number in (2, 3, 4):
        service.post(f"{SESSIONS}/20{number}/pause")
        service.clock.tick(1000)
    service.post(f"{SESSIONS}/202/messages", {"client_id": "a", "text": "Hello"})
    service.clock.tick(1000)
    service.receive(service.said("c6", user="205"))


def users(answer: Any) -> list[str]:
    """Who is in a list."""
    return [found["user_id"] for found in answer.json["sessions"]]


LISTS = {
    "all": ["205", "202", "204", "203", "201", "200"],
    "active": ["205", "201", "200"],
    "paused": ["203", "204", "202"],
    "waiting": ["203", "204"],
}


@pytest.mark.parametrize("status", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 50, 100])
def test_lists_are_whole_whatever_the_size_of_a_page(service: Service, status: str, limit: int) -> None:
    crowd(service)
    found, cursor = [], ""
    for _ in range(10):
        answer = service.get(f"{SESSIONS}?status={status}&limit={limit}&cursor={cursor}")
        assert len(answer.json["sessions"]) <= limit
        assert answer.json["waiting"] == 2
        found += users(answer)
        cursor = answer.json["cursor"]
        if cursor is None:
            break
    assert found == LISTS[status]


def test_without_parameters_everything_is_listed(service: Service) -> None:
    crowd(service)
    assert users(service.get(SESSIONS)) == LISTS["all"]
    assert users(service.get(f"{SESSIONS}?status=&limit=&cursor=&q=&since=")) == LISTS["all"]
    assert "held" not in service.get(SESSIONS).json["sessions"][0]


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("limit=0", 1),
        ("limit=101", 1),
        ("limit=abc", 1),
        ("limit=-1", 1),
        ("limit=1.0", 1),
        ("limit=%D9%A1", 1),
        ("limit=+1", 1),
        ("status=open", 1),
        ("status=ALL", 1),
        ("since=yesterday", 1),
        ("since=2026-01-31", 1),
        ("since=2026-01-31T12:00:00", 1),
        ("since=1700000000", 1),
        ("since=0001-01-01T00:00:00%2B23:59", 1),
        ("since=1969-12-31T23:59:59Z", 1),
        ("since=9999-12-31T00:00:00Z", 1),
        ("since=2026-01-31T12:00:00Z&status=paused", 1),
        ("since=2026-01-31T12:00:00Z&q=x", 1),
        (f"q={'x' * (MAX_QUERY + 1)}", 1),
        (f"cursor={'x' * (MAX_CURSOR + 1)}", 1),
        (f"limit=0&status=x&since=x&q={'x' * 200}&cursor={'x' * 5000}", 5),
    ],
)
def test_what_a_list_cannot_be_asked(service: Service, query: str, faults: int) -> None:
    assert len(service.get(f"{SESSIONS}?{query}").faults) == faults


@pytest.mark.parametrize("cursor", ["x", "%00", "%C3%A9", "W10", "bnVsbA", "=", "W1tb" * 900])
def test_a_cursor_that_is_none(service: Service, cursor: str) -> None:
    assert service.get(f"{SESSIONS}?cursor={cursor}").code == (400, "bad_request")
    assert service.get(f"{SESSION}/messages?cursor={cursor}").code == (400, "bad_request")


def test_a_cursor_of_another_list(service: Service) -> None:
    crowd(service)
    cursor = quote(service.get(f"{SESSIONS}?limit=1").json["cursor"])
    history = quote(service.get(f"{SESSIONS}/205/messages?limit=1").json["cursor"])
    for query in (f"status=active&cursor={cursor}", f"q=2&cursor={cursor}", f"cursor={history}"):
        assert service.get(f"{SESSIONS}?{query}").code == (400, "bad_request")
    assert service.get(f"{SESSIONS}/205/messages?cursor={cursor}").code == (400, "bad_request")
    assert service.get(f"{SESSIONS}/204/messages?cursor={history}").code == (400, "bad_request")


def test_a_search_is_by_name_and_user_id(service: Service) -> None:
    crowd(service)
    service.system.handoff.amend(f"messenger:{PAGE}:203", lambda old: old._replace(name="Zoë Straße"))
    assert users(service.get(f"{SESSIONS}?{urlencode({'q': ' zoë STRASSE '})}")) == ["203"]
    found = service.get(f"{SESSIONS}?q=203")
    assert (users(found), found.json["searched_to"], found.json["cursor"]) == (["203"], None, None)
    first = service.get(f"{SESSIONS}?q=20&limit=2").json
    assert first["searched_to"] == first["sessions"][-1]["last_activity_at"]
    assert "searched_to" not in service.get(SESSIONS).json


def test_since_tells_of_everything_that_changed_after_an_answer(service: Service) -> None:
    crowd(service)
    service.clock.tick(60_000)
    mark = service.get(SESSIONS).json["since"]
    assert users(service.get(f"{SESSIONS}?since={mark}")) == []
    service.receive(service.said("c7", user="201"))
    service.post(f"{SESSIONS}/200/pause")
    service.clock.tick(1000)
    assert users(service.get(f"{SESSIONS}?since={mark}")) == ["200", "201"]
    page = service.get(f"{SESSIONS}?since={mark}&limit=1").json
    assert [page["sessions"][0]["user_id"], page["since"] > mark] == ["200", True]
    assert users(service.get(f"{SESSIONS}?since={mark}&cursor={quote(page['cursor'])}")) == ["201"]


def test_marks_overlap(service: Service) -> None:
    """What is written while a list is read may show in the index only later."""
    mark = service.get(SESSIONS).json["since"]
    service.clock.tick(SINCE_OVERLAP - 1000)
    assert users(service.get(f"{SESSIONS}?since={mark}")) == [USER]
    assert users(service.get(f"{SESSIONS}?since={service.get(SESSIONS).json['since']}")) == [USER]
    service.clock.tick(1001)
    assert users(service.get(f"{SESSIONS}?since={service.get(SESSIONS).json['since']}")) == []
