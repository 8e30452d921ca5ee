"""Operators are called through a topic, a webhook or both; what users write pings nobody and is in no log."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.alerts import MAX_WORDS, SUBJECT, Alerts, Call
from chalicelib.settings import Settings
from tests.loopback import Answer, Loopback, refused_url, resets, says

TOPIC = "arn:aws:sns:us-east-1:123456789012:calls"
CALL = Call("Ana Belo", "asked for a person", "Where is my parcel?", "https://desk.example/#/waiting/messenger:1:2")
TEXT = (
    "Ana Belo waits for a person.\n"
    "Reason: asked for a person\n"
    "Last words: “Where is my parcel?”\n"
    "https://desk.example/#/waiting/messenger:1:2"
)


class Topic:
    """SNS: keeps what is published for so many subscribers, or fails."""

    def __init__(self, error: Exception | None = None, subscribers: int = 0) -> None:
        self.published: list[dict[str, str]] = []
        self._error = error
        self._subscribers = subscribers

    def publish(self, **fields: str) -> Mapping[str, Any]:
        if self._error is not None:
            raise self._error
        self.published.append(fields)
        return {"MessageId": "1"}

    def get_topic_attributes(self, TopicArn: str) -> Mapping[str, Any]:  # noqa: N803 boto's name
        return {"Attributes": {"TopicArn": TopicArn, "SubscriptionsConfirmed": f"{self._subscribers}"}}


def through_webhook(answer: Answer, call: Call = CALL) -> tuple[bool, list[str]]:
    """Call through a webhook that answers so; whether it was taken, and the texts that arrived."""
    with Loopback(answer) as chat:
        taken = Alerts(Settings({}, {"alert-webhook": f"{chat.url}/services/T0/s3cret"})).call(call)
        assert {asked.path for asked in chat.asked} == {"/services/T0/s3cret"}
        return taken, [asked.json["text"] for asked in chat.asked]


def test_a_call_says_who_why_what_and_where() -> None:
    assert CALL.text == TEXT


@pytest.mark.parametrize("call", [Call("Ana"), Call("Ana", "", "", ""), Call("Ana", None, None, None)])
def test_what_is_not_known_has_no_line(call: Call) -> None:
    assert call.text == "Ana waits for a person."


def test_what_users_write_stays_on_its_line_and_is_cut() -> None:
    call = Call("A\nb", "x\r\ny", "\u202eevil\n\n" + "z" * 1000)
    who, reason, words = call.text.split("\n")
    assert (who, reason) == ("A b waits for a person.", "Reason: x y")
    assert words == f"Last words: “evil {'z' * (MAX_WORDS - 6)}…”"


def test_without_a_channel_nobody_is_called() -> None:
    alerts = Alerts(Settings({}))
    assert (alerts.has_channel, alerts.call(CALL)) == (False, False)


def test_the_webhook_gets_the_text_once() -> None:
    assert through_webhook(says(200, b"ok")) == (True, [TEXT])


def test_nobody_can_ping_a_channel_or_write_markup() -> None:
    _, texts = through_webhook(says(200), Call("<!channel>", "@here & <https://evil.example|click>", "@all me@all.eu"))
    name, reason, words = texts[0].split("\n")
    assert name == "&lt;!channel&gt; waits for a person."
    assert reason == "Reason: @\u2060here &amp; &lt;https://evil.example|click&gt;"
    assert words == "Last words: “@\u2060all me@\u2060all.eu”"


@pytest.mark.parametrize("answer", [says(500, b"no"), says(404), says(302, Location="/elsewhere"), resets])
def test_a_webhook_that_fails_is_told_without_its_secrets(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chalicelib")
    taken, texts = through_webhook(answer)
    assert (taken, len(texts)) == (False, 1)
    assert "alert-webhook" in caplog.text
    assert not any(secret in caplog.text for secret in ("s3cret", "Belo", "parcel"))


def test_a_webhook_that_nobody_serves_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    url = refused_url().replace("127.0.0.1", "localhost")
    assert Alerts(Settings({}, {"alert-webhook": f"{url}/s3cret"})).call(CALL) is False
    assert "alert-webhook" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_topic_gets_the_text_under_a_constant_subject() -> None:
    topic = Topic()
    assert Alerts(Settings({}, {"alert-topic": TOPIC}), sns=topic).call(CALL) is True
    assert topic.published == [{"TopicArn": TOPIC, "Subject": SUBJECT, "Message": TEXT}]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AuthorizationError", "Message": "Belo"}}, "Publish"),
        ConnectTimeoutError(endpoint_url="https://sns"),
    ],
)
def test_one_channel_is_enough(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    settings = {"alert-topic": TOPIC}
    assert Alerts(Settings({}, settings), sns=Topic(error)).call(CALL) is False
    with Loopback(says(200)) as chat:
        both = Settings({}, {**settings, "alert-webhook": f"{chat.url}/x"})
        assert Alerts(both, sns=Topic(error)).call(CALL) is True
        assert len(chat.asked) == 1
    assert "SNS took no call" in caplog.text
    assert "Belo" not in caplog.text


@pytest.mark.parametrize("subscribers", [0, 2])
def test_a_topic_to_which_nobody_listens_makes_up_for_no_webhook(subscribers: int) -> None:
    with Loopback(says(500)) as chat:
        both = Settings({}, {"alert-topic": TOPIC, "alert-webhook": f"{chat.url}/x"})
        assert Alerts(both, sns=Topic(subscribers=subscribers)).call(CALL) is (subscribers > 0)


def test_sns_takes_it(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic, queue = sns.create_topic(Name="calls")["TopicArn"], sqs.create_queue(QueueName="calls")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    assert Alerts(Settings({}, {"alert-topic": topic})).call(CALL) is True
    body = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert (body["Subject"], body["Message"]) == (SUBJECT, TEXT)
