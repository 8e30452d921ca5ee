"""The store in memory, as plain values: a model of what `chalicelib.store` promises, and no copy of how it does it.

`tests/test_store.py` and `tests/test_lists.py` hold both to one contract.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from chalicelib.conversation import STOP, SYSTEM, Conversation, Disconnection, Stop, touched
from chalicelib.errors import BadRequest, LostRace, Unstorable
from chalicelib.lists import MAX_SCANNED, MAX_WAITING, History, Listing, Status
from chalicelib.message import Message

MAX_ITEM = 400 * 1024
T = TypeVar("T")
Key = tuple[Any, ...]
"""What a list is ordered by; its last two parts are a time and an id."""


class FakeStore:
    """The store as plain values: each method is one atomic step, lists are derived by sorting.

    Lists and counts are the reads that DynamoDB answers from indexes, some time later: between `freeze` and `thaw`
    they tell of the conversations as they were when it was called.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._conversations: dict[str, Conversation] = {}
        self._rows: dict[tuple[str, str], Message] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._stop = Stop()
        self._disconnections: dict[str, Disconnection] = {}
        self._indexed: dict[str, Conversation] = self._conversations
        self._cursors: dict[str, tuple[object, Key]] = {}

    def freeze(self) -> None:
        """Keep what follows from showing in lists."""
        self._indexed = dict(self._conversations)

    def thaw(self) -> None:
        """Let lists show what there is."""
        self._indexed = self._conversations

    def row(self, conversation_id: str, row_id: str) -> Message | None:
        with self._lock:
            return self._rows.get((conversation_id, self._aliases.get((conversation_id, row_id), row_id)))

    def conversation(self, conversation_id: str) -> Conversation | None:
        with self._lock:
            return self._conversations.get(conversation_id)

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        with self._lock:
            return self.conversation(conversation_id), self._stop

    def stop(self) -> Stop:
        with self._lock:
            return self._stop

    def append(self, row: Message) -> Message | None:
        key = (row.conversation_id, row.id)
        with self._lock:
            if key in self._rows or key in self._aliases:
                return self.row(*key)
            self._log(row)
            return None

    def change(self, old: Message, new: Message) -> None:
        with self._lock:
            current = self._rows.get((new.conversation_id, new.id))
            if current is None or (current.state, current.attempt) != (old.state, old.attempt):
                raise LostRace("state or attempt")
            self._log(_with_outcome(current, new))

    def alias(self, row: Message) -> None:
        key = (row.conversation_id, f"m:{row.mid}")
        with self._lock:
            self._aliases[key] = row.id
            self._rows.pop(key, None)

    def touch(self, row: Message, now: int, *, active: bool = False, epoch: int | None = None) -> None:
        with self._lock:
            old = self._conversations.get(row.conversation_id)
            if row.by_person or (old is not None and not _is_usual(old, row, now)):
                raise LostRace("not the usual case")
            if active and (old is None or old.pause is not None or epoch not in (None, old.epoch)):
                raise LostRace("not active at this epoch")
            old = old or Conversation(id=row.conversation_id)
            self._conversations[old.id] = touched(old, row, now)._replace(version=old.version + 1)

    def save(self, old: Conversation, new: Conversation) -> None:
        self.transition(old, new, None, None)

    def transition(
        self, old: Conversation, new: Conversation, row: Message | None, cause: tuple[Message, Message] | None
    ) -> None:
        with self._lock:
            current = self._conversations.get(new.id)
            if (0 if current is None else current.version) != old.version:
                raise LostRace("version")
            if row is not None and self.row(row.conversation_id, row.id) is not None:
                raise LostRace("row")
            marked = None
            if cause is not None:
                before, after = cause
                found = self._rows.get((after.conversation_id, after.id))
                if found is None or (found.state, found.caused) != (before.state, before.caused):
                    raise LostRace("cause")
                marked = _with_outcome(found, after)._replace(caused=after.caused)
            self._log(*(each for each in (row, marked) if each is not None))
            self._conversations[new.id] = new

    def watermark(self, conversation_id: str, *, delivered_at: int | None = None, read_at: int | None = None) -> None:
        self._advance(conversation_id, "delivered_at", delivered_at)
        self._advance(conversation_id, "read_at", read_at)

    def seen(self, conversation_id: str, at: int) -> None:
        self._advance(conversation_id, "seen_at", at)

    def set_stop(self, old: Stop, new: Stop) -> None:
        with self._lock:
            if self._stop.version != old.version:
                raise LostRace("stop")
            self._stop = new._replace(version=old.version + 1)

    def disconnections(self, pages: Sequence[str]) -> Mapping[str, Disconnection]:
        with self._lock:
            return {page: mark for page, mark in self._disconnections.items() if page in pages}

    def disconnect(self, page: str, mark: Disconnection) -> None:
        with self._lock:
            since = self._disconnections.get(page, mark).since
            self._disconnections[page] = mark._replace(since=since)

    def reconnect(self, page: str, before: int) -> None:
        with self._lock:
            if page in self._disconnections and self._disconnections[page].since < before:
                del self._disconnections[page]

    def list(self, status: Status, now: int, limit: int, cursor: str | None = None, query: str = "") -> Listing:
        def is_wanted(conversation: Conversation) -> bool:
            is_paused = conversation.pause_at(now) is not None
            words = (conversation.name or "", conversation.id.split(":")[2])
            fits = status == "all" or is_paused == (status != "active")
            return fits and any(query.casefold() in word.casefold() for word in words)

        newest_first, scope = status in ("all", "active"), (status, query)
        found: list[Conversation] = []
        last: Key = ()
        with self._lock:
            rows = self._recent() if newest_first else self._queue(status)
            for scanned, (key, conversation) in enumerate(self._after(cursor, scope, rows, newest_first)):
                if len(found) == limit or scanned == MAX_SCANNED:
                    return Listing(tuple(found), self._cursor(scope, last), int(last[-2]) if query else None)
                last = key
                found += [conversation] if is_wanted(conversation) else []
        return Listing(tuple(found), None, 0 if query else None)

    def changed_since(self, mark: int, limit: int, cursor: str | None = None) -> Listing:
        with self._lock:
            changed = [row for row in self._recent() if row[1].last_activity_at >= mark]
            page, more = self._page(cursor, ("since", mark), changed, limit)
        return Listing(tuple(page), more)

    def history(self, conversation_id: str, limit: int, cursor: str | None = None) -> History:
        with self._lock:
            log = [((row.sent_at, row.id), row) for (id_, _), row in self._rows.items() if id_ == conversation_id]
            page, more = self._page(cursor, ("history", conversation_id), log, limit)
        return History(tuple(page), more)

    def waiting_count(self, now: int) -> int:
        with self._lock:
            waiting = sum(each.pause_at(now) is not None for _, each in self._queue("waiting"))
            return min(waiting, MAX_WAITING)

    def held(self, conversation_id: str, start: str, limit: int) -> tuple[Message, ...]:
        with self._lock:
            held = [
                (f"{row.held_under:010d}#{row.sent_at:013d}#{row.id}", row)
                for (id_, _), row in self._rows.items()
                if id_ == conversation_id and row.held_under is not None
            ]
            return tuple(row for key, row in sorted(held, key=lambda each: each[0]) if key >= start)[:limit]

    def due(self, now: int, *, lifted: bool, limit: int) -> tuple[Conversation, ...]:
        def is_due(each: Conversation) -> bool:
            if each.pause is None:
                return each.draining is not None
            return each.pause_at(now) is None or each.told_epoch < each.epoch or (lifted and each.pause.by == STOP)

        with self._lock:
            return tuple(each for each in self._indexed.values() if is_due(each))[:limit]

    def uncalled(self, limit: int) -> tuple[Conversation, ...]:
        def is_uncalled(each: Conversation) -> bool:
            by_bot = each.pause is not None and (each.pause.by.type == "bot" or each.pause.by == SYSTEM)
            return by_bot and (each.called_epoch or 0) < each.epoch

        with self._lock:
            return tuple(each for each in self._indexed.values() if is_uncalled(each))[:limit]

    def held_count(self, conversation_id: str, epoch: int) -> int:
        with self._lock:
            return sum(id_ == conversation_id and row.held_under == epoch for (id_, _), row in self._rows.items())

    def _log(self, *rows: Message) -> None:
        for row in rows:
            if sum(len(text.encode()) for text in (row.text, row.raw) if text is not None) > MAX_ITEM:
                raise Unstorable("too large")
        self._rows |= {(row.conversation_id, row.id): row for row in rows}

    def _advance(self, conversation_id: str, name: str, at: int | None) -> None:
        with self._lock:
            old = self._conversations.get(conversation_id)
            if old is not None and at is not None and (getattr(old, name) is None or getattr(old, name) < at):
                changes: dict[str, Any] = {name: at, "version": old.version + 1}
                self._conversations[conversation_id] = old._replace(**changes)

    def _recent(self) -> Iterable[tuple[Key, Conversation]]:
        return [((each.last_activity_at, each.id), each) for each in self._indexed.values()]

    def _queue(self, status: Status) -> Iterable[tuple[Key, Conversation]]:
        """Who waits, by since when, and among the paused then who has been answered, by when they were paused."""
        return [
            ((each.waiting_since is None, each.waiting_since or each.pause.since, each.id), each)
            for each in self._indexed.values()
            if each.pause is not None and (status == "paused" or each.waiting_since is not None)
        ]

    def _page(
        self, cursor: str | None, scope: object, rows: Iterable[tuple[Key, T]], limit: int
    ) -> tuple[Iterable[T], str | None]:
        found = self._after(cursor, scope, rows, newest_first=True)
        more = self._cursor(scope, found[limit - 1][0]) if len(found) > limit else None
        return [each for _, each in found[:limit]], more

    def _after(
        self, cursor: str | None, scope: object, rows: Iterable[tuple[Key, T]], newest_first: bool
    ) -> Sequence[tuple[Key, T]]:
        """The rows in order, from behind the place that the cursor stands for."""
        ordered = sorted(rows, key=lambda row: row[0], reverse=newest_first)
        if cursor is None:
            return ordered
        known, place = self._cursors.get(cursor, (None, ()))
        if known != scope:
            raise BadRequest("The cursor is not from this list.")
        return [row for row in ordered if (row[0] < place if newest_first else row[0] > place)]

    def _cursor(self, scope: object, place: Key) -> str:
        cursor = f"cursor-{len(self._cursors)}"
        self._cursors[cursor] = (scope, place)
        return cursor


def _with_outcome(row: Message, new: Message) -> Message:
    return row._replace(
        state=new.state,
        held_under=new.held_under,
        attempt=new.attempt,
        attempted_at=new.attempted_at,
        mid=new.mid,
        failure=new.failure,
    )


def _is_usual(old: Conversation, row: Message, now: int) -> bool:
    last = old.last_message
    if last is None or last.order >= row.order or old.last_activity_at >= now:
        return False
    if not row.wants_person:
        return True
    in_order = (old.last_received_at or 0) <= row.received_at and (old.last_user_message_at or 0) <= row.sent_at
    if old.pause is None or not in_order:
        return in_order
    return old.waiting_since is not None and old.waiting_since <= max(row.received_at, old.pause.since)
