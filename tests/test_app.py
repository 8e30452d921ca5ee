"""The handlers of the queue and of the schedule, called as Lambda calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib import system
from chalicelib.delivery import BOT_TRIES
from chalicelib.errors import BotFailed, Unavailable
from chalicelib.mailbox import Letter
from tests.service import ID, SESSION, Service


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def deliver(service: Service, body: str, tries: int = 1) -> None:
    """Hand a queue message over, on its `tries`-th receive."""
    system.install(service.system)
    event = service.client.events.generate_sqs_event([body], "chalice-hitl-mailbox.fifo")
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(tries)
    service.client.lambda_.invoke("deliver", event)


def test_a_letter_reaches_the_bot_once(service: Service) -> None:
    body = service.mailbox.take().body
    deliver(service, body)
    deliver(service, body, 2)
    assert [given.message_id for given in service.bot.given] == ["m:m1"]
    assert service.history()[0]["state"] == "delivered"
    assert service.mailbox.postponed == []


def test_a_letter_that_comes_during_a_pause_is_held(service: Service) -> None:
    service.post(f"{SESSION}/pause")
    deliver(service, service.mailbox.take().body)
    assert service.bot.given == []
    assert service.get(SESSION).json["held"] == 1


@pytest.mark.parametrize("tries", range(1, BOT_TRIES))
def test_a_letter_that_the_bot_did_not_take_comes_again_later(service: Service, tries: int) -> None:
    service.bot.errors.append(BotFailed("It did not answer.", retry=True))
    with pytest.raises(BotFailed):
        deliver(service, service.mailbox.letters[0].body, tries)
    assert service.mailbox.postponed == [("receipt-handle", tries)]
    assert service.history()[0]["state"] == "received"


@pytest.mark.parametrize(("tries", "retry"), [(BOT_TRIES, True), (1, False)])
def test_a_bot_that_fails_for_good_calls_a_person(service: Service, tries: int, retry: bool) -> None:
    service.bot.errors.append(BotFailed("It did not answer.", retry=retry))
    deliver(service, service.mailbox.letters[0].body, tries)
    assert service.mailbox.postponed == []
    found = service.get(SESSION).json
    assert (found["status"], found["paused"]["reason"], found["held"]) == ("paused", "the bot does not answer", 1)


def test_a_crash_comes_again_by_itself(service: Service) -> None:
    service.store.fail("conversation_and_stop", Unavailable("DynamoDB did not answer. Try again."))
    with pytest.raises(Unavailable):
        deliver(service, service.mailbox.letters[0].body)
    assert service.mailbox.postponed == []
    deliver(service, service.mailbox.letters[0].body, 2)
    assert len(service.bot.given) == 1


@pytest.mark.parametrize("body", ["", "x", "null", "[]", "{}", '{"conversation": "x"}', "\ud800"])
def test_what_is_no_letter_is_left_to_the_dead_letter_queue(service: Service, body: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        deliver(service, body)
    assert service.bot.given == []


@pytest.mark.parametrize("letter", [Letter(ID, "m:none"), Letter("messenger:1:2", "m:m1")])
def test_a_letter_without_a_row_is_done_with(service: Service, letter: Letter) -> None:
    deliver(service, letter.body)
    assert service.bot.given == []


def test_the_schedule_ends_a_pause_that_nobody_comes_by(service: Service) -> None:
    service.post(f"{SESSION}/pause", {"minutes": 1})
    while service.mailbox.letters:
        deliver(service, service.mailbox.take().body)
    service.clock.tick(60_000)
    system.install(service.system)
    service.client.lambda_.invoke("look_after", service.client.events.generate_cw_event("aws.events", "", {}, []))
    assert service.get(SESSION).json["epoch"] == 2
    (nudge, again) = service.mailbox.letters
    deliver(service, nudge.body)
    deliver(service, again.body)
    assert [given.message_id for given in service.bot.given] == ["t:1", "t:2", "m:m1"]


def test_the_queue_gives_one_letter_at_a_time_and_the_schedule_comes_each_minute() -> None:
    sources: dict[str, dict[str, Any]] = {
        vars(source)["handler_string"]: vars(source) for source in app.app.event_sources
    }
    assert set(sources) == {"app.deliver", "app.look_after"}
    queue = sources["app.deliver"]
    assert (queue["queue"], queue["batch_size"]) == ("chalice-hitl-mailbox.fifo", 1)
    assert queue["maximum_concurrency"] == app.CONCURRENT_DELIVERIES
    assert sources["app.look_after"]["schedule_expression"].to_string() == "rate(1 minute)"


COLD_START = """
import sys
import botocore

sessions = []
botocore.register_initializer(sessions.append)
from chalicelib import system
import app

parts = system.current()
parts.store, parts.mailbox, parts.deliveries
print(len(sessions), [name for name in ("boto3", "chalicelib.events") if name in sys.modules])
"""


def test_a_cold_start_loads_botocores_data_once_and_nothing_that_a_delivery_does_not_need() -> None:
    command = [sys.executable, "-c", COLD_START]
    answer = subprocess.run(command, cwd=Path(app.__file__).parent, capture_output=True, text=True, check=True)
    assert answer.stdout == "1 []\n"


def test_a_setting_that_cannot_be_read_is_named_in_our_shape() -> None:
    source = (
        "import app; from chalice.test import Client\n"
        "answer = Client(app.app).http.get('/botpress-hitl/bot')\n"
        "print(answer.status_code, answer.json_body['code'], answer.json_body['message'])"
    )
    env = {**os.environ, "HITL_PAUSE_MINUTES": "soon"}
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True, env=env
    )
    assert ended.stdout.startswith("500 misconfigured ")
    assert "HITL_PAUSE_MINUTES" in ended.stdout
    assert "Traceback" not in ended.stderr
