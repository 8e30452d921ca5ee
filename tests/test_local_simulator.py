"""The calls that the simulator's page makes, and the files that it is made of."""

from __future__ import annotations

import json
import re
from email.message import Message
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.settings import Page
from local.customers import World
from local.meta import Postman
from local.play import Play
from local.serving import Request, Response
from local.simulator import Simulator

PAGES = (Page("messenger", "1001", "t1"), Page("instagram", "2002", "t2"))


class Calls:
    """The simulator behind a caller, with an API that answers from `answer`."""

    def __init__(self) -> None:
        self.world = World(lambda: 1_700_000_000_000)
        self.play = Play(self.world, Postman("secret", lambda _body, _headers: 200))
        self.asked: list[tuple[str, str, object]] = []
        self.answer: tuple[int, Any] = (200, {"status": "active"})
        self.simulator = Simulator(
            self.play,
            PAGES,
            self.api,
            lambda: {"waiting": 1},
            base_url="http://localhost:8000/simulator",
            real_graph=False,
        )
        self.customer = self.world.add("messenger", "1001")

    def api(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        return self.answer

    def get(self, path: str) -> Response:
        return self.simulator(Request("GET", f"/simulator{path}", Message(), b""))

    def post(self, path: str, body: object, type_: str = "application/json", origin: str | None = None) -> Response:
        message = Message()
        message["Host"] = "localhost:8000"
        message["Content-Type"] = type_
        if origin is not None:
            message["Origin"] = origin
        return self.simulator(Request("POST", f"/simulator/api/{path}", message, json.dumps(body).encode()))

    def act(self, action: str, **fields: object) -> int:
        return self.post(f"customers/{quote(self.customer.key)}/{action}", fields).status


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.mark.parametrize("path", ["/", "/index.html", "/app.js", "/api.js", "/thread.js", "/style.css", "/cat.svg"])
def test_the_page_s_files_are_served_with_a_strict_policy(calls: Calls, path: str) -> None:
    answer = calls.get(path)
    assert answer.status == 200
    policy = dict(answer.headers)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_has_nothing_inline_and_asks_nobody_else(calls: Calls) -> None:
    html = calls.get("/").body.decode()
    assert re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", html) is None
    for name in ("index.html", "style.css", "app.js", "api.js", "thread.js"):
        text = calls.get(f"/{name}").body.decode()
        assert re.search(r"(src|href|url)\W{1,3}https?://", text) is None
        assert "innerHTML" not in text


@pytest.mark.parametrize("path", ["/../stack.py", "/__init__.py", "/static", "/%2e%2e/app.py", "/no.js", "/api/none"])
def test_nothing_else_is_served(calls: Calls, path: str) -> None:
    assert calls.get(path).status == 404


def test_a_portrait_belongs_to_its_name(calls: Calls) -> None:
    assert calls.get("/portraits/a.svg").body == calls.get("/portraits/a.svg").body
    assert calls.get("/portraits/a.svg").body != calls.get("/portraits/b.svg").body


def test_the_page_s_calls_play_the_customer(calls: Calls) -> None:
    assert calls.act("says", text="hello") == 200
    assert calls.act("says", text="Yes", payload="YES") == 200
    assert calls.act("taps", text="Talk", payload="HITL_START") == 200
    assert calls.act("shows", text="http://localhost:8000/simulator/cat.svg") == 200
    assert calls.act("inbox", text="Bea here") == 200
    assert calls.act("opens", open=True) == 200
    state = json.loads(calls.get(f"/api/state?customer={quote(calls.customer.key)}").body)
    lines = state["thread"]["lines"]
    assert [line["side"] for line in lines] == ["customer"] * 4 + ["inbox"]
    assert [line["text"] for line in lines] == ["hello", "Yes", "Talk", None, "Bea here"]
    assert calls.customer.is_open
    assert calls.act("again", line=lines[0]["key"]) == 200


@pytest.mark.parametrize(
    ("action", "fields", "status"),
    [("says", {}, 400), ("says", {"text": ""}, 400), ("dances", {}, 404), ("again", {"line": 99}, 404)],
)
def test_calls_that_make_no_sense_are_refused(
    calls: Calls, action: str, fields: dict[str, object], status: int
) -> None:
    assert calls.act(action, **fields) == status


def test_an_unknown_customer_is_404(calls: Calls) -> None:
    assert calls.post("customers/messenger:1:2/says", {"text": "x"}).status == 404


def test_customers_are_added_to_the_page_that_was_chosen(calls: Calls) -> None:
    added = json.loads(calls.post("customers", {"page": "instagram:2002"}).body)["key"]
    assert added.startswith("instagram:2002:")
    assert json.loads(calls.post("customers", {"page": "nonsense"}).body)["key"].startswith("messenger:1001:")


def test_another_site_s_page_cannot_call(calls: Calls) -> None:
    assert calls.post("customers", {}, origin="https://evil.example").status == 403
    assert calls.post("customers", {}, origin="null").status == 403
    assert calls.post("customers", {}, type_="text/plain").status == 400
    assert calls.post("customers", {}, origin="http://localhost:8000").status == 201
    assert calls.post("customers", []).status == 400


@pytest.mark.parametrize("verb", ["pause", "unpause"])
def test_pause_and_resume_go_through_the_api(calls: Calls, verb: str) -> None:
    calls.answer = (409, {"message": "no"})
    answer = calls.post(f"customers/{quote(calls.customer.key)}/{verb}", {})
    assert json.loads(answer.body) == {"status": 409, "body": {"message": "no"}}
    assert calls.asked == [("POST", f"/botpress-hitl/sessions/{calls.customer.key}/{verb}", {})]


def test_the_status_is_the_api_s(calls: Calls) -> None:
    answer = json.loads(calls.get(f"/api/customers/{quote(calls.customer.key)}/status").body)
    assert answer == {"status": 200, "body": {"status": "active"}}
    assert calls.asked == [("GET", f"/botpress-hitl/sessions/{calls.customer.key}", None)]


def test_trouble_is_ordered_and_called_off(calls: Calls) -> None:
    assert calls.post("trouble", {"name": "token", "times": 2}).status == 200
    assert len(json.loads(calls.get("/api/state").body)["troubles"]) == 2
    assert calls.post("trouble", {"name": "nonsense", "times": 1}).status == 404
    assert calls.post("trouble", {"times": 0}).status == 200
    assert json.loads(calls.get("/api/state").body)["troubles"] == []


def test_events_tell_of_every_change(calls: Calls) -> None:
    answer = calls.get("/api/events")
    assert answer.stream is not None
    stream = iter(answer.stream)
    first = next(stream)
    calls.world.add("messenger", "1001")
    assert first.startswith(b"data: ")
    assert next(stream) != first


def test_setup_names_what_the_page_offers(calls: Calls) -> None:
    setup = json.loads(calls.get("/api/setup").body)
    assert [page["key"] for page in setup["pages"]] == ["messenger:1001", "instagram:2002"]
    assert setup["menu"] == [{"title": "Talk to a person", "payload": "HITL_START"}]
    assert all(sample["url"].startswith("http://localhost:8000/simulator/") for sample in setup["samples"])
    assert json.loads(calls.get("/api/mailbox").body) == {"waiting": 1}
