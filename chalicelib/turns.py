"""How a conversation changes hands: what a pause, a person's words and a resume make of it and of its rows. Pure.

A `Change` is what one transaction writes; `conversation` has the states themselves.
"""

from __future__ import annotations

from typing import Literal

from chalicelib.conversation import (
    STOP,
    Conversation,
    Pause,
    Stop,
    paused,
    resumed,
    still_waiting,
    touched,
    transition_row,
)
from chalicelib.message import Actor, Message, held_key

Change = tuple[Conversation, Message | None, tuple[Message, Message] | None]
"""The new conversation, the transition's row if it is one, and the row that caused it, before and after."""


def pausing(old: Conversation, pause: Pause, cause: Message | None, outcome: Literal["delivered", "held"]) -> Change:
    """A pause of an active conversation; what becomes of the row that caused it."""
    new = paused(old, pause)
    row = transition_row(new, pause.by, pause.reason, pause.since)
    return new, row, None if cause is None else (cause, marked(cause, new, outcome))


def taking(old: Conversation, row: Message, pause: Pause, now: int) -> Change:
    """A pause by a person's speaking in an active conversation. It begins with what they said.

    The user waits from then on until that has gone out, or something later has.
    """
    new = paused(old, pause)._replace(waiting_since=min(pause.since, row.given_at))
    new = touched(new._replace(waiting_since=still_waiting(new, old.last_answer_at or 0)), row, now)
    log = transition_row(new, pause.by, pause.reason, pause.since)
    return new, log, (row, row._replace(caused=new.epoch))


def resuming(old: Conversation, by: Actor, reason: str | None, now: int, start: str | None = None) -> Change | None:
    """A resume, which gives the bot what was held from the key `start` on; None where nothing is paused."""
    if old.pause is None:
        return None
    new = resumed(old, now, start)
    return new, transition_row(new, by, reason, now), None


def renewed(conversation: Conversation, row: Message, by: Actor, length: int | None) -> Conversation:
    """A paused conversation after a person has spoken in it: the pause lasts its own length from then on.

    A pause of the global stop becomes theirs, of the given length, so that lifting the stop does not end it.
    """
    pause = conversation.pause
    if pause is None:
        return conversation
    if pause.by == STOP:
        until = None if length is None else row.given_at + length
        return conversation._replace(pause=pause._replace(by=by, until=until, length=length))
    if pause.until is None or pause.length is None:
        return conversation
    return conversation._replace(pause=pause._replace(until=max(pause.until, row.given_at + pause.length)))


def marked(cause: Message, conversation: Conversation, outcome: Literal["delivered", "held"]) -> Message:
    """The row that has led to this; where the bot has still to be given it, that is done or put off thereby.

    A row on which the bot failed keeps the mark that it had: the bot may have it yet, and pause by it then.
    """
    if not cause.is_new and cause.state != "held":
        return cause._replace(caused=conversation.epoch)
    if outcome == "held":
        return cause._replace(state="held", held_under=conversation.epoch) if cause.is_new else cause
    return cause._replace(caused=conversation.epoch, state="delivered", held_under=None)


def has_paused(cause: Message) -> bool:
    """Whether a pause by this row is a repetition.

    Pauses have odd epochs. One that follows what the row released is a new effect, and so is one by a row that is held:
    the bot has not had it.
    """
    return cause.caused is not None and cause.caused % 2 == 1 and cause.state != "held"


def is_due(conversation: Conversation, stop: Stop) -> bool:
    """Whether the global stop, set or lifted, has still to have its effect here."""
    if conversation.pause is None:
        return stop.paused
    return not stop.paused and conversation.pause.by == STOP


def told(conversation: Conversation, epoch: int) -> Conversation:
    """The conversation after the bot was told of the transition to this epoch."""
    return conversation._replace(
        told_epoch=max(conversation.told_epoch, epoch),
        handed_epoch=conversation.handed_epoch if epoch % 2 else max(conversation.handed_epoch, epoch),
    )


def is_left_behind(conversation: Conversation, row: Message) -> bool:
    """Whether this row was held under a pause that had just ended, before what is being given since, and unanswered."""
    if conversation.draining is None or row.held_under is None or conversation.epoch != row.held_under + 1:
        return False
    is_answered = row.received_at <= (conversation.last_answer_at or 0)
    return held_key(row.held_under, row.order) < conversation.draining and not is_answered


def drained(conversation: Conversation, epoch: int, start: str) -> Conversation:
    """The conversation after the bot was given all that was held from `start` on, unless it has moved on since."""
    if conversation.epoch != epoch or conversation.draining != start:
        return conversation
    return conversation._replace(draining=None)
