"""Pages of conversations and of history: which partitions to read, in what order, and where a page ends.

A cursor is the key of the last row that was looked at. Keys end in the row's id, so that the next page begins exactly
behind it whatever has moved meanwhile: a conversation that did not move is neither skipped nor shown twice. Private to
`store`.
"""

from __future__ import annotations

import base64
import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from math import isqrt
from typing import Any, Literal, NamedTuple, TypeVar

from pynamodb.expressions.condition import Condition

from chalicelib.conversation import STOP, SYSTEM, Conversation
from chalicelib.errors import BadRequest
from chalicelib.message import Message, held_key
from chalicelib.tables import (
    SHARDS,
    ConversationItem,
    MessageItem,
    actor_text,
    conversation_of,
    conversation_values,
    message_of,
)

T = TypeVar("T")
Status = Literal["all", "active", "paused", "waiting"]

MAX_SCANNED = 1000
"""Rows that one call looks at; where a filter matches few, the page is short and its cursor leads on."""
MAX_WAITING = 1000
FOREIGN_CURSOR = "The cursor is not from this list. Begin again without a cursor."

_LAST = "~"
"""Sorts behind every id in a key."""
_FIRST_AFTER = "!"
"""Appended to a key, sorts behind it and before the next one."""


class Listing(NamedTuple):
    """A page of conversations, the cursor of the next (None: this was the last), and where a search has got to (ms)."""

    conversations: tuple[Conversation, ...]
    cursor: str | None
    searched_to: int | None = None


class History(NamedTuple):
    """A page of messages, newest first, and the cursor of the next."""

    messages: tuple[Message, ...]
    cursor: str | None


class Lists:
    """The queries behind every list. Reads are eventually consistent, but for history."""

    def __init__(self, conversations: type[ConversationItem], messages: type[MessageItem]) -> None:
        self._conversations = conversations
        self._messages = messages

    def page(self, status: Status, now: int, limit: int, cursor: str | None, query: str) -> Listing:
        """A page of a list, filtered by name and user id where a query is given."""
        scope = f"{status}?{query}"
        position = _opened(cursor, scope)
        size = _page_size(MAX_SCANNED if query else limit)
        if status in ("all", "active"):
            rows = self._recent("0", position, size)
        else:
            rows = self._queue("waiting", position, size)
            if status == "paused":
                rows = _chained(rows, lambda: self._queue("answered", position, size), position)
        wanted = _filter(status, now, query)
        found: list[Conversation] = []
        last: str | None = None
        for scanned, (key, conversation) in enumerate(rows):
            if len(found) == limit or scanned == MAX_SCANNED:
                return Listing(tuple(found), _sealed(scope, last or ""), _time_of(last) if query else None)
            last = key
            if wanted(conversation):
                found.append(conversation)
        return Listing(tuple(found), None, 0 if query else None)

    def since(self, mark: int, limit: int, cursor: str | None) -> Listing:
        """The conversations whose last activity is at `mark` or later, newest first."""
        scope = f"since {mark}"
        rows = list(islice(self._recent(f"{mark:013d}#", _opened(cursor, scope), _page_size(limit)), limit + 1))
        more = _sealed(scope, rows[limit - 1][0]) if len(rows) > limit else None
        return Listing(tuple(conversation for _, conversation in rows[:limit]), more)

    def history(self, conversation_id: str, limit: int, cursor: str | None) -> History:
        """A page of a conversation's log."""
        order = self._messages.by_time
        position = _opened(cursor, conversation_id)
        condition = None if position is None else self._messages.order < position
        found = order.query(conversation_id, condition, scan_index_forward=False, limit=limit + 1, consistent_read=True)
        messages = [message_of(item) for item in found]
        more = _sealed(conversation_id, messages[limit - 1].order) if len(messages) > limit else None
        return History(tuple(messages[:limit]), more)

    def waiting_count(self, now: int) -> int:
        """How many wait, up to MAX_WAITING."""
        model = self._conversations
        key = model.queue.startswith("waiting#")
        lasting = model.paused_until.does_not_exist() | (model.paused_until > now)

        def shard(number: int) -> int:
            counted = 0
            # PynamoDB's own count would go on to the end of the partition, whatever its limit.
            for found in self._answers("paused", number, key, MAX_WAITING, filter_condition=lasting, select="COUNT"):
                counted += found["Count"]
                if counted >= MAX_WAITING:
                    break
            return counted

        return min(sum(_side_by_side(shard)), MAX_WAITING)

    def held(self, conversation_id: str, start: str, limit: int) -> tuple[Message, ...]:
        """Held rows from a key on."""
        model = self._messages
        keys = model.by_held.query(conversation_id, model.held_key >= start, limit=limit, consistent_read=True)
        names = [(item.conversation_id, item.id) for item in keys]
        rows = [message_of(item) for item in model.batch_get(names, consistent_read=True) if item.held_key is not None]
        if names and not rows:  # gone between the two reads, expired or delivered; there may be others
            return self.held(conversation_id, start, limit)
        return tuple(sorted(rows, key=lambda row: held_key(row.held_under or 0, row.order)))

    def due(self, now: int, lifted: bool, limit: int) -> tuple[Conversation, ...]:
        """Of the paused and the draining, those with something to do. Eventually consistent."""
        model = self._conversations
        wanted = model.paused_until <= now
        wanted |= model.draining.exists() & model.paused_since.does_not_exist()
        wanted |= model.told_epoch.does_not_exist() | (model.told_epoch < model.epoch)
        if lifted:
            wanted |= model.paused_by == actor_text(STOP)
        shards = (model.paused.query(number, filter_condition=wanted) for number in range(SHARDS))
        return tuple(conversation_of(item.attribute_values) for item in islice(chain.from_iterable(shards), limit))

    def uncalled(self, limit: int) -> tuple[Conversation, ...]:
        """Of the paused, those by the bot or its failure to which nobody was called. Eventually consistent."""
        model = self._conversations
        wanted = model.paused_by.startswith('{"type":"bot",') | (model.paused_by == actor_text(SYSTEM))
        wanted &= model.called_epoch.does_not_exist() | (model.called_epoch < model.epoch)
        shards = (model.paused.query(number, filter_condition=wanted) for number in range(SHARDS))
        return tuple(conversation_of(item.attribute_values) for item in islice(chain.from_iterable(shards), limit))

    def held_count(self, conversation_id: str, epoch: int) -> int:
        """How many rows are held under an epoch."""
        return self._messages.by_held.count(conversation_id, self._messages.held_key.startswith(f"{epoch:010d}#"))

    def _recent(self, low: str, position: str | None, size: int) -> Iterator[tuple[str, Conversation]]:
        def shard(number: int) -> Iterator[tuple[str, Conversation]]:
            condition = self._conversations.activity.between(low, position or _LAST)
            for found in self._answers("recent", number, condition, size, scan_index_forward=False):
                for item in map(conversation_values, found["Items"]):
                    if item["activity"] != position:
                        yield item["activity"], conversation_of(item)

        return heapq.merge(*_side_by_side(lambda number: _begun(shard(number))), key=_key, reverse=True)

    def _queue(self, word: str, position: str | None, size: int) -> Iterator[tuple[str, Conversation]]:
        low = position + _FIRST_AFTER if position is not None and position.startswith(f"{word}#") else f"{word}#"

        def shard(number: int) -> Iterator[tuple[str, Conversation]]:
            condition = self._conversations.queue.between(low, f"{word}#{_LAST}")
            for found in self._answers("paused", number, condition, size):
                for item in map(conversation_values, found["Items"]):
                    yield item["queue"], conversation_of(item)

        return heapq.merge(*_side_by_side(lambda number: _begun(shard(number))), key=_key)

    def _answers(self, index: str, shard: int, key: Condition, size: int, **more: Any) -> Iterator[Mapping[str, Any]]:
        """What DynamoDB answers for one shard, `size` rows each time, as far as whoever asks wants to know.

        By PynamoDB's connection, without its models: a page shows a hundred conversations, and to make models that are
        read once takes nearly as long as the queries.
        """
        ask = self._conversations._get_connection().query
        start: Any = None
        while True:
            found = ask(str(shard), key, index_name=index, limit=size, exclusive_start_key=start, **more)
            yield found
            start = found.get("LastEvaluatedKey")
            if start is None:
                return


