"""The mailboxes of all conversations: one SQS FIFO queue, a message group for each.

Messages hold ids only. SQS delivers a group's messages in order and one at a time, and drops a repeat of the same
message for five minutes; after that, `delivery` sees from the row that it is done. Errands have groups of their own.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws
from chalicelib.errors import Unavailable
from chalicelib.settings import Settings

_BACKOFF = (5, 15, 45, 120)
"""Seconds until the next try, by the number of tries before."""

NUDGE = "nudge"

ERRANDS = ("call", "profile")
"""The kinds of letters that must not keep a conversation's messages waiting."""


class Letter(NamedTuple):
    """What the queue holds: which row of which conversation is to be delivered.

    A nudge names no row. It lets the bot be told of the last transition and given what was held, as far as that is
    still to do; its `message_id` only tells it from other nudges. An errand names no row either.
    """

    conversation_id: str
    message_id: str
    kind: str = "message"

    @classmethod
    def of(cls, body: str) -> Letter:
        """The letter in a queue message's body."""
        content = json.loads(body)
        return cls(content["conversation"], content["message"], content["kind"])

    @property
    def body(self) -> str:
        """The queue message's body."""
        return json.dumps({"conversation": self.conversation_id, "message": self.message_id, "kind": self.kind})

    @property
    def group(self) -> str:
        """Letters of one group are handled one at a time and in order."""
        return f"{self.conversation_id}|{self.kind}" if self.kind in ERRANDS else self.conversation_id


class Mailbox:
    """The queue. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.mailbox_queue
        self._sqs: Any = aws.client(
            "sqs",
            settings.region,
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=40,
        )

    def post(self, letter: Letter) -> None:
        """Queue a letter behind the others of its group; Unavailable where SQS does not take it."""
        self._call(
            "send_message",
            MessageBody=letter.body,
            MessageGroupId=_hash(letter.group),
            MessageDeduplicationId=_hash(f"{letter.conversation_id}|{letter.kind}|{letter.message_id}"),
        )

    def postpone(self, receipt: str, tries: int) -> None:
        """Let a letter that failed come again later, the later the more often it was tried."""
        delay = _BACKOFF[min(tries, len(_BACKOFF)) - 1]
        self._call("change_message_visibility", ReceiptHandle=receipt, VisibilityTimeout=delay)

    def _call(self, operation: str, **arguments: Any) -> None:
        try:
            getattr(self._sqs, operation)(QueueUrl=self._queue_url, **arguments)
        except (BotoCoreError, ClientError):
            raise Unavailable("The queue did not answer. Try again.") from None

    @cached_property
    def _queue_url(self) -> str:
        return str(self._sqs.get_queue_url(QueueName=self._name)["QueueUrl"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
