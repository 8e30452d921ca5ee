"""The pump does what Lambda's event source does."""

from __future__ import annotations

import threading
from typing import Any

from local.pump import Context, Pump
from local.queue import Counts, FifoQueue

ARN = "arn:aws:sqs:us-east-1:000000000000:mailbox.fifo"


class Clock:
    now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def pump(queue: FifoQueue, function: Any) -> Pump:
    return Pump(queue, function, arn=ARN, region="us-east-1", workers=4)


def test_the_function_gets_lambda_s_event_and_success_deletes() -> None:
    queue = FifoQueue("mailbox.fifo", Clock())
    seen: list[tuple[Any, Any]] = []
    sent = queue.send('{"a": 1}', "g", "d")
    assert pump(queue, lambda event, context: seen.append((event, context))).step()
    assert queue.counts() == Counts(0, 0)
    event, context = seen[0]
    (record,) = event["Records"]
    assert record["messageId"] == sent.message_id
    assert record["body"] == '{"a": 1}'
    assert record["md5OfBody"] == sent.md5
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"] == "g"
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", ARN, "us-east-1")
    assert 0 < context.get_remaining_time_in_millis() <= 30_000


def test_an_exception_leaves_the_message_until_its_visibility_ends() -> None:
    clock = Clock()
    queue = FifoQueue("mailbox.fifo", clock)
    queue.send("{}", "g", "d")

    def fails(_event: object, _context: object) -> None:
        raise RuntimeError

    assert pump(queue, fails).step()
    assert queue.counts() == Counts(0, 1)
    assert not pump(queue, fails).step()
    clock.now += 60_000
    assert pump(queue, lambda _event, _context: None).step()
    assert queue.counts() == Counts(0, 0)


def test_a_function_that_took_too_long_does_not_delete_what_is_hidden_no_more() -> None:
    clock = Clock()
    queue = FifoQueue("mailbox.fifo", clock)
    queue.send("{}", "g", "d")

    def slow(_event: object, _context: object) -> None:
        clock.now += 61_000

    pump(queue, slow).step()
    assert queue.counts() == Counts(1, 0)


def test_groups_run_beside_each_other_and_each_in_order() -> None:
    queue = FifoQueue("mailbox.fifo", Clock())
    together, done, lock = threading.Barrier(3, timeout=5), threading.Event(), threading.Lock()
    seen: list[str] = []
    for group in "abc":
        for number in range(3):
            queue.send(f"{group}{number}", group, f"{group}{number}")

    def function(event: Any, _context: object) -> None:
        body = event["Records"][0]["body"]
        if body.endswith("0"):
            together.wait()
        with lock:
            seen.append(body)
            if len(seen) == 9:
                done.set()

    running = pump(queue, function)
    running.start()
    assert done.wait(5)
    running.stop()
    for group in "abc":
        assert [body for body in seen if body.startswith(group)] == [f"{group}0", f"{group}1", f"{group}2"]


def test_the_context_has_what_powertools_looks_at() -> None:
    context = Context("deliver", "us-east-1")
    assert context.function_name == "deliver"
    assert context.invoked_function_arn.endswith(":function:deliver")
    assert context.aws_request_id
    assert context.memory_limit_in_mb
