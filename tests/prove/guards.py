"""Every guard of the program, and the program without it: each must be missed by something that is run here.

A guard of the store lives in a request to DynamoDB, so it is taken away there: the fake takes the compared attribute as
matching, or the request loses its `ConsistentRead`. A guard of the use cases lives in what they ask the store, so it
is taken away by a store in between. Nothing in `chalicelib` knows of any of this.

A guard that another one covers is listed with what covers it: alone nothing is lost, together something is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.conversation import Conversation
from chalicelib.errors import LostRace, Unavailable
from chalicelib.mailbox import Letter
from chalicelib.message import Message
from chalicelib.ports import MailboxPort, StorePort
from tests.dynamo import Write
from tests.prove import scenes
from tests.prove.acts import (
    ArrivingLate,
    Delivering,
    Echoing,
    Marking,
    MetaMood,
    Pausing,
    Replying,
    ReplyingAgain,
    Resuming,
    Saying,
    SayingUnheard,
    Seeing,
)
from tests.prove.races import race
from tests.prove.scenes import Scene, play
from tests.prove.witness import Violation
from tests.prove.world import Act, Guard

Ignores = Callable[[Write, str], bool]


def blind(operation: str, table: str, *attributes: str, rows: str = "") -> Ignores:
    """Conditions of such writes do not compare these attributes; `rows`: of ids that begin so."""

    def ignores(write: Write, attribute: str) -> bool:
        return (
            write.operation == operation
            and write.table == table
            and attribute in attributes
            and write.id.startswith(rows)
            and (rows == "stop" or write.id != "stop")
        )

    return ignores


def either(*several: Ignores) -> Ignores:
    """Several guards less at once."""
    return lambda write, attribute: any(ignores(write, attribute) for ignores in several)


def carelessly(operation: str, table: str, only: str = "") -> Callable[[str, dict[str, Any]], None]:
    """Reads of a table that do not ask to be consistent; `only`: of this id, else of all but the stop."""

    def asks(made: str, request: dict[str, Any]) -> None:
        if made != operation or (request.get("Key", {}).get("id", {}).get("S") == "stop") != (only == "stop"):
            return
        for name, asked in request.get("RequestItems", {request.get("TableName"): request}).items():
            if name.endswith(table):
                asked.pop("ConsistentRead", None)

    return asks


class Through:
    """A store, passed through."""

    def __init__(self, store: StorePort, mailbox: MailboxPort) -> None:
        self._store = store
        self._mailbox = mailbox

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Unmarked(Through):
    """Rows are not marked as delivered."""

    state = "delivered"

    def change(self, old: Message, new: Message) -> None:
        if new.state != self.state:
            self._store.change(old, new)


class Unheld(Unmarked):
    """Rows are not marked as held."""

    state = "held"


class WithoutCause(Through):
    """A transition does not mark what caused it."""

    def transition(self, old: Conversation, new: Conversation, row: Message | None, cause: Any) -> None:
        self._store.transition(old, new, row, None)


class WithoutRow(Through):
    """A transition is not logged."""

    def transition(self, old: Conversation, new: Conversation, row: Message | None, cause: Any) -> None:
        self._store.transition(old, new, None, cause)


class TouchedFirst(Through):
    """The conversation hears of a row before it is logged."""

    def append(self, row: Message) -> Message | None:
        with suppress(LostRace):
            self._store.touch(row, row.received_at)
        return self._store.append(row)


class PostedFirst(Through):
    """The letter is queued before its row is logged."""

    def append(self, row: Message) -> Message | None:
        if row.is_new:
            self._mailbox.post(Letter(row.conversation_id, row.id))
        return self._store.append(row)


class PostedBeforeTouch(Through):
    """The letter is queued before the conversation hears of its row, and a repeat finds nothing left to do."""

    def append(self, row: Message) -> Message | None:
        existing = self._store.append(row)
        if row.is_new:
            self._mailbox.post(Letter(row.conversation_id, row.id))
        return existing if existing is None else existing._replace(state="delivered")


def unsigned(operation: str, request: dict[str, Any]) -> None:
    """A row does not say which write it is by."""
    if operation == "PutItem":
        request["Item"].pop("written_as", None)


class Answering(Through):
    """What a person says is touched as if it were the usual case."""

    def transition(self, old: Conversation, new: Conversation, row: Message | None, cause: Any) -> None:
        if row is None and cause is None and new.last_said != old.last_said:
            new = old._replace(
                version=new.version, last_message=new.last_message, last_activity_at=new.last_activity_at
            )
        self._store.transition(old, new, row, cause)


class Remembering(Through):
    """After a lost race, what was read before is taken to be still so."""

    def __init__(self, store: StorePort, mailbox: MailboxPort) -> None:
        super().__init__(store, mailbox)
        self._known: dict[str, Conversation | None] = {}

    def conversation(self, conversation_id: str) -> Conversation | None:
        if conversation_id not in self._known:
            self._known[conversation_id] = self._store.conversation(conversation_id)
        return self._known[conversation_id]


class RememberingRows(Through):
    """The same for rows that were changed meanwhile."""

    def __init__(self, store: StorePort, mailbox: MailboxPort) -> None:
        super().__init__(store, mailbox)
        self._known: dict[tuple[str, str], Message | None] = {}

    def append(self, row: Message) -> Message | None:
        existing = self._store.append(row)
        self._known[row.conversation_id, row.id] = existing or row
        return existing

    def row(self, conversation_id: str, row_id: str) -> Message | None:
        key = (conversation_id, row_id)
        if key not in self._known:
            self._known[key] = self._store.row(*key)
        return self._known[key]


def giving_up(seconds: float) -> None:
    """A conflict is an outage."""
    raise Unavailable("given up")


def losing(seconds: float) -> None:
    """A conflict is a lost race."""
    raise LostRace("a conflict")


def without(one: Guard, other: Guard) -> Guard:
    """A program that lacks both."""

    def asks(operation: str, request: dict[str, Any]) -> None:
        one.asks(operation, request)
        other.asks(operation, request)

    return Guard(
        ignores=either(one.ignores, other.ignores),
        asks=asks,
        store=lambda store, mailbox: one.store(other.store(store, mailbox), mailbox),
        handoff=lambda handoff: one.handoff(other.handoff(handoff)),
        drops_repeats=one.drops_repeats and other.drops_repeats,
        keeps_groups=one.keeps_groups and other.keeps_groups,
    )


@dataclass(frozen=True)
class Missing:
    """A program with a guard less. `focus`: the acts around it; `cover`: what stands in for it, and goes as well.

    `scene`: what shows its absence for certain; else races do.
    """

    name: str
    guard: Guard
    focus: tuple[type[Act], ...] | None = None
    cover: str | None = None
    scene: Scene | None = None


APPEND = Guard(ignores=blind("PutItem", "messages", "id"))
UNMARKED = Guard(store=Unmarked)
TOUCH = "UpdateItem", "conversations"
NEWEST = Guard(ignores=blind(*TOUCH, "last_order"))
VERSION = Guard(ignores=blind("TransactPut", "conversations", "version"))
SENDS = (Replying, Replying, ReplyingAgain, Echoing, Echoing, MetaMood, MetaMood)
HANDOVER = (Saying, Delivering, Delivering, Pausing, Pausing, Resuming)
LATE = (Saying, SayingUnheard, ArrivingLate, ArrivingLate)

GUARDS = (
    Missing("a row is appended only where its id is free", APPEND),
    Missing(
        "a change relies on the row's state",
        Guard(ignores=blind("UpdateItem", "messages", "state")),
        scene=scenes.ECHO_BEFORE_ANSWER,
    ),
    Missing(
        "a change relies on the row's attempt",
        Guard(ignores=blind("UpdateItem", "messages", "attempt")),
        scene=scenes.ANSWER_OF_AN_EARLIER_ATTEMPT,
    ),
    Missing("a delivered row is marked", UNMARKED),
    Missing("a held row is marked", Guard(store=Unheld)),
    Missing("a transition relies on the version", VERSION, HANDOVER),
    Missing(
        "a plain write relies on the version",
        Guard(ignores=blind("PutItem", "conversations", "version")),
        scene=scenes.RESUMED_WHILE_NOTED,
    ),
    Missing(
        "a first write relies on there being none",
        Guard(ignores=either(blind("PutItem", "conversations", "id"), blind("TransactPut", "conversations", "id"))),
        scene=scenes.BOTH_BEGIN,
    ),
    Missing(
        "a transition's row takes only a free id",
        without(VERSION, Guard(ignores=blind("TransactPut", "messages", "id"))),
        HANDOVER,
        "a transition relies on the version",
    ),
    Missing("a transition is logged", Guard(store=WithoutRow)),
    Missing("a transition marks its cause", Guard(store=WithoutCause), scene=scenes.ASKED_TWICE),
    Missing(
        "a transition relies on its cause",
        Guard(ignores=blind("TransactUpdate", "messages", "state", "caused")),
        scene=scenes.SENT_WHILE_ITS_REPEAT_PAUSES,
    ),
    Missing("a touch is of the newest row", NEWEST, scene=scenes.REACTED_BEFORE),
    Missing("a touch is the latest activity", Guard(ignores=blind(*TOUCH, "activity")), scene=scenes.TOUCHED_LATE),
    Missing(
        "a touch is of what was said last",
        without(NEWEST, Guard(ignores=blind(*TOUCH, "last_user_message_at"))),
        cover="a touch is of the newest row",
        scene=scenes.SAID_BEFORE,
    ),
    Missing(
        "a touch is of what was received last",
        Guard(ignores=blind(*TOUCH, "last_received_at")),
        scene=scenes.LATE_TOUCH,
    ),
    Missing("a touch begins no wait", Guard(ignores=blind(*TOUCH, "waiting_since", "paused_since"))),
    Missing("a touch is of no answer", Guard(store=Answering)),
    Missing(
        "marks never go back", Guard(ignores=blind(*TOUCH, "seen_at", "delivered_at", "read_at")), (Marking, Seeing)
    ),
    Missing("a mark makes no conversation", Guard(ignores=blind(*TOUCH, "id"))),
    Missing(
        "the stop relies on its version",
        Guard(ignores=blind("PutItem", "conversations", "version", "id", rows="stop")),
        scene=scenes.STOPPED_TWICE,
    ),
    Missing("rows are read consistently", Guard(asks=carelessly("GetItem", "messages"))),
    Missing("a conversation is read consistently", Guard(asks=carelessly("GetItem", "conversations"))),
    Missing("deliver reads consistently", Guard(asks=carelessly("BatchGetItem", "conversations"))),
    Missing(
        "the stop is read consistently",
        Guard(asks=carelessly("GetItem", "conversations", "stop")),
        scene=scenes.STOPPED_AGAIN,
    ),
    Missing("history is read consistently", Guard(asks=carelessly("Query", "messages"))),
    Missing("a conflict is tried again", Guard(sleep=giving_up)),
    Missing("a conflict is no lost race", Guard(sleep=losing)),
    Missing("a lost race reads the conversation again", Guard(store=Remembering)),
    Missing(
        "a lost race reads the row again",
        Guard(store=RememberingRows),
        scene=replace(scenes.ECHO_BEFORE_ANSWER, expects="fails"),
    ),
    Missing("a write whose answer was lost knows its row again", Guard(asks=unsigned), (Saying, Replying)),
    Missing("log before touch", Guard(store=TouchedFirst)),
    Missing("log before queue", Guard(store=PostedFirst)),
    Missing("touch before queue", Guard(store=PostedBeforeTouch)),
    Missing("one letter of a group at a time", Guard(keeps_groups=False)),
    Missing(
        "repeats are dropped by the queue",
        without(UNMARKED, Guard(drops_repeats=False)),
        cover="a delivered row is marked",
        scene=scenes.REPEATED_BEFORE_DELIVERY,
    ),
)


def caught_by(missing: Missing, races: int) -> tuple[str, str] | None:
    """Where the guard was missed first, in its scene or in a race, and what noticed; None where nothing did."""
    if missing.scene is not None:
        try:
            play(missing.scene, missing.guard)
        except Violation as violation:
            found = str(violation).partition(":")[0]
            return ("scene", found) if str(violation).startswith(missing.scene.expects) else None
        return None
    for seed in range(races):
        try:
            race(seed, missing.guard, missing.focus)
        except Violation as violation:
            return f"seed {seed}", str(violation).partition(":")[0]
        except Exception as error:
            return f"seed {seed}", f"fails: {type(error).__name__}"
    return None
