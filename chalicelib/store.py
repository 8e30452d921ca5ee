"""The two tables: the only module that knows DynamoDB.

Every write is conditioned on what the caller relied on and raises LostRace where that is no longer so; then the
caller reads again and decides again. `TransactionConflict` and throttling are tried again here and never taken for a
lost condition. What DynamoDB does not answer is Unavailable, what it refuses for its content is Unstorable.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException, TableDoesNotExist, TableError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.conversation import Conversation, Disconnection, Stop
from chalicelib.errors import BadRequest, LostRace, Unavailable, Unstorable
from chalicelib.lists import FOREIGN_CURSOR, History, Listing, Lists, Status
from chalicelib.message import Message, preview
from chalicelib.settings import Settings
from chalicelib.tables import (
    PAGE_ID,
    STOP_ID,
    MessageItem,
    activity_key,
    actor_text,
    bind,
    conversation_attributes,
    conversation_of,
    last_text,
    message_attributes,
    message_of,
    outcome_attributes,
    shard_of,
    stop_of,
)

CONFLICT_TRIES = 12
"""How often a write that met another one is tried, over about four seconds."""

T = TypeVar("T")
_REFUSED = ("ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException")
_AGAIN = ("TransactionConflict", "TransactionInProgress", "Throttl", "ProvisionedThroughputExceeded")


class Store:
    """Conversations, their logs and the global stop, in DynamoDB. Safe to share between threads."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._conversations, self._messages, self._connection = bind(settings)
        self._retention_days = settings.retention_days
        self._sleep = sleep
        self._lists = Lists(self._conversations, self._messages)

    def row(self, conversation_id: str, row_id: str) -> Message | None:
        """A row of the log, read consistently; through an alias, the row that it points to."""
        return self._through_alias(self._item(conversation_id, row_id))

    def conversation(self, conversation_id: str) -> Conversation | None:
        """A conversation, read consistently."""
        try:
            item = self._call(lambda: self._conversations.get(conversation_id, consistent_read=True))
        except DoesNotExist:
            return None
        return conversation_of(item.attribute_values)

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        """A conversation and the global stop, both read consistently in one call."""
        keys = [conversation_id, STOP_ID]
        items = self._call(lambda: list(self._conversations.batch_get(keys, consistent_read=True)))
        found = {item.id: item for item in items}
        item, stop = found.get(conversation_id), stop_of(found.get(STOP_ID))
        return None if item is None else conversation_of(item.attribute_values), stop

    def stop(self) -> Stop:
        """The global stop, read consistently."""
        try:
            return stop_of(self._call(lambda: self._conversations.get(STOP_ID, consistent_read=True)))
        except DoesNotExist:
            return stop_of(None)

    def append(self, row: Message) -> Message | None:
        """Log a row unless its id is taken: None when it is new, else the row that has the id (through an alias)."""
        item = self._messages(**message_attributes(row, self._retention_days), written_as=secrets.token_hex(8))
        try:
            self._call(lambda: item.save(self._messages.id.does_not_exist()))
        except LostRace:
            found = self._item(row.conversation_id, row.id)
            if found is not None and found.written_as == item.written_as:
                return None  # by this very write: its answer was lost, and botocore has asked again
            return self._through_alias(found)
        return None

    def change(self, old: Message, new: Message) -> None:
        """Write what became of a row. LostRace unless its state and attempt still are as in `old`."""
        model = self._messages
        condition = model.order.exists() & _same(model.state, old.state) & _same(model.attempt, old.attempt or None)
        attributes = {**outcome_attributes(new), "written_as": secrets.token_hex(8)}
        try:
            self._update(model, (new.conversation_id, new.id), _actions(model, attributes), condition)
        except LostRace:
            found = self._item(new.conversation_id, new.id)
            if found is None or found.written_as != attributes["written_as"]:
                raise

    def alias(self, row: Message) -> None:
        """Let `m:<mid>` point to this sent row; the row of an echo that had that id is gone then."""
        item = self._messages(row.conversation_id, f"m:{row.mid}", alias_of=row.id)
        item.expires_at = self._messages(**message_attributes(row, self._retention_days)).expires_at
        self._call(item.save)

    def touch(self, row: Message, now: int, *, active: bool = False, epoch: int | None = None) -> None:
        """The usual case of `conversation.touched` in one write; LostRace where it is another case.

        Usual: the row is the newest by time said and received, no person on our side said it, and nobody begins to
        wait by it. With `active` the conversation must exist, not be paused, and be at `epoch` where one is given.
        """
        model, key = self._conversations, activity_key(now, row.conversation_id)
        if row.by_person:
            raise LostRace("What a person says is never the usual case.")
        usual = (model.last_order < row.order) & (model.activity < key)
        if row.wants_person:
            # An echo that was merged into our own, earlier row may have left an older last message than it found.
            usual &= model.last_user_message_at.does_not_exist() | (model.last_user_message_at <= row.sent_at)
            usual &= model.last_received_at.does_not_exist() | (model.last_received_at <= row.received_at)
            already_waits = (model.waiting_since <= row.received_at) | (model.waiting_since <= model.paused_since)
            usual &= model.paused_since.does_not_exist() | already_waits
        condition = model.id.does_not_exist() | usual
        if active:
            condition = model.id.exists() & model.paused_since.does_not_exist() & usual
            condition = condition if epoch is None else condition & (model.epoch == epoch)
        self._update(model, (row.conversation_id, None), self._touch_actions(row, key), condition)

    def _touch_actions(self, row: Message, key: str) -> list[Action]:
        model = self._conversations
        actions: list[Action] = [
            model.version.add(1),
            model.epoch.set(model.epoch | 0),
            model.changed_at.set(model.changed_at | 0),
            model.shard.set(shard_of(row.conversation_id)),
            model.activity.set(key),
            model.last_order.set(row.order),
            model.last_message.set(last_text(preview(row))),
        ]
        if row.wants_person:
            actions += [model.last_user_message_at.set(row.sent_at), model.last_received_at.set(row.received_at)]
        return actions

    def save(self, old: Conversation, new: Conversation) -> None:
        """Write a conversation; LostRace unless it still is as `old` was read. A new one has version 0 as old."""
        item = self._conversations(**conversation_attributes(new))
        self._call(lambda: item.save(self._unchanged(old)))

    def transition(
        self, old: Conversation, new: Conversation, row: Message | None, cause: tuple[Message, Message] | None
    ) -> None:
        """In one transaction: the conversation, the row that says so, and the row that caused it, before and after.

        LostRace unless the conversation still is as `old` was read, the row is new, and the cause is as it was read
        and has caused nothing else.
        """

        def commit() -> None:
            with TransactWrite(connection=self._connection) as transaction:
                transaction.save(self._conversations(**conversation_attributes(new)), condition=self._unchanged(old))
                if row is not None:
                    item = self._messages(**message_attributes(row, self._retention_days))
                    transaction.save(item, condition=self._messages.id.does_not_exist())
                if cause is not None:
                    before, after = cause
                    model = self._messages
                    actions = _actions(model, {"caused": after.caused, **outcome_attributes(after)})
                    unchanged = model.order.exists() & _same(model.state, before.state)
                    unchanged &= _same(model.caused, before.caused)
                    transaction.update(model(after.conversation_id, after.id), actions, condition=unchanged)

        self._call(commit)

    def watermark(self, conversation_id: str, *, delivered_at: int | None = None, read_at: int | None = None) -> None:
        """Move watermarks of an existing conversation forward; anything else changes nothing."""
        if delivered_at is not None:
            self._advance(conversation_id, self._conversations.delivered_at, delivered_at)
        if read_at is not None:
            self._advance(conversation_id, self._conversations.read_at, read_at)

    def seen(self, conversation_id: str, at: int) -> None:
        """Mark an existing conversation as seen up to `at`; never backwards."""
        self._advance(conversation_id, self._conversations.seen_at, at)

    def set_stop(self, old: Stop, new: Stop) -> None:
        """Write the global stop; LostRace unless it still is as `old` was read."""
        item = self._conversations(
            STOP_ID,
            version=old.version + 1,
            paused_since=new.since if new.paused else None,
            paused_by=actor_text(new.by),
            paused_reason=new.reason,
        )
        version = self._conversations.version
        condition = self._conversations.id.does_not_exist() if old.version == 0 else version == old.version
        self._call(lambda: item.save(condition))

    def disconnections(self, pages: Sequence[str]) -> Mapping[str, Disconnection]:
        """Which of these Pages, each `<platform>:<page id>`, are marked as disconnected, read consistently."""
        keys = {PAGE_ID.format(page): page for page in pages}
        items = self._call(lambda: tuple(self._conversations.batch_get([*keys], consistent_read=True)))
        return {
            keys[item.id]: Disconnection(int(item.disconnected_since), item.disconnected_reason or "")
            for item in items
            if item.disconnected_since is not None
        }

    def disconnect(self, page: str, mark: Disconnection) -> None:
        """Mark a Page as disconnected; one that is marked keeps its time."""
        model = self._conversations
        since = model.disconnected_since.set(model.disconnected_since | mark.since)
        actions: list[Action] = [since, model.disconnected_reason.set(mark.reason)]
        self._call(lambda: model(PAGE_ID.format(page)).update(actions))

    def reconnect(self, page: str, before: int) -> None:
        """Take a mark away that was made before this time; a newer one stays."""
        model = self._conversations
        actions: list[Action] = [model.disconnected_since.remove(), model.disconnected_reason.remove()]
        try:
            self._call(lambda: model(PAGE_ID.format(page)).update(actions, model.disconnected_since < before))
        except LostRace:
            return

    def list(self, status: Status, now: int, limit: int, cursor: str | None = None, query: str = "") -> Listing:
        """A page of conversations: newest first, or oldest waiting first for paused and waiting."""
        return self._read(lambda: self._lists.page(status, now, limit, cursor, query))

    def changed_since(self, mark: int, limit: int, cursor: str | None = None) -> Listing:
        """Which conversations had messages or transitions from `mark` on, newest first."""
        return self._read(lambda: self._lists.since(mark, limit, cursor))

    def history(self, conversation_id: str, limit: int, cursor: str | None = None) -> History:
        """A page of the log, newest first."""
        return self._read(lambda: self._lists.history(conversation_id, limit, cursor))

    def waiting_count(self, now: int) -> int:
        """How many conversations wait for a person, counted up to 1,000."""
        return self._call(lambda: self._lists.waiting_count(now))

    def held(self, conversation_id: str, start: str, limit: int) -> tuple[Message, ...]:
        """Up to `limit` held rows in order, from the key `start` on, read consistently."""
        return self._call(lambda: self._lists.held(conversation_id, start, limit))

    def due(self, now: int, *, lifted: bool, limit: int) -> tuple[Conversation, ...]:
        """Up to `limit` conversations that somebody must look after, because nobody else may ever come by.

        Their pause has ended, or the bot has not been told of it, or what was held is being delivered; and with
        `lifted`, where there is no global stop, their pause is one of the stop.
        """
        return self._call(lambda: self._lists.due(now, lifted, limit))

    def uncalled(self, limit: int) -> tuple[Conversation, ...]:
        """Up to `limit` conversations that the bot has paused, or that it failed in, to which nobody was called yet."""
        return self._call(lambda: self._lists.uncalled(limit))

    def held_count(self, conversation_id: str, epoch: int) -> int:
        """How many messages are held under one pause."""
        return self._call(lambda: self._lists.held_count(conversation_id, epoch))

    def _through_alias(self, item: MessageItem | None) -> Message | None:
        if item is not None and item.alias_of:
            item = self._item(item.conversation_id, item.alias_of)
        return None if item is None else message_of(item)

    def _item(self, conversation_id: str, row_id: str) -> MessageItem | None:
        try:
            return self._call(lambda: self._messages.get(conversation_id, row_id, consistent_read=True))
        except DoesNotExist:
            return None

    def _unchanged(self, old: Conversation) -> Condition:
        model = self._conversations
        return model.id.does_not_exist() if old.version == 0 else model.version == old.version

    def _advance(self, conversation_id: str, attribute: Attribute[Any], at: int) -> None:
        condition = self._conversations.id.exists() & (attribute.does_not_exist() | (attribute < at))
        actions: list[Action] = [attribute.set(at), self._conversations.version.add(1)]
        try:
            self._update(self._conversations, (conversation_id, None), actions, condition)
        except LostRace:
            return

    def _update(
        self, model: type[Model], key: tuple[str, str | None], actions: Sequence[Action], condition: Condition
    ) -> None:
        """Update single attributes. PynamoDB's `Model.update` would have the whole item sent back, and read it."""
        connection = model._get_connection()
        self._call(lambda: connection.update_item(key[0], key[1], actions, condition))

    def _read(self, page: Callable[[], T]) -> T:
        """A page of a list. Reading writes nothing: what DynamoDB refuses is the position in a forged cursor."""
        try:
            return self._call(page)
        except Unstorable:
            raise BadRequest(FOREIGN_CURSOR) from None

    def _call(self, operation: Callable[[], T]) -> T:
        for attempt in range(CONFLICT_TRIES):
            try:
                return operation()
            except DoesNotExist:
                raise
            except PynamoDBException as error:
                failure = _meaning(error)
                if failure is not None:
                    raise failure from None
            self._sleep(random.uniform(0, min(0.02 * 2**attempt, 0.5)))  # noqa: S311 jitter, not a secret
        raise Unavailable("DynamoDB is busy with other writes to the same rows. Try again.")


