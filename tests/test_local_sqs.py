"""A real SQS client talks to the stand-in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.queue import FifoQueue
from local.serving import Server
from local.sqs import SqsApi


class Sqs:
    """A boto3 client, its queue's URL, and a clock that can be moved."""

    def __init__(self, client: Any, now: list[int]) -> None:
        self.client = client
        self.now = now
        self.url = client.get_queue_url(QueueName="mailbox.fifo")["QueueUrl"]

    def send(self, body: str = "{}", group: str = "g", key: str = "d", **more: Any) -> Any:
        ids = {"MessageGroupId": group, "MessageDeduplicationId": key}
        return self.client.send_message(QueueUrl=self.url, MessageBody=body, **ids, **more)

    def receive(self, **more: Any) -> list[Any]:
        answer = self.client.receive_message(QueueUrl=self.url, MessageSystemAttributeNames=["All"], **more)
        return list(answer.get("Messages", []))


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    now = [1_700_000_000_000]
    dead = FifoQueue("dead.fifo", lambda: now[0])
    queue = FifoQueue("mailbox.fifo", lambda: now[0], dead_letters=dead, max_receives=2)
    with Server(SqsApi(queue, dead)) as server:
        config = Config(retries={"total_max_attempts": 1})
        client = boto3.client("sqs", endpoint_url=server.url, region_name="us-east-1", config=config)
        yield Sqs(client, now)
        client.close()


def test_send_receive_and_delete(sqs: Sqs) -> None:
    body = json.dumps({"text": "Grüße 😀"}, ensure_ascii=False)
    sent = sqs.send(body)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    (received,) = sqs.receive(MaxNumberOfMessages=10)
    assert received["Body"] == body
    assert received["MessageId"] == sent["MessageId"]
    assert received["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert received["Attributes"]["SequenceNumber"] == sent["SequenceNumber"]
    assert received["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.client.delete_message(QueueUrl=sqs.url, ReceiptHandle=received["ReceiptHandle"])
    sqs.now[0] += 60_000
    assert sqs.receive() == []


def test_only_the_attributes_that_are_asked_for_come(sqs: Sqs) -> None:
    sqs.send()
    answer = sqs.client.receive_message(QueueUrl=sqs.url, MessageSystemAttributeNames=["MessageGroupId"])
    assert answer["Messages"][0]["Attributes"] == {"MessageGroupId": "g"}


def test_visibility_and_the_dead_letters(sqs: Sqs) -> None:
    sqs.send("poison")
    for _ in range(2):
        (received,) = sqs.receive()
        sqs.client.change_message_visibility(
            QueueUrl=sqs.url, ReceiptHandle=received["ReceiptHandle"], VisibilityTimeout=0
        )
    assert sqs.receive() == []
    dead = sqs.client.get_queue_url(QueueName="dead.fifo")["QueueUrl"]
    assert sqs.client.receive_message(QueueUrl=dead)["Messages"][0]["Body"] == "poison"


def test_attributes_of_a_queue(sqs: Sqs) -> None:
    sqs.send()
    sqs.send(key="d2")
    sqs.receive()
    attributes = sqs.client.get_queue_attributes(QueueUrl=sqs.url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "1"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert attributes["FifoQueue"] == "true"
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead.fifo",
        "maxReceiveCount": 2,
    }
    sqs.client.purge_queue(QueueUrl=sqs.url)
    left = sqs.client.get_queue_attributes(QueueUrl=sqs.url, AttributeNames=["ApproximateNumberOfMessages"])
    assert left["Attributes"] == {"ApproximateNumberOfMessages": "0"}


def test_a_batch_answers_for_each_entry(sqs: Sqs) -> None:
    def entry(name: str, group: str) -> dict[str, str]:
        return {"Id": name, "MessageBody": "{}", "MessageGroupId": group, "MessageDeduplicationId": name}

    answer = sqs.client.send_message_batch(QueueUrl=sqs.url, Entries=[entry("good", "g"), entry("bad", "a b")])
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    assert [(each["Id"], each["Code"], each["SenderFault"]) for each in answer["Failed"]] == [
        ("bad", "InvalidParameterValue", True)
    ]


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        ([str(number) for number in range(11)], "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        (["a", "a"], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (["a b"], "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ],
)
def test_a_batch_may_be_refused_as_a_whole(sqs: Sqs, ids: list[str], code: str) -> None:
    entries = [{"Id": each, "MessageBody": "{}", "MessageGroupId": "g", "MessageDeduplicationId": "d"} for each in ids]
    with pytest.raises(ClientError) as refused:
        sqs.client.send_message_batch(QueueUrl=sqs.url, Entries=entries)
    assert refused.value.response["Error"]["Code"] == code


def test_refusals_carry_the_codes_of_aws(sqs: Sqs) -> None:
    codes = []
    calls: tuple[Callable[[], object], ...] = (
        lambda: sqs.client.get_queue_url(QueueName="other.fifo"),
        lambda: sqs.send(group="a b"),
        lambda: sqs.send("\x00"),
        lambda: sqs.send(DelaySeconds=3),
        lambda: sqs.send(MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}}),
        lambda: sqs.client.delete_message(QueueUrl=sqs.url, ReceiptHandle="made up"),
        lambda: sqs.client.create_queue(QueueName="new.fifo"),
    )
    for call in calls:
        with pytest.raises(ClientError) as refused:
            call()
        codes.append(refused.value.response["Error"]["Code"])
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert codes == [
        "AWS.SimpleQueueService.NonExistentQueue",
        "InvalidParameterValue",
        "InvalidMessageContents",
        "InvalidParameterValue",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "ReceiptHandleIsInvalid",
        "InvalidAction",
    ]


def test_a_missing_queue_is_the_client_s_own_exception(sqs: Sqs) -> None:
    with pytest.raises(sqs.client.exceptions.QueueDoesNotExist):
        sqs.client.get_queue_url(QueueName="other.fifo")
