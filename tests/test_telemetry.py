"""What is told of the work: metrics where things happen, one id from webhook to bot, and on Lambda lines of JSON."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from chalicelib import telemetry
from chalicelib.errors import BotFailed, Transient, Unconfirmed, Unstorable
from chalicelib.message import Actor
from chalicelib.messenger import Outgoing
from chalicelib.settings import Settings
from chalicelib.telemetry import Metric, Silence, Telemetry
from tests.on_lambda import deliver
from tests.service import APP_SECRET, ID, PAGE_TOKEN, SESSION, TOKEN, VERIFY_TOKEN, Service, events

ROOT = Path(__file__).parent.parent
ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "chalice-hitl-dev", "HITL_NAME": "chalice-hitl-dev"}


@pytest.fixture
def service() -> Service:
    return Service()


def test_what_became_of_the_events_of_a_body_is_counted(service: Service) -> None:
    service.receive(service.said("m1"), service.said("m2", user="300"))
    service.receive(service.said("m2", user="300"), service.said("m3"))
    assert service.telemetry.counts == {"Received": 3, "Duplicate": 1}


def test_what_was_kept_without_its_content_is_counted(service: Service) -> None:
    service.store.fail("append", Unstorable("No."))
    service.receive(service.said("m1"))
    service.store.fail("append", Unstorable("No."), times=2)
    service.receive(service.said("m2"))
    assert service.telemetry.counts == {"Quarantined": 2}


def test_what_was_not_taken_in_is_counted_with_what_had_to_wait_behind_it(service: Service) -> None:
    service.mailbox.down = True
    assert service.webhook(events(service.said("m1"), service.said("m2"))).status == 500
    assert service.telemetry.counts == {"Failed": 2}


def test_a_delivery_is_counted_and_timed(service: Service) -> None:
    service.bot.handler = lambda delivery, speaker: service.clock.tick(250)
    service.receive(service.said("m1"))
    deliver(service)
    deliver(service)
    assert service.telemetry.counts == {"Received": 1, "Delivered": 1}
    assert service.telemetry.times == {"BotLatency": [250], "DeliveryLatency": [1250]}  # a second in the queue


def test_what_is_held_is_counted_once_and_its_wait_for_a_person_is_no_latency(service: Service) -> None:
    service.receive(service.said("m1"))
    service.post(f"{SESSION}/pause")
    deliver(service)
    assert service.telemetry.counts == {"Received": 1, "Held": 1}
    service.clock.tick(3_600_000)
    service.post(f"{SESSION}/unpause", {"deliver_held": True})
    deliver(service)
    assert [given.message_id for given in service.bot.given] == ["t:1", "t:2", "m:m1"]
    assert service.telemetry.counts == {"Received": 1, "Held": 1, "Delivered": 1}
    assert service.telemetry.times == {"BotLatency": [0, 0, 0]}


def test_each_time_that_the_bot_fails_is_counted_and_timed(service: Service) -> None:
    service.receive(service.said("m1"))
    body = service.mailbox.letters[0]
    service.bot.errors.append(BotFailed("It did not answer.", retry=True))
    with pytest.raises(BotFailed):
        deliver(service)
    service.bot.errors.append(BotFailed("It does not want that.", retry=False))
    service.system.deliveries.deliver(body, 2)
    assert service.telemetry.counts == {"Received": 1, "BotFailed": 2, "Held": 1}
    assert service.telemetry.times == {"BotLatency": [0, 0]}


def test_sends_that_are_not_admitted_or_not_taken_are_counted(service: Service) -> None:
    service.receive(service.said("m1"))
    replies, bot, ana = service.system.replies, Actor("bot", "b", "B"), Actor("operator", "ana", "Ana")
    replies.send(ID, "c1", Outgoing("1"), bot)
    service.messenger.errors += [Transient("Later."), Unconfirmed("Perhaps.")]
    replies.send(ID, "c2", Outgoing("2"), bot)
    replies.send(ID, "c3", Outgoing("3"), bot)
    replies.send(ID, "c4", Outgoing("4"), ana)  # which pauses
    replies.send(ID, "c5", Outgoing("5"), bot)
    replies.send(ID, "c5", Outgoing("5"), bot)
    assert service.telemetry.counts == {"Received": 1, "Failed": 2, "Refused": 1}


def test_one_id_leads_from_the_webhook_to_the_bot_however_long_the_way(service: Service) -> None:
    ids = []
    service.post(f"{SESSION}/pause")
    for number in (1, 2):
        answer = service.webhook(events(service.said(f"m{number}")))
        ids.append(answer.headers["X-HITL-Correlation-Id"])
        service.clock.tick(1000)
    service.post(f"{SESSION}/pause")
    deliver(service)
    assert service.webhook(events(service.said("m1"))).headers["X-HITL-Correlation-Id"] not in ids  # a repeat
    service.post(f"{SESSION}/unpause", {"deliver_held": True})
    deliver(service)
    given = {delivery.message_id: delivery.correlation_id for delivery in service.bot.given}
    assert given == {"t:1": None, "t:2": None, "m:m1": ids[0], "m:m2": ids[1]}


def test_metrics_are_ten_at_most_and_the_page_explains_each() -> None:
    metrics = get_args(Metric)
    assert len(metrics) == len(set(metrics)) <= 10
    assert set(metrics) >= telemetry.LATENCIES
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    assert [metric for metric in metrics if f"| `{metric}` |" not in page] == []


def test_what_was_added_is_one_line_and_then_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    told = Telemetry(Settings(ON_LAMBDA))
    told.flush()
    for _ in range(1000):
        told.add("Received")
    told.add("Duplicate", 7)
    told.add("BotLatency", 20)
    told.add("BotLatency", 30)
    told.flush()
    told.flush()
    (line,) = capsys.readouterr().out.splitlines()
    content = json.loads(line)
    assert (content["Received"], content["Duplicate"], content["BotLatency"]) == ([1000], [7], [20, 30])
    (directive,) = content["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("chalice-hitl", [["service"]])
    assert content["service"] == "chalice-hitl-dev"
    units = {each["Name"]: each["Unit"] for each in directive["Metrics"]}
    assert units == {"Received": "Count", "Duplicate": "Count", "BotLatency": "Milliseconds"}


def test_nothing_fails_where_metrics_cannot_be_told(caplog: pytest.LogCaptureFixture) -> None:
    told = Telemetry(Settings(ON_LAMBDA))
    told.add("Received")
    closed = io.StringIO()
    closed.close()
    with contextlib.redirect_stdout(closed):
        told.flush()
    assert "Metrics were not told" in caplog.text


def test_a_laptop_hears_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(logging.getLogger().handlers)
    told = telemetry.start(Settings({}))
    assert isinstance(told, Silence)
    told.add("Received")
    with told.about("handler", correlation_id="x"):
        logging.getLogger("chalicelib").info("something")
    told.flush()
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger().handlers == before


class Run:
    """What the functions print on Lambda while tests/on_lambda.py plays its scene, and what X-Ray's daemon hears."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error", "-m", "tests.on_lambda"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.text = done.stdout
        printed, _, heard = done.stdout.partition("--- traces\n")
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
        self.parts: list[dict[str, Any]] = [json.loads(line) for line in heard.splitlines()]
        self.errors = done.stderr

    def about(self, message_id: str) -> list[str]:
        """What is said of a message, in order."""
        return [line["message"] for line in self.lines if line.get("message_id") == message_id]


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


