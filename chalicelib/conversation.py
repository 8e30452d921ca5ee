"""Conversations and how they change. Pure: no I/O, and the clock is always passed in.

A conversation is one user talking to one Page. Every change here is a function from the old value to the new one, so
that the store can write it conditioned on the old one, and so that doing the same change twice changes nothing more.
All times are milliseconds since the epoch: `last_user_message_at` and the marks `delivered_at` and `read_at` are
Meta's, the others ours.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from chalicelib.message import Actor, LastMessage, Message, preview, release_of

DAY = 24 * 60 * 60_000
HUMAN_AGENT_DAYS = 7
"""How long Meta lets a person answer under its tag HUMAN_AGENT."""


class Pause(NamedTuple):
    """Why the bot is silent: since when, until when (None: until somebody resumes), by whom, and the reason.

    `length`, in ms, is how long it lasts from whatever a person says in it; None where it has no end.
    """

    since: int
    until: int | None
    by: Actor
    reason: str | None
    length: int | None = None


class Conversation(NamedTuple):
    """One user talking to one Page.

    `epoch` rises by one with every pause and resume, so that pauses have odd ones; `version` with every write, and each
    write is conditioned on it or on what it relies on. `pause` may have ended already: ask `pause_at`. `last_said` is
    the newest that a person on our side has said or is about to. The bot has been told of the transitions up to
    `told_epoch`, the last resume among them being `handed_epoch`. `called_epoch` is the pause to which the operators
    were called last, `profile_due_at` when the name and picture are asked for again.
    """

    id: str
    epoch: int = 0
    version: int = 0
    pause: Pause | None = None
    waiting_since: int | None = None
    changed_at: int = 0
    last_activity_at: int = 0
    last_message: LastMessage | None = None
    last_user_message_at: int | None = None
    last_received_at: int | None = None
    last_answer_at: int | None = None
    last_operator: Actor | None = None
    last_operator_at: int | None = None
    last_said: LastMessage | None = None
    seen_at: int | None = None
    delivered_at: int | None = None
    read_at: int | None = None
    name: str | None = None
    picture_url: str | None = None
    draining: str | None = None
    told_epoch: int = 0
    handed_epoch: int = 0
    called_epoch: int | None = None
    profile_due_at: int | None = None

    def pause_at(self, now: int) -> Pause | None:
        """The pause that holds at this time; None once it has ended, whether or not anybody has acted on that."""
        if self.pause is None or (self.pause.until is not None and self.pause.until <= now):
            return None
        return self.pause

    @property
    def has_news(self) -> bool:
        """Whether the bot is to be told of a transition, or given what was held."""
        return self.told_epoch < self.epoch or (self.pause is None and self.draining is not None)

    @property
    def unread(self) -> bool:
        """Whether the user has said something that nobody has looked at."""
        return self.last_received_at is not None and self.last_received_at > (self.seen_at or 0)


class Stop(NamedTuple):
    """The global stop: while `paused`, no bot speaks in any conversation."""

    paused: bool = False
    reason: str | None = None
    by: Actor | None = None
    since: int | None = None
    version: int = 0


class Window(NamedTuple):
    """What Meta lets an operator answer under: within a day, as a human agent within seven, or not any more.

    `until` is when that ends or, of a closed one, when it ended.
    """

    type: Literal["response", "human_agent", "closed"]
    until: int


class Disconnection(NamedTuple):
    """A Page whose access token Meta does not take any more: since when, and what to do about it."""

    since: int
    reason: str


SYSTEM = Actor("system", "system", "chalice-hitl")
STOP = Actor("system", "stop", "Global stop")
"""Who makes the pauses of the global stop."""


def touched(conversation: Conversation, row: Message, now: int) -> Conversation:
    """The conversation after this row was logged.

    Everything follows from times that are stored with the row, so that touching twice, late or in another order ends
    in the same state.
    """
    last = conversation.last_message
    changed = conversation._replace(
        last_activity_at=max(conversation.last_activity_at, now),
        last_message=last if last is not None and last.order > row.order else preview(row),
    )
    said = conversation.last_said
    if row.by_person and (said is None or said.order < row.order):
        changed = changed._replace(last_said=preview(row))
    if row.wants_person:
        changed = changed._replace(
            last_user_message_at=max(conversation.last_user_message_at or 0, row.sent_at),
            last_received_at=max(conversation.last_received_at or 0, row.received_at),
        )
        if changed.pause is not None and row.received_at > (changed.last_answer_at or 0):
            since = max(row.received_at, changed.pause.since)
            changed = changed._replace(waiting_since=min(changed.waiting_since or since, since))
    return answered(changed, row) if row.is_answer else changed


def answered(conversation: Conversation, row: Message) -> Conversation:
    """The conversation after a person's answer went out: nobody waits but for what came later."""
    at = max(conversation.last_answer_at or 0, row.given_at)
    changed = conversation._replace(last_answer_at=at, waiting_since=still_waiting(conversation, at))
    if row.author == "operator" and row.by is not None:
        last = conversation.last_operator_at or 0, conversation.last_operator or row.by
        at, by = max(last, (row.given_at, row.by))  # of two in the same millisecond always the same one
        changed = changed._replace(last_operator=by, last_operator_at=at)
    return changed


