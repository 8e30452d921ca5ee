"""The two DynamoDB tables as PynamoDB models, and how rows turn into items and back. Private to `store`.

Keys that order something end in the row's own id, so that no two are equal and a position between two rows is exact.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from botocore.session import Session
from pynamodb.attributes import BooleanAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model

from chalicelib import aws
from chalicelib.conversation import Conversation, Pause, Stop
from chalicelib.document import storable, written
from chalicelib.message import Actor, Failure, LastMessage, Message, State, held_key
from chalicelib.settings import Settings

SHARDS = 4
"""Partitions of each list; one takes about 1,000 writes a second. Changing it moves every conversation."""

STOP_ID = "stop"
"""The row of the global stop, among the conversations but in no list."""
PAGE_ID = "page:{}"
"""The row of a Page's connection, among the conversations but in no list."""


class _Connection(Connection):
    """A connection whose client comes from the session that all our clients share."""

    @property
    def session(self) -> Session:
        """The session of this process."""
        return aws.session()


class TextAttribute(UnicodeAttribute):
    """Text from outside. Half of a surrogate pair, which no UTF-8 can hold, becomes the replacement character."""

    def serialize(self, value: str) -> str:
        """The text as it is stored."""
        return storable(value)


class Recent(GlobalSecondaryIndex["ConversationItem"]):
    """Every conversation by activity."""

    class Meta:
        index_name = "recent"
        projection = AllProjection()

    shard = NumberAttribute(hash_key=True)
    activity = UnicodeAttribute(range_key=True)


class Paused(GlobalSecondaryIndex["ConversationItem"]):
    """Sparse: who waits, who was answered, and what is being drained, oldest first."""

    class Meta:
        index_name = "paused"
        projection = AllProjection()

    paused_shard = NumberAttribute(hash_key=True)
    queue = UnicodeAttribute(range_key=True)


class ConversationItem(Model):
    """A conversation, the global stop, or a Page's connection."""

    id = UnicodeAttribute(hash_key=True)
    version = NumberAttribute(default=0)
    epoch = NumberAttribute(default=0)
    shard = NumberAttribute(null=True)
    activity = UnicodeAttribute(null=True)
    paused_shard = NumberAttribute(null=True)
    queue = UnicodeAttribute(null=True)
    paused_since = NumberAttribute(null=True)
    paused_until = NumberAttribute(null=True)
    paused_by = UnicodeAttribute(null=True)
    paused_reason = TextAttribute(null=True)
    waiting_since = NumberAttribute(null=True)
    changed_at = NumberAttribute(null=True)
    last_order = UnicodeAttribute(null=True)
    last_message = UnicodeAttribute(null=True)
    last_user_message_at = NumberAttribute(null=True)
    last_received_at = NumberAttribute(null=True)
    last_answer_at = NumberAttribute(null=True)
    last_operator = UnicodeAttribute(null=True)
    last_operator_at = NumberAttribute(null=True)
    seen_at = NumberAttribute(null=True)
    delivered_at = NumberAttribute(null=True)
    read_at = NumberAttribute(null=True)
    name = TextAttribute(null=True)
    picture_url = TextAttribute(null=True)
    draining = UnicodeAttribute(null=True)
    paused_length = NumberAttribute(null=True)
    last_said = UnicodeAttribute(null=True)
    told_epoch = NumberAttribute(null=True)
    handed_epoch = NumberAttribute(null=True)
    called_epoch = NumberAttribute(null=True)
    profile_due_at = NumberAttribute(null=True)
    disconnected_since = NumberAttribute(null=True)
    disconnected_reason = TextAttribute(null=True)

    recent = Recent()
    paused = Paused()


class ByTime(LocalSecondaryIndex["MessageItem"]):
    """The log in the order of what was said. Rows without a time are not in it."""

    class Meta:
        index_name = "by_time"
        projection = AllProjection()

    conversation_id = UnicodeAttribute(hash_key=True)
    order = UnicodeAttribute(range_key=True)


class ByHeld(LocalSecondaryIndex["MessageItem"]):
    """Sparse: what was held, by the epoch of its pause."""

    class Meta:
        index_name = "by_held"
        projection = KeysOnlyProjection()

    conversation_id = UnicodeAttribute(hash_key=True)
    held_key = UnicodeAttribute(range_key=True)