def test_every_line_is_json_and_says_what_it_is_about(run: Run) -> None:
    told = [line for line in run.lines if "_aws" not in line]
    assert all({"level", "message", "timestamp", "service", "correlation_id"} <= line.keys() for line in told)
    assert run.about("m:m1") == ["The bot has not taken an event: It did not answer.", "given to the bot"]
    assert run.about("m:m3") == ["held", "given to the bot"]
    assert [line["message"] for line in told].count("webhook") == 4
    assert {line["message"] for line in told} >= {"paused", "resumed", "sent", "refused", "round"}
    assert run.errors == ""


def test_the_lines_of_a_message_lead_to_its_webhook(run: Run) -> None:
    webhooks = [line["correlation_id"] for line in run.lines if line.get("message") == "webhook"]
    of = {line["message_id"]: line["correlation_id"] for line in run.lines if "m:" in line.get("message_id", "")}
    assert [of["m:m1"], of["m:m3"]] == webhooks[:2]
    (failed,) = [line for line in run.lines if "not taken in" in str(line.get("message"))]
    assert failed["correlation_id"] == webhooks[2]  # it ran in a thread of its own


def test_an_invocation_prints_its_metrics_once(run: Run) -> None:
    metrics = [line for line in run.lines if "_aws" in line]
    assert [line["Received"] for line in metrics if "Received" in line] == [[1], [1], [1], [100]]
    assert sum(line["Delivered"][0] for line in metrics if "Delivered" in line) == 2


def test_nothing_that_people_said_or_are_called_is_told(run: Run) -> None:
    for secret in ("secret words", "Ana", "API token", "an answer", TOKEN, APP_SECRET, VERIFY_TOKEN, PAGE_TOKEN):
        assert secret not in run.text


def test_traces_are_found_by_the_same_ids_and_say_of_a_failure_only_that_it_was_one(run: Run) -> None:
    bot = [part for part in run.parts if part["name"] == "bot"]
    assert [part["annotations"]["message_id"] for part in bot][:2] == ["m:m1", "m:m1"]
    assert [part.get("fault", False) for part in bot][:2] == [True, False]
    webhooks = [line["correlation_id"] for line in run.lines if line.get("message") == "webhook"]
    assert {part["annotations"]["correlation_id"] for part in bot} >= set(webhooks[:2])
    ours = [part for part in run.parts if part["namespace"] != "aws"]
    assert webhooks[-1] not in {part["annotations"]["correlation_id"] for part in ours}  # it was not sampled
    assert [part for part in ours if "cause" in part] == []
    assert len(ours) < len(run.parts)  # calls of AWS are parts as well
