"""The queue's rules: those of SQS, by table, by story and by random use."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.queue import Counts, FifoQueue, Received
from local.queue_rules import MAXIMUM_BYTES, QueueError

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Clock:
    """Milliseconds that only pass when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dead(clock: Clock) -> FifoQueue:
    return FifoQueue("dead.fifo", clock)


@pytest.fixture
def queue(clock: Clock, dead: FifoQueue) -> FifoQueue:
    return FifoQueue("mailbox.fifo", clock, dead_letters=dead, max_receives=3)


def one(queue: FifoQueue) -> Received:
    received = queue.receive()
    assert len(received) == 1
    return received[0]


@pytest.mark.parametrize(
    ("body", "group", "deduplication", "code"),
    [
        ("{}", "g", "d", None),
        ("{}", PUNCTUATION, PUNCTUATION, None),
        ("{}", "g" * 128, "d" * 128, None),
        ("tab\tline\r\n😀\ufffd", "g", "d", None),
        ("x" * MAXIMUM_BYTES, "g", "d", None),
        ("ü" * (MAXIMUM_BYTES // 2), "g", "d", None),
        ("{}", "g" * 129, "d", "InvalidParameterValue"),
        ("{}", "g", "d" * 129, "InvalidParameterValue"),
        ("{}", "", "d", "MissingParameter"),
        ("{}", "g", "", "MissingParameter"),
        ("{}", "a space", "d", "InvalidParameterValue"),
        ("{}", "g", "a\n", "InvalidParameterValue"),
        ("{}", "Grüße", "d", "InvalidParameterValue"),
        ("", "g", "d", "MissingParameter"),
        ("nul \x00", "g", "d", "InvalidMessageContents"),
        ("escape \x1b", "g", "d", "InvalidMessageContents"),
        ("\ufffe", "g", "d", "InvalidMessageContents"),
        ("x" * (MAXIMUM_BYTES + 1), "g", "d", "InvalidParameterValue"),
        ("ü" * (MAXIMUM_BYTES // 2 + 1), "g", "d", "InvalidParameterValue"),
    ],
)
def test_takes_what_sqs_takes(queue: FifoQueue, body: str, group: str, deduplication: str, code: str | None) -> None:
    if code is None:
        queue.send(body, group, deduplication)
        assert one(queue).body == body
        return
    with pytest.raises(QueueError) as refused:
        queue.send(body, group, deduplication)
    assert refused.value.code == code
    assert queue.counts() == Counts(0, 0)


def test_a_single_message_cannot_be_delayed(queue: FifoQueue) -> None:
    with pytest.raises(QueueError, match="DelaySeconds"):
        queue.send("{}", "g", "d", delay=5)
    queue.send("{}", "g", "d", delay=0)


@pytest.mark.parametrize("name", ["mailbox", "a b.fifo", "x" * 76 + ".fifo", ".fifo"])
def test_a_fifo_queue_has_a_fifo_name(clock: Clock, name: str) -> None:
    with pytest.raises(QueueError, match="name"):
        FifoQueue(name, clock)


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_visibility_has_limits(queue: FifoQueue, seconds: int) -> None:
    queue.send("{}", "g", "d")
    with pytest.raises(QueueError, match="VisibilityTimeout"):
        queue.receive(visibility=seconds)
    received = one(queue)
    with pytest.raises(QueueError, match="VisibilityTimeout"):
        queue.change_visibility(received.receipt_handle, seconds)


@pytest.mark.parametrize("maximum", [0, 11])
def test_one_receive_brings_one_to_ten(queue: FifoQueue, maximum: int) -> None:
    with pytest.raises(QueueError, match="MaxNumberOfMessages"):
        queue.receive(maximum)


def test_a_repeat_gets_the_first_answer_for_five_minutes_even_after_deletion(queue: FifoQueue, clock: Clock) -> None:
    first = queue.send("first", "g", "d")
    queue.delete(one(queue).receipt_handle)
    clock.passes(299.9)
    assert queue.send("second", "another-group", "d") == first
    assert queue.receive() == []
    clock.passes(0.1)
    assert queue.send("third", "g", "d") != first
    assert one(queue).body == "third"


def test_a_group_comes_in_order_and_one_at_a_time(queue: FifoQueue) -> None:
    for number in range(3):
        queue.send(str(number), "g", f"d{number}")
    queue.send("other", "h", "e")
    assert [each.body for each in queue.receive(10)] == ["0", "other"]
    assert queue.receive(10) == []
    assert queue.counts() == Counts(waiting=2, in_flight=2)


def test_the_next_of_a_group_comes_when_the_first_is_deleted(queue: FifoQueue) -> None:
    queue.send("0", "g", "d0")
    queue.send("1", "g", "d1")
    queue.delete(one(queue).receipt_handle)
    assert one(queue).body == "1"


def test_a_busy_group_starves_nobody(queue: FifoQueue) -> None:
    for number in range(3):
        queue.send(f"busy {number}", "busy", f"d{number}")
    queue.send("quiet", "quiet", "e")
    queue.delete(one(queue).receipt_handle)
    assert one(queue).body == "quiet"


def test_what_is_not_deleted_comes_again_and_its_old_handle_is_stale(queue: FifoQueue, clock: Clock) -> None:
    queue.send("0", "g", "d")
    first = one(queue)
    clock.passes(59)
    assert queue.receive() == []
    clock.passes(1)
    with pytest.raises(QueueError, match="expired"):
        queue.delete(first.receipt_handle)
    second = one(queue)
    assert (first.receive_count, second.receive_count) == (1, 2)
    assert second.first_received_at == first.first_received_at
    assert second.message_id == first.message_id
    with pytest.raises(QueueError, match="expired"):
        queue.change_visibility(first.receipt_handle, 0)
    queue.delete(second.receipt_handle)
    queue.delete(second.receipt_handle)
    with pytest.raises(QueueError, match="not available"):
        queue.change_visibility(second.receipt_handle, 0)


def test_visibility_can_be_changed_both_ways(queue: FifoQueue, clock: Clock) -> None:
    queue.send("0", "g", "d")
    queue.change_visibility(one(queue).receipt_handle, 120)
    clock.passes(119)
    assert queue.receive() == []
    clock.passes(1)
    queue.change_visibility(one(queue).receipt_handle, 0)
    assert one(queue).receive_count == 3


def test_a_handle_that_never_was_is_invalid(queue: FifoQueue) -> None:
    with pytest.raises(QueueError) as refused:
        queue.delete("made up")
    assert refused.value.code == "ReceiptHandleIsInvalid"


def test_what_is_received_too_often_moves_to_the_dead_letters_and_lets_the_next_pass(
    queue: FifoQueue, dead: FifoQueue, clock: Clock
) -> None:
    queue.send("poison", "g", "d0")
    queue.send("next", "g", "d1")
    for _ in range(3):
        assert one(queue).body == "poison"
        clock.passes(60)
    assert one(queue).body == "next"
    buried = one(dead)
    assert (buried.body, buried.group, buried.sent_at) == ("poison", "g", clock.now)


def test_attributes_are_those_that_lambda_passes_on(queue: FifoQueue, clock: Clock) -> None:
    sent = queue.send("{}", "g", "d")
    clock.passes(1)
    assert one(queue).attributes == {
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(clock.now),
        "SentTimestamp": str(clock.now - 1000),
        "SequenceNumber": sent.sequence_number,
        "MessageGroupId": "g",
        "MessageDeduplicationId": "d",
        "SenderId": "000000000000",
    }


def test_sequence_numbers_grow(queue: FifoQueue) -> None:
    numbers = [queue.send("{}", "g", f"d{number}").sequence_number for number in range(5)]
    assert numbers == sorted(numbers)
    assert {len(number) for number in numbers} == {20}


def test_purging_leaves_nothing_but_the_memory_of_ids(queue: FifoQueue) -> None:
    queue.send("0", "g", "d")
    queue.purge()
    queue.send("0", "g", "d")
    assert queue.counts() == Counts(0, 0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 3), st.integers(0, 25)),
        st.tuples(st.just("receive"), st.integers(1, 10), st.just(0)),
        st.tuples(st.just("delete"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("hide"), st.integers(0, 9), st.sampled_from([0, 1, 30, 600])),
        st.tuples(st.just("pass"), st.sampled_from([1, 20, 61, 301]), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_however_it_is_used_groups_stay_in_order_and_alone(steps: list[tuple[str, int, int]]) -> None:
    clock = Clock()
    queue = FifoQueue("random.fifo", clock)
    accepted: dict[str, list[str]] = defaultdict(list)
    finished: dict[str, list[str]] = defaultdict(list)
    known: dict[str, tuple[int, str]] = {}
    hidden: dict[str, tuple[Received, int]] = {}

    def in_flight() -> list[Received]:
        return [received for received, until in hidden.values() if until > clock.now]

    for name, first, second in steps:
        if name == "send":
            group, key = f"g{first}", f"d{second}"
            sent = queue.send("{}", group, key)
            if key in known and clock.now - known[key][0] < 300_000:
                assert sent.message_id == known[key][1], "a repeat got another answer"
            else:
                known[key] = (clock.now, sent.message_id)
                accepted[group].append(sent.message_id)
        elif name == "receive":
            for received in queue.receive(first):
                assert received.group not in {each.group for each in in_flight()}, "two of a group in flight"
                assert received.message_id == accepted[received.group][len(finished[received.group])], "out of order"
                hidden[received.group] = (received, clock.now + 60_000)
        elif name == "pass":
            clock.passes(first)
        elif chosen := in_flight()[first : first + 1]:
            if name == "delete":
                queue.delete(chosen[0].receipt_handle)
                finished[chosen[0].group].append(chosen[0].message_id)
                del hidden[chosen[0].group]
            else:
                queue.change_visibility(chosen[0].receipt_handle, second)
                hidden[chosen[0].group] = (chosen[0], clock.now + second * 1000)
    left = sum(map(len, accepted.values())) - sum(map(len, finished.values()))
    assert queue.counts() == Counts(left - len(in_flight()), len(in_flight()))
