"""An SQS FIFO queue in memory, with the rules of SQS that other stand-ins leave out.

It refuses what SQS refuses: ids with a space or 129 characters, bodies that are too large or hold a control
character, a delay for a single message. It remembers deduplication ids for five minutes, also of messages that were
deleted. It is stricter than SQS in one point: SQS may hand out several messages of one group in one answer, here
one message of a group is in flight at most, as it is for a Lambda function with a batch size of one.

What SQS refuses is in `queue_rules`. The clock is passed in and counts milliseconds, so that a test can let five
minutes pass.
"""

from __future__ import annotations

import itertools
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from local.queue_rules import MAXIMUM_BYTES, QueueError, check_body, check_id, check_visibility, invalid, md5

DEDUPLICATION_MS = 5 * 60 * 1000
_FIRST_SEQUENCE = 18_849_496_460_467_696_128


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a send. For a repeat it is the answer that the first one got."""

    message_id: str
    sequence_number: str
    md5: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message in flight; times are ms since the epoch."""

    message_id: str
    receipt_handle: str
    body: str
    group: str
    deduplication: str
    sequence_number: str
    sent_at: int
    first_received_at: int
    receive_count: int

    @property
    def md5(self) -> str:
        """The checksum of the body."""
        return md5(self.body)

    @property
    def attributes(self) -> dict[str, str]:
        """The system attributes under the names that SQS gives them."""
        return {
            "ApproximateReceiveCount": str(self.receive_count),
            "ApproximateFirstReceiveTimestamp": str(self.first_received_at),
            "SentTimestamp": str(self.sent_at),
            "SequenceNumber": self.sequence_number,
            "MessageGroupId": self.group,
            "MessageDeduplicationId": self.deduplication,
            "SenderId": "000000000000",
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages wait (those blocked behind one of their group included) and how many are in flight."""

    waiting: int
    in_flight: int


@dataclass(slots=True)
class _Kept:
    message_id: str
    body: str
    group: str
    deduplication: str
    sequence: int
    sent_at: int
    first_received_at: int = 0
    receive_count: int = 0
    handle: str = ""
    hidden_until: int = 0


@dataclass(slots=True)
class _State:
    groups: dict[str, deque[_Kept]] = field(default_factory=dict)
    by_handle: dict[str, _Kept] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    recent: dict[str, tuple[int, Sent]] = field(default_factory=dict)


class FifoQueue:
    """One FIFO queue. Every method may be called from any thread."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], int],
        *,
        visibility: int = 60,
        dead_letters: FifoQueue | None = None,
        max_receives: int = 10,
        maximum_bytes: int = MAXIMUM_BYTES,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,75}\.fifo", name):
            raise QueueError(
                "InvalidParameterValue", "A FIFO queue's name has up to 80 characters and ends with .fifo."
            )
        self.name = name
        self.visibility = visibility
        self.dead_letters = dead_letters
        self.max_receives = max_receives
        self.maximum_bytes = maximum_bytes
        self._clock = clock
        self._state = _State()
        self._sequence = itertools.count(_FIRST_SEQUENCE, 256)
        self._changed = threading.Condition()

    def send(self, body: str, group: str, deduplication: str, delay: int | None = None) -> Sent:
        """Adds a message; within five minutes of one with the same deduplication id it only repeats that answer."""
        check_body(body, self.maximum_bytes)
        check_id("MessageGroupId", group)
        check_id("MessageDeduplicationId", deduplication)
        if delay:
            raise invalid(delay, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
        with self._changed:
            now = self._clock()
            self._forget(now)
            if deduplication in self._state.recent:
                return self._state.recent[deduplication][1]
            kept = _Kept(str(uuid.uuid4()), body, group, deduplication, next(self._sequence), now)
            answer = Sent(kept.message_id, str(kept.sequence), md5(body))
            self._state.recent[deduplication] = (now, answer)
            self._add(kept)
            return answer

    def receive(self, maximum: int = 1, visibility: int | None = None) -> list[Received]:
        """Up to `maximum` messages (1 to 10), the oldest of each group with none in flight, hidden for that long."""
        if not 1 <= maximum <= 10:
            raise invalid(maximum, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
        hidden = self.visibility if visibility is None else check_visibility(visibility)
        with self._changed:
            now = self._clock()
            received: list[Received] = []
            for group in list(self._state.groups):
                if len(received) == maximum:
                    break
                head = self._head(group, now)
                if head is not None:
                    received.append(self._hand_out(head, now, hidden))
            return received

    def delete(self, receipt_handle: str) -> None:
        """Removes a message that is in flight; twice is fine, with an outdated handle it is refused."""
        with self._changed:
            if receipt_handle in self._state.deleted:
                return
            kept = self._in_flight(receipt_handle)
            self._take_out(kept)
            self._state.deleted[receipt_handle] = self._clock()
            self._changed.notify_all()

    def change_visibility(self, receipt_handle: str, seconds: int) -> None:
        """Hides a message that is in flight for `seconds` from now; 0 offers it again at once."""
        check_visibility(seconds)
        with self._changed:
            if receipt_handle in self._state.deleted:
                raise invalid(
                    receipt_handle,
                    "ReceiptHandle",
                    "Message does not exist or is not available for visibility timeout change.",
                )
            self._in_flight(receipt_handle).hidden_until = self._clock() + seconds * 1000
            self._changed.notify_all()

    def purge(self) -> None:
        """Removes every message; deduplication ids stay known, as in SQS."""
        with self._changed:
            self._state.groups.clear()
            self._state.by_handle.clear()
            self._changed.notify_all()

    def counts(self) -> Counts:
        """What is in the queue at this moment."""
        with self._changed:
            now = self._clock()
            every = [kept for group in self._state.groups.values() for kept in group]
            in_flight = sum(1 for kept in every if kept.hidden_until > now)
            return Counts(len(every) - in_flight, in_flight)

    def wait(self, seconds: float) -> None:
        """Returns when something was added, deleted or made visible by a call, and after `seconds` at the latest."""
        with self._changed:
            self._changed.wait(seconds)

    def take_over(self, kept: _Kept) -> None:
        """Receives a message from the queue whose dead letters these are; a FIFO queue counts its age from here."""
        with self._changed:
            now = self._clock()
            moved = _Kept(kept.message_id, kept.body, kept.group, kept.deduplication, next(self._sequence), now)
            self._add(moved)

    def _add(self, kept: _Kept) -> None:
        self._state.groups.setdefault(kept.group, deque()).append(kept)
        self._changed.notify_all()

    def _head(self, group: str, now: int) -> _Kept | None:
        """The message of the group that may be handed out now, after moving away what was received too often."""
        while waiting := self._state.groups.get(group):
            head = waiting[0]
            if head.hidden_until > now:
                return None
            if self.dead_letters is None or head.receive_count < self.max_receives:
                return head
            self._take_out(head)
            self.dead_letters.take_over(head)
        return None

    def _hand_out(self, kept: _Kept, now: int, hidden: int) -> Received:
        self._state.by_handle.pop(kept.handle, None)
        kept.handle = f"{uuid.uuid4()}.{kept.receive_count + 1}"
        kept.receive_count += 1
        kept.first_received_at = kept.first_received_at or now
        kept.hidden_until = now + hidden * 1000
        self._state.by_handle[kept.handle] = kept
        self._state.groups[kept.group] = self._state.groups.pop(kept.group)  # to the end: a busy group starves nobody
        return Received(
            message_id=kept.message_id,
            receipt_handle=kept.handle,
            body=kept.body,
            group=kept.group,
            deduplication=kept.deduplication,
            sequence_number=str(kept.sequence),
            sent_at=kept.sent_at,
            first_received_at=kept.first_received_at,
            receive_count=kept.receive_count,
        )

    def _in_flight(self, handle: str) -> _Kept:
        kept = self._state.by_handle.get(handle)
        if kept is None or kept.hidden_until <= self._clock():
            if re.fullmatch(r"[0-9a-f-]{36}\.\d+", handle) is None:
                raise QueueError(
                    "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.'
                )
            raise invalid(handle, "ReceiptHandle", "The receipt handle has expired.")
        return kept

    def _take_out(self, kept: _Kept) -> None:
        waiting = self._state.groups[kept.group]
        waiting.remove(kept)
        if not waiting:
            del self._state.groups[kept.group]
        self._state.by_handle.pop(kept.handle, None)

    def _forget(self, now: int) -> None:
        """Insertion order is time order, so the old ones stand in front."""
        recent, deleted = self._state.recent, self._state.deleted
        while recent and now - recent[oldest := next(iter(recent))][0] >= DEDUPLICATION_MS:
            del recent[oldest]
        while deleted and now - deleted[oldest := next(iter(deleted))] >= DEDUPLICATION_MS:
            del deleted[oldest]
