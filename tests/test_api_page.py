"""The examples of docs/api.md do what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.curl import request_of
from tests.service import PAGE, SESSION, TOKEN, USER, Answer, Service

TEXT = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
VARIABLES = dict(re.findall(r"^(\w+)=(\S+)$", BLOCKS[0], re.MULTILINE))
EXAMPLES = BLOCKS[1:]


def curl(service: Service, block: str) -> Answer:
    """Do what curl does with these arguments; any other than those of the page are an error."""
    method, url, body, headers = request_of(block, VARIABLES)
    path = url.removeprefix(VARIABLES["API"])
    return service.ask(method, path, body, token=None, headers=headers)


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def test_the_page_has_examples() -> None:
    assert VARIABLES == {"API": "http://localhost:8000/api", "TOKEN": TOKEN, "USER_ID": USER}
    assert len(EXAMPLES) == TEXT.count("\ncurl ") == 10


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: " ".join(block.split()[:4]))
def test_every_example_works(service: Service, block: str) -> None:
    assert curl(service, block).status == 200


def test_the_examples_tell_a_story(service: Service) -> None:
    pause, unpause, with_held, waiting, since, history, answer, image, pages, stop = (
        curl(service, block) for block in EXAMPLES
    )
    assert pause.json["paused"]["reason"] == "Ana wants to talk to a person"
    assert unpause.json["status"] == with_held.json["status"] == "active"
    assert (waiting.json["sessions"], since.json["sessions"]) == ([], [])
    assert [message["kind"] for message in history.json["messages"]] == ["resumed", "paused", "text"]
    assert answer.json["state"] == image.json["state"] == "sent"
    assert pages.json == {"pages": [{"platform": "messenger", "id": PAGE, "disconnected": None}]}
    assert stop.json["paused"] is True


def test_the_error_is_the_one_that_is_shown(service: Service) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)[0])
    assert service.post(f"{SESSION}/pause", {"minutes": 0}).json == shown


def test_the_full_name_is_the_one_that_is_told(service: Service) -> None:
    assert "`messenger:<page id>:<user id>`" in TEXT
    assert service.get(f"/botpress-hitl/sessions/messenger:{PAGE}:{USER}").status == 200
