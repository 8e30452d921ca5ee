"""Receive: every event of a webhook body is logged, noted on its conversation and queued, in this order.

Dying between any two steps is repaired by Meta's retry: the row's id is taken then, and the repeat goes on from the
values of the row. A row that is with the bot or held is done with.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.errors import Unstorable, describe
from chalicelib.events import Delivery, Echo, Event, Watermark
from chalicelib.handoff import Handoff
from chalicelib.mailbox import Letter
from chalicelib.message import QUIET_KINDS, Address, Message
from chalicelib.replies import Replies
from chalicelib.telemetry import Metric

if TYPE_CHECKING:
    from chalicelib.ports import Clock, MailboxPort, StorePort, TelemetryPort

logger = logging.getLogger(__name__)

IN_INBOX = "answered in the Page inbox"
WORKERS = 16
"""Conversations of one webhook body that are handled at the same time."""
COUNTED: Mapping[str, Metric] = {
    "received": "Received",
    "duplicate": "Duplicate",
    "quarantined": "Quarantined",
    "lost": "Quarantined",
    "failed": "Failed",
}
"""The ends that events meet, by the metric that counts them."""


class Tally(NamedTuple):
    """How many events met which end. `failed` ones may succeed when Meta sends the body again."""

    counts: Mapping[str, int]

    @property
    def failed(self) -> int:
        """Events that are not durable yet."""
        return self.counts.get("failed", 0)


class Reception:
    """Takes events in."""

    def __init__(
        self,
        store: StorePort,
        mailbox: MailboxPort,
        handoff: Handoff,
        replies: Replies,
        telemetry: TelemetryPort,
        clock: Clock,
        takeover_app_ids: AbstractSet[str] = frozenset(),
    ) -> None:
        """`takeover_app_ids` are the apps, beside the Page inbox, in which people answer."""
        self._store = store
        self._mailbox = mailbox
        self._handoff = handoff
        self._replies = replies
        self._telemetry = telemetry
        self._clock = clock
        self._takeover_app_ids = takeover_app_ids

    def receive(self, events: Iterable[Event], correlation_id: str | None = None) -> Tally:
        """Take events in, those of a conversation in order, conversations side by side.

        A failed event keeps the later ones of its conversation from being taken before it, and nobody else's. Rows keep
        the `correlation_id` of the request that they came by.
        """
        by_conversation: dict[str, list[Event]] = {}
        for event in events:
            by_conversation.setdefault(event.address.conversation_id, []).append(event)
        lots = [partial(self._receive_in_order, lot, correlation_id) for lot in by_conversation.values()]
        if len(lots) <= 1:
            counts = sum((lot() for lot in lots), Counter[str]())
        else:
            with ThreadPoolExecutor(min(WORKERS, len(lots))) as pool:
                taken = [pool.submit(copy_context().run, lot) for lot in lots]
                counts = sum((each.result() for each in taken), Counter[str]())
        for end, metric in COUNTED.items():
            if counts[end]:
                self._telemetry.add(metric, counts[end])
        return Tally(counts)

    def _receive_in_order(self, events: list[Event], correlation_id: str | None) -> Counter[str]:
        counts: Counter[str] = Counter()
        for done, event in enumerate(events):
            try:
                counts[self._receive(event, correlation_id)] += 1
            except Unstorable as error:  # Meta would send it for an hour, and then unsubscribe the Page
                logger.error("An event could not be kept even bare, and is lost: %s", describe(error))
                counts["lost"] += 1
            except Exception as error:  # neighbours must not suffer, and Meta sends the body again
                logger.error("An event was not taken in: %s", describe(error))
                counts["failed"] += len(events) - done
                break
        return counts

    def _receive(self, event: Event, correlation_id: str | None) -> str:
        if isinstance(event, Watermark):
            return self._note_watermark(event)
        if isinstance(event, Echo) and self._is_own(event):
            return "echo"
        if isinstance(event, Echo):
            event.takeover = event.app_id in self._takeover_app_ids
        row = event.row(self._clock())._replace(correlation_id=correlation_id)
        existing, was_cut = self._append(row)
        if existing is not None:
            if existing.state in ("delivered", "held"):
                return "duplicate"
            if existing.id.startswith("s:"):
                self._replies.settle_echo(existing, row.mid)
                self._replies.replace_echo(row)
                return "echo"
            row = existing
        self._note(row)
        if row.is_new:
            self._mailbox.post(Letter(row.conversation_id, row.id))
        if existing is not None:
            return "duplicate"
        return "quarantined" if was_cut else "received"

    def _note(self, row: Message) -> None:
        """Let the conversation know; what a person has said in the Page inbox also pauses it."""
        if row.author == "page_inbox" and row.by is not None:
            self._handoff.take(row._replace(caused=None), row.by, IN_INBOX)
        elif row.kind not in QUIET_KINDS:
            self._handoff.touch(row)
        if row.state == "sent":  # an echo
            self._replies.replace_echo(row)

    def _append(self, row: Message) -> tuple[Message | None, bool]:
        """Log it; what DynamoDB refuses as it is, is logged without its content, marked as cut."""
        try:
            return self._store.append(row), row.cut
        except Unstorable:
            address = Address.parse(row.conversation_id)
            raw = json.dumps({"sender": {"id": address.user_id}, "recipient": {"id": address.page_id}})
            bare = row._replace(text=None, attachments=(), details=None, raw=raw, cut=True)
            return self._store.append(bare), True

    def _note_watermark(self, event: Watermark) -> str:
        conversation_id = event.address.conversation_id
        if isinstance(event, Delivery):
            self._store.watermark(conversation_id, delivered_at=event.until)
        else:
            self._store.watermark(conversation_id, read_at=event.until)
        return "watermark"

    def _is_own(self, event: Echo) -> bool:
        row_id = event.own_row_id
        row = None if row_id is None else self._store.row(event.address.conversation_id, row_id)
        if row is None:
            return False
        self._replies.settle_echo(row, event.mid)
        return True