def create_tables(settings: Settings) -> None:
    """Create both tables with their indexes where they are missing; for a laptop and for tests.

    That rows expire is left out where an engine cannot do it, or where another who made the same table has said it.
    """
    conversations, messages, _ = bind(settings)
    for model in (conversations, messages):
        if not model.exists():
            try:
                model.create_table(wait=True, ignore_update_ttl_errors=True)
            except TableError as error:  # an engine that is slow to answer is asked again, and has done it by then
                if error.cause_response_code != "ResourceInUseException":
                    raise


def _same(attribute: Attribute[Any], value: Any) -> Condition:
    return attribute.does_not_exist() if value is None else attribute == value


def _actions(model: type[MessageItem], attributes: dict[str, Any]) -> list[Action]:
    return [
        getattr(model, name).remove() if value is None else getattr(model, name).set(value)
        for name, value in attributes.items()
    ]


def _meaning(error: PynamoDBException) -> Exception | None:
    """What an error of DynamoDB means to a caller; None where the same write should be tried again."""
    code = error.cause_response_code or ""
    if isinstance(error, TableDoesNotExist) or code == "ResourceNotFoundException":
        return Unavailable("A DynamoDB table does not exist yet. Create the tables first.")
    if code == "ConditionalCheckFailedException":
        return LostRace("The row has changed meanwhile.")
    if isinstance(error, TransactWriteError) and code == "TransactionCanceledException":
        reasons = {reason.code for reason in error.cancellation_reasons if reason is not None}
        if any(reason.startswith(_AGAIN) for reason in reasons):
            return None
        if "ConditionalCheckFailed" in reasons:
            return LostRace("The rows have changed meanwhile.")
        return Unstorable("DynamoDB refuses this transaction.")
    if code.startswith(_AGAIN):
        return None
    if code in _REFUSED:
        return Unstorable("DynamoDB refuses this row for its size or a value in it.")
    return Unavailable("DynamoDB did not answer. Try again.")