class MessageItem(Model):
    """A row of a conversation's log, or an alias: a row without `order` that points to the row that it answers to."""

    conversation_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    order = UnicodeAttribute(null=True)
    received_at = NumberAttribute(null=True)
    author = UnicodeAttribute(null=True)
    by = UnicodeAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    text = TextAttribute(null=True)
    attachments = UnicodeAttribute(null=True)
    details = UnicodeAttribute(null=True)
    raw = TextAttribute(null=True)
    cut = BooleanAttribute(null=True)
    standby = BooleanAttribute(null=True)
    state = UnicodeAttribute(null=True)
    held_key = UnicodeAttribute(null=True)
    caused = NumberAttribute(null=True)
    attempt = NumberAttribute(null=True)
    attempted_at = NumberAttribute(null=True)
    mid = UnicodeAttribute(null=True)
    failure = UnicodeAttribute(null=True)
    alias_of = UnicodeAttribute(null=True)
    correlation_id = UnicodeAttribute(null=True)
    written_as = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    by_time = ByTime()
    by_held = ByHeld()


def bind(settings: Settings) -> tuple[type[ConversationItem], type[MessageItem], Connection]:
    """The models of one deployment's tables, and their connection; botocore's own settings say where DynamoDB is."""

    class _Meta:
        region = settings.region
        billing_mode = "PAY_PER_REQUEST"

    class Conversations(ConversationItem):
        class Meta(_Meta):
            table_name = settings.conversations_table

    class Messages(MessageItem):
        class Meta(_Meta):
            table_name = settings.messages_table

    # Left alone, PynamoDB makes a client for each model and for transactions, in each thread that comes first, and one
    # takes 0.2 s: a cold start must not pay for more than one.
    connection = _Connection(
        region=settings.region,
        connect_timeout_seconds=2,
        read_timeout_seconds=5,
        max_retry_attempts=3,
        max_pool_connections=40,
    )
    for model in (Conversations, Messages):
        table = model._get_connection()
        connection.add_meta_table(table.get_meta_table())
        table.connection = connection
    _ = connection.client
    return Conversations, Messages, connection


def shard_of(conversation_id: str) -> int:
    """The list partition that a conversation is in."""
    return int.from_bytes(hashlib.sha256(conversation_id.encode()).digest()[:4], "big") % SHARDS


def activity_key(at: int, conversation_id: str) -> str:
    """The key of `recent`: thirteen digits of the time, then the id."""
    return f"{at:013d}#{conversation_id}"


def queue_key(conversation: Conversation) -> str | None:
    """The key of `paused`, for what is in it."""
    if conversation.pause is not None:
        if conversation.waiting_since is not None:
            return f"waiting#{conversation.waiting_since:013d}#{conversation.id}"
        return f"answered#{conversation.pause.since:013d}#{conversation.id}"
    return f"draining#{conversation.changed_at:013d}#{conversation.id}" if conversation.draining else None


def conversation_attributes(conversation: Conversation) -> dict[str, Any]:
    """The attributes of a conversation's item."""
    c, last, pause, queue = conversation, conversation.last_message, conversation.pause, queue_key(conversation)
    return {
        "id": c.id,
        "version": c.version,
        "epoch": c.epoch,
        "shard": shard_of(c.id),
        "activity": activity_key(c.last_activity_at, c.id),
        "paused_shard": None if queue is None else shard_of(c.id),
        "queue": queue,
        "paused_since": pause and pause.since,
        "paused_until": pause and pause.until,
        "paused_by": pause and actor_text(pause.by),
        "paused_reason": pause and pause.reason,
        "paused_length": pause and pause.length,
        "waiting_since": c.waiting_since,
        "changed_at": c.changed_at,
        "last_order": last and last.order,
        "last_message": last and last_text(last),
        "last_user_message_at": c.last_user_message_at,
        "last_received_at": c.last_received_at,
        "last_answer_at": c.last_answer_at,
        "last_operator": actor_text(c.last_operator),
        "last_operator_at": c.last_operator_at,
        "seen_at": c.seen_at,
        "delivered_at": c.delivered_at,
        "read_at": c.read_at,
        "name": c.name,
        "picture_url": c.picture_url,
        "draining": c.draining,
        "last_said": c.last_said and written([c.last_said.order, last_text(c.last_said)]),
        "told_epoch": c.told_epoch or None,
        "handed_epoch": c.handed_epoch or None,
        "called_epoch": c.called_epoch,
        "profile_due_at": c.profile_due_at,
    }


