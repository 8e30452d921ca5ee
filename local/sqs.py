"""The queue over HTTP, in the JSON protocol that AWS SDKs speak to SQS."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.queue import FifoQueue, Received, Sent
from local.queue_rules import MAXIMUM_BYTES, QueueError
from local.serving import Request, Response

ACCOUNT = "000000000000"
_TYPE = "application/x-amz-json-1.0"
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_QUERY_CODES = {
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
    "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
    "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
    "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
}
"""Error codes whose older names SDKs show, sent along in a header as SQS does."""

Fields = Mapping[str, Any]


class SqsApi:
    """Answers the calls of an SQS client for the given queues; every credential is accepted."""

    def __init__(self, *queues: FifoQueue, region: str = "us-east-1") -> None:
        self._queues = {queue.name: queue for queue in queues}
        self._region = region
        self._calls: dict[str, Callable[[Fields, str], dict[str, object]]] = {
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "ChangeMessageVisibility": self._change_visibility,
            "GetQueueUrl": self._queue_url,
            "GetQueueAttributes": self._attributes,
            "PurgeQueue": self._purge,
        }

    def arn(self, name: str) -> str:
        """The name by which events and redrive policies call a queue."""
        return f"arn:aws:sqs:{self._region}:{ACCOUNT}:{name}"

    def __call__(self, request: Request) -> Response:
        """One call: the header names it, the body holds its parameters."""
        name = request.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
        fields = request.json()
        try:
            if request.method != "POST" or name not in self._calls:
                raise QueueError("InvalidAction", f"The action {name or request.method} is not known here.")
            if not isinstance(fields, dict):
                raise QueueError("SerializationException", "The body is not a JSON object.")
            answer = self._calls[name](fields, f"http://{request.headers.get('Host', '')}")
        except QueueError as error:
            return _refusal(error)
        return _response(200, answer)

    def _queue(self, fields: Fields) -> FifoQueue:
        name = _text(fields, "QueueUrl").rstrip("/").rsplit("/", 1)[-1]
        return self._named(name)

    def _named(self, name: str) -> FifoQueue:
        if name not in self._queues:
            raise QueueError("QueueDoesNotExist", "The specified queue does not exist.")
        return self._queues[name]

    def _queue_url(self, fields: Fields, base: str) -> dict[str, object]:
        return {"QueueUrl": f"{base}/{ACCOUNT}/{self._named(_text(fields, 'QueueName')).name}"}

    def _send(self, fields: Fields, _: str) -> dict[str, object]:
        return _sent(_send_one(self._queue(fields), fields))

    def _send_batch(self, fields: Fields, _: str) -> dict[str, object]:
        queue = self._queue(fields)
        entries = fields.get("Entries") or []
        _check_batch(entries)
        successful: list[dict[str, object]] = []
        failed: list[dict[str, object]] = []
        for entry in entries:
            try:
                successful.append({"Id": entry["Id"], **_sent(_send_one(queue, entry))})
            except QueueError as error:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
        return {"Successful": successful, **({"Failed": failed} if failed else {})}

    def _receive(self, fields: Fields, _: str) -> dict[str, object]:
        queue = self._queue(fields)
        maximum = _number(fields, "MaxNumberOfMessages", 1)
        visibility = _number(fields, "VisibilityTimeout", queue.visibility)
        seconds = _number(fields, "WaitTimeSeconds", 0)
        if not 0 <= seconds <= 20:
            raise QueueError("InvalidParameterValue", f"Value {seconds} for parameter WaitTimeSeconds is invalid.")
        until = time.monotonic() + seconds
        while not (messages := queue.receive(maximum, visibility)) and (left := until - time.monotonic()) > 0:
            queue.wait(min(left, 0.5))
        wanted = {*fields.get("AttributeNames", ()), *fields.get("MessageSystemAttributeNames", ())}
        return {"Messages": [_received(message, wanted) for message in messages]} if messages else {}

    def _delete(self, fields: Fields, _: str) -> dict[str, object]:
        self._queue(fields).delete(_text(fields, "ReceiptHandle"))
        return {}

    def _change_visibility(self, fields: Fields, _: str) -> dict[str, object]:
        queue = self._queue(fields)
        queue.change_visibility(_text(fields, "ReceiptHandle"), _number(fields, "VisibilityTimeout", None))
        return {}

    def _purge(self, fields: Fields, _: str) -> dict[str, object]:
        self._queue(fields).purge()
        return {}

    def _attributes(self, fields: Fields, _: str) -> dict[str, object]:
        queue = self._queue(fields)
        counts = queue.counts()
        every = {
            "QueueArn": self.arn(queue.name),
            "ApproximateNumberOfMessages": str(counts.waiting),
            "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
            "ApproximateNumberOfMessagesDelayed": "0",
            "VisibilityTimeout": str(queue.visibility),
            "MaximumMessageSize": str(queue.maximum_bytes),
            "FifoQueue": "true",
            "ContentBasedDeduplication": "false",
            "DelaySeconds": "0",
        }
        if queue.dead_letters is not None:
            target = {"deadLetterTargetArn": self.arn(queue.dead_letters.name), "maxReceiveCount": queue.max_receives}
            every["RedrivePolicy"] = json.dumps(target)
        wanted = set(fields.get("AttributeNames", ()))
        return {"Attributes": {name: value for name, value in every.items() if wanted & {"All", name}}}


def _send_one(queue: FifoQueue, fields: Fields) -> Sent:
    if fields.get("MessageAttributes"):
        raise QueueError("UnsupportedOperation", "This queue stand-in keeps no message attributes.")
    body = _text(fields, "MessageBody")
    group, deduplication = _text(fields, "MessageGroupId"), _text(fields, "MessageDeduplicationId")
    return queue.send(body, group, deduplication, _number(fields, "DelaySeconds", 0))


def _sent(sent: Sent) -> dict[str, object]:
    return {"MessageId": sent.message_id, "MD5OfMessageBody": sent.md5, "SequenceNumber": sent.sequence_number}


def _received(message: Received, wanted: set[str]) -> dict[str, object]:
    attributes = {name: value for name, value in message.attributes.items() if wanted & {"All", name}}
    answer: dict[str, object] = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    return {**answer, "Attributes": attributes} if attributes else answer


def _check_batch(entries: Any) -> None:
    if not isinstance(entries, list) or not entries:
        raise QueueError(
            "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."
        )
    if len(entries) > 10:
        raise QueueError(
            "TooManyEntriesInBatchRequest", f"Maximum number of entries per request are 10. You sent {len(entries)}."
        )
    ids = [_text(entry, "Id") for entry in entries]
    if bad := [each for each in ids if _ENTRY_ID.fullmatch(each) is None]:
        reason = "A batch entry id can only contain alphanumeric characters, hyphens and underscores, at most 80."
        raise QueueError("InvalidBatchEntryId", f"{reason} You sent {bad[0]}.")
    if len(set(ids)) < len(ids):
        raise QueueError("BatchEntryIdsNotDistinct", "Two entries of the batch have the same Id.")
    size = sum(len(str(entry.get("MessageBody", "")).encode(errors="replace")) for entry in entries)
    if size > MAXIMUM_BYTES:
        reason = f"Batch requests cannot be longer than {MAXIMUM_BYTES} bytes. You have sent {size} bytes."
        raise QueueError("BatchRequestTooLong", reason)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise QueueError("MissingParameter", f"The request must contain the parameter {name}.")
    return value


def _number(fields: Fields, name: str, default: int | None) -> int:
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise QueueError("MissingParameter", f"The request must contain the parameter {name}, a whole number.")
    return value


def _response(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    common = {"Content-Type": _TYPE, "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(status, json.dumps(value).encode(), {**common, **(headers or {})})


def _refusal(error: QueueError) -> Response:
    query = f"{_QUERY_CODES.get(error.code, error.code)};Sender"
    body = {"__type": f"com.amazonaws.sqs#{error.code}", "message": error.message}
    return _response(400, body, {"x-amzn-query-error": query})