def still_waiting(conversation: Conversation, answered_at: int) -> int | None:
    """Since when the user waits once a person has answered at this time; None where nothing has come since.

    Of several that have come since it is the newest, whose time alone is kept here.
    """
    waiting, received = conversation.waiting_since, conversation.last_received_at or 0
    if waiting is not None and waiting <= answered_at:
        return received if received > answered_at else None
    return waiting


def paused(conversation: Conversation, pause: Pause) -> Conversation:
    """The conversation after a transition to paused; a person's answer is due from now on.

    The bot need not be told of its own pause.
    """
    epoch = conversation.epoch + 1
    return conversation._replace(
        epoch=epoch,
        told_epoch=epoch if pause.by.type == "bot" else conversation.told_epoch,
        pause=pause,
        waiting_since=pause.since,
        changed_at=pause.since,
        last_activity_at=max(conversation.last_activity_at, pause.since),
    )


def repaused(
    conversation: Conversation, until: int | None, reason: str | None, by: Actor, length: int | None = None
) -> Conversation:
    """A second pause of a paused conversation changes its end and its reason where they are given, not its epoch.

    A pause of the global stop becomes the caller's own, so that lifting the stop does not end it. A bot, which may come
    late, never makes a pause end earlier that a person has made or spoken in.
    """
    old = conversation.pause
    if old is None:
        return conversation
    is_earlier = until is not None and (old.until is None or until < old.until)
    is_persons = old.by.type in ("operator", "page_inbox") or (conversation.last_answer_at or 0) >= old.since
    if is_earlier and by.type == "bot" and is_persons and old.by != STOP:
        until = None
    pause = old._replace(
        until=old.until if until is None else until,
        length=old.length if until is None else length,
        reason=old.reason if reason is None else reason,
        by=by if old.by == STOP else old.by,
    )
    return conversation._replace(pause=pause)


def resumed(conversation: Conversation, now: int, start: str | None = None) -> Conversation:
    """The conversation after a transition to active.

    `start` is the key of the first held row that the bot is to be given, None where it is given none of them. What an
    earlier resume has left is given first, or dropped too.
    """
    return conversation._replace(
        epoch=conversation.epoch + 1,
        draining=None if start is None else min(start, conversation.draining or start),
        pause=None,
        waiting_since=None,
        changed_at=now,
        last_activity_at=max(conversation.last_activity_at, now),
    )


def wants_call(conversation: Conversation, now: int) -> bool:
    """Whether operators are still to be called: the bot, or its failure, has paused; not a person or the stop."""
    pause = conversation.pause_at(now)
    if pause is None or conversation.called_epoch == conversation.epoch:
        return False
    return pause.by.type == "bot" or pause.by == SYSTEM


def called(conversation: Conversation, epoch: int) -> Conversation:
    """The conversation after the operators were called to the pause of this epoch."""
    return conversation._replace(called_epoch=max(conversation.called_epoch or 0, epoch))


def wants_profile(conversation: Conversation, now: int) -> bool:
    """Whether the name and picture are to be asked for."""
    return (conversation.profile_due_at or 0) <= now


def transition_row(conversation: Conversation, by: Actor, reason: str | None, now: int) -> Message:
    """The row `t:<epoch>` that says who made this transition and why; it is newer than the pause that it ends."""
    pause = conversation.pause
    return Message(
        conversation_id=conversation.id,
        id=f"t:{conversation.epoch}",
        author="system",
        by=by,
        kind="resumed" if pause is None else "paused",
        text=reason,
        sent_at=now,
        received_at=now,
        details={"epoch": conversation.epoch} | ({} if pause is None else {"until": pause.until}),
    )


def releases(conversation: Conversation, row: Message, release: str) -> bool:
    """Whether this row ends the conversation's pause.

    One that names an epoch ends that pause only; one that does not must have been sent after the pause began.
    """
    if row.kind != "postback" or row.caused is not None or conversation.pause is None:
        return False
    is_release, epoch = release_of((row.details or {}).get("payload"), release)
    return is_release and (epoch == conversation.epoch if epoch is not None else row.sent_at > conversation.changed_at)


def reply_window(last_user_message_at: int | None, now: int, human_agent: bool) -> Window | None:
    """The window that is open `now`; None where we know of nothing that the user has said, so that Meta must decide."""
    if last_user_message_at is None:
        return None
    ends = last_user_message_at + DAY
    if now < ends:
        return Window("response", ends)
    if human_agent:
        ends = last_user_message_at + HUMAN_AGENT_DAYS * DAY
        if now < ends:
            return Window("human_agent", ends)
    return Window("closed", ends)