def conversation_values(raw: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The values of a conversation's item as DynamoDB sends it: there are texts and whole numbers in it only."""
    return {name: int(value["N"]) if "N" in value else value["S"] for name, value in raw.items()}


def conversation_of(values: Mapping[str, Any]) -> Conversation:
    """The conversation that the values of an item's attributes say."""
    value = values.get
    by = actor_of(value("paused_by"))
    pause = None
    if by is not None:
        since, length = _int(value("paused_since")) or 0, _int(value("paused_length"))
        pause = Pause(since, _int(value("paused_until")), by, value("paused_reason"), length)
    last_said = value("last_said")
    return Conversation(
        id=values["id"],
        epoch=int(values["epoch"]),
        version=int(values["version"]),
        pause=pause,
        waiting_since=_int(value("waiting_since")),
        changed_at=_int(value("changed_at")) or 0,
        last_activity_at=int((value("activity") or "0")[:13]),
        last_message=_last(value("last_order"), value("last_message")),
        last_user_message_at=_int(value("last_user_message_at")),
        last_received_at=_int(value("last_received_at")),
        last_answer_at=_int(value("last_answer_at")),
        last_operator=actor_of(value("last_operator")),
        last_operator_at=_int(value("last_operator_at")),
        last_said=_last(*json.loads(last_said)) if last_said else None,
        seen_at=_int(value("seen_at")),
        delivered_at=_int(value("delivered_at")),
        read_at=_int(value("read_at")),
        name=value("name"),
        picture_url=value("picture_url"),
        draining=value("draining"),
        told_epoch=_int(value("told_epoch")) or 0,
        handed_epoch=_int(value("handed_epoch")) or 0,
        called_epoch=_int(value("called_epoch")),
        profile_due_at=_int(value("profile_due_at")),
    )


def stop_of(item: ConversationItem | None) -> Stop:
    """The global stop that an item holds; not set where there is none."""
    if item is None:
        return Stop()
    by = actor_of(item.paused_by)
    return Stop(item.paused_since is not None, item.paused_reason, by, _int(item.paused_since), int(item.version))


def message_attributes(row: Message, retention_days: int) -> dict[str, Any]:
    """The attributes of a row's item; it may be removed `retention_days` after it was received, 0: never."""
    expiry = datetime.fromtimestamp(row.received_at / 1000, UTC) + timedelta(days=retention_days)
    return {
        "conversation_id": row.conversation_id,
        "id": row.id,
        "order": row.order,
        "received_at": row.received_at,
        "author": row.author,
        "by": actor_text(row.by),
        "kind": row.kind,
        "text": row.text,
        "attachments": written(row.attachments) if row.attachments else None,
        "details": None if row.details is None else written(row.details),
        "raw": row.raw,
        "cut": row.cut or None,
        "standby": row.standby or None,
        "expires_at": expiry if retention_days else None,
        "caused": row.caused,
        "correlation_id": row.correlation_id,
        **outcome_attributes(row),
    }


def outcome_attributes(row: Message) -> dict[str, Any]:
    """The attributes of a row that change after it was logged."""
    return {
        "state": row.state,
        "held_key": None if row.held_under is None else held_key(row.held_under, row.order),
        "attempt": row.attempt or None,
        "attempted_at": row.attempted_at,
        "mid": row.mid,
        "failure": None if row.failure is None else written(row.failure._asdict()),
    }


def message_of(item: MessageItem) -> Message:
    """The row that an item holds; not for aliases."""
    i = item
    return Message(
        conversation_id=i.conversation_id,
        id=i.id,
        author=cast(Any, i.author),
        kind=i.kind or "unknown",
        sent_at=int((i.order or "0")[:13]),
        received_at=_int(i.received_at) or 0,
        by=actor_of(i.by),
        text=i.text,
        attachments=tuple(json.loads(i.attachments)) if i.attachments else (),
        details=None if i.details is None else json.loads(i.details),
        raw=i.raw,
        cut=bool(i.cut),
        standby=bool(i.standby),
        state=cast("State | None", i.state),
        held_under=int(i.held_key[:10]) if i.held_key else None,
        caused=_int(i.caused),
        attempt=_int(i.attempt) or 0,
        attempted_at=_int(i.attempted_at),
        mid=i.mid,
        failure=Failure(**json.loads(i.failure)) if i.failure else None,
        correlation_id=i.correlation_id,
    )


def last_text(last: LastMessage) -> str:
    """The last message as the text that its item keeps; its time and id are in `last_order`."""
    return written({"author": last.author, "by": last.by and last.by._asdict(), "text": last.text})


def _last(order: str | None, text: str | None) -> LastMessage | None:
    if order is None or text is None:
        return None
    content = json.loads(text)
    return LastMessage(order, content["author"], _actor(content.get("by")), content["text"], int(order[:13]))


def actor_text(actor: Actor | None) -> str | None:
    """An actor as the text that items keep."""
    return None if actor is None else written(actor._asdict())


def actor_of(text: str | None) -> Actor | None:
    """The actor that such a text names."""
    return None if text is None else _actor(json.loads(text))


def _actor(content: Mapping[str, Any] | None) -> Actor | None:
    return None if content is None else Actor(content["type"], content["id"], content["name"])


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)