def _side_by_side(shard: Callable[[int], T]) -> list[T]:
    """What each shard gives, all asked at the same time: a page waits for one answer of DynamoDB and not for four."""
    from concurrent.futures import ThreadPoolExecutor  # only lists need threads

    with ThreadPoolExecutor(SHARDS) as pool:
        return list(pool.map(shard, range(SHARDS)))


def _begun(rows: Iterator[T]) -> Iterator[T]:
    """The same rows, the first of which has been fetched, and with it the first page."""
    first = list(islice(rows, 1))
    return chain(first, rows)


def _chained(
    first: Iterator[tuple[str, Conversation]],
    second: Callable[[], Iterator[tuple[str, Conversation]]],
    position: str | None,
) -> Iterator[tuple[str, Conversation]]:
    if position is None or not position.startswith("answered#"):
        yield from first
    yield from second()


def _filter(status: Status, now: int, query: str) -> Callable[[Conversation], bool]:
    word = query.casefold()

    def wanted(conversation: Conversation) -> bool:
        is_paused = conversation.pause_at(now) is not None
        if status != "all" and is_paused == (status == "active"):
            return False
        user_id = conversation.id.rpartition(":")[2]
        return not word or word in (conversation.name or "").casefold() or word in user_id.casefold()

    return wanted


def _page_size(limit: int) -> int:
    """Rows that one query asks a shard for: its part of a page and what chance adds, so that few ask twice.

    Of a page of 100, a shard has 25 with a standard deviation of 4.3; whose 35 do not do, is asked for more.
    """
    return limit // SHARDS + isqrt(limit)


def _key(row: tuple[str, Conversation]) -> str:
    return row[0]


def _time_of(key: str | None) -> int | None:
    parts = (key or "").split("#")
    digits = parts[0] if parts[0].isdigit() else parts[1] if len(parts) > 1 else ""
    return int(digits) if digits.isdigit() else None


def _sealed(scope: str, position: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, position]).encode()).decode().rstrip("=")


def _opened(cursor: str | None, scope: str) -> str | None:
    if cursor is None:
        return None
    try:
        opened: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        opened = None
    if not isinstance(opened, list) or len(opened) != 2 or opened[0] != scope:
        raise BadRequest(FOREIGN_CURSOR)
    position = opened[1]
    if not isinstance(position, str) or not 0 < len(position) <= 1000 or not position.isprintable():
        raise BadRequest(FOREIGN_CURSOR)
    return position
