"""What Lambda's event source does for a queue: it hands each message to the function and deletes what succeeded."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable

from local.queue import FifoQueue, Received
from local.queue_rules import QueueError

FUNCTION_TIMEOUT_S = 30
_LOG = logging.getLogger("local.pump")

Function = Callable[[dict[str, object], object], object]
"""A Lambda function: event, context."""


class Context:
    """Lambda's context, as far as handlers and Powertools look at it."""

    function_version = "$LATEST"
    memory_limit_in_mb = 256

    def __init__(self, function_name: str, region: str) -> None:
        self.function_name = function_name
        self.invoked_function_arn = f"arn:aws:lambda:{region}:000000000000:function:{function_name}"
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._ends = time.monotonic() + FUNCTION_TIMEOUT_S

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def event_of(message: Received, arn: str, region: str) -> dict[str, object]:
    """The event that Lambda makes of one message."""
    record = {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.attributes,
        "messageAttributes": {},
        "md5OfBody": message.md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }
    return {"Records": [record]}


class Pump:
    """Works through a queue in `workers` threads: several groups at once, one message of a group at a time.

    What the function raises leaves the message where it is: it is offered again when its visibility ends, which the
    function may have changed itself.
    """

    def __init__(self, queue: FifoQueue, function: Function, *, arn: str, region: str, workers: int = 8) -> None:
        self._queue = queue
        self._function = function
        self._arn = arn
        self._region = region
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, name=f"pump-{n}", daemon=True) for n in range(workers)]

    def start(self) -> None:
        """Begins to work."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 3) -> None:
        """Takes nothing new, and waits up to `seconds` for what is under way."""
        self._stopping.set()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))

    def step(self) -> bool:
        """Handles one message, if there is one; says whether there was."""
        messages = self._queue.receive()
        for message in messages:
            self._handle(message)
        return bool(messages)

    def _work(self) -> None:
        while not self._stopping.is_set():
            if not self.step():
                self._queue.wait(0.2)

    def _handle(self, message: Received) -> None:
        try:
            self._function(event_of(message, self._arn, self._region), Context("deliver", self._region))
        except Exception as error:  # as in Lambda, whatever it raises leaves the message where it is
            _LOG.warning("deliver failed on try %d of a message: %s", message.receive_count, type(error).__name__)
            return
        try:
            self._queue.delete(message.receipt_handle)
        except QueueError:
            _LOG.warning("deliver took longer than the message was hidden for; it comes again")
