"""Pause, resume, the end of a pause, the global stop: who holds a conversation, and how that changes.

Every change reads consistently, decides by the pure functions of `conversation`, and writes conditioned on what it
read; where it lost a race it reads and decides again. A transition, its row in the log and the mark on the row that
caused it are one transaction, so that dying between them is impossible and doing it twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from chalicelib.conversation import (
    STOP,
    SYSTEM,
    Actor,
    Address,
    Conversation,
    Message,
    Pause,
    Stop,
    paused,
    releases,
    repaused,
    resumed,
    touched,
    transition_row,
)
from chalicelib.errors import LostRace, NotFound, Unavailable
from chalicelib.ports import Clock, StorePort

RACES = 25
"""How often a change is decided anew after losing a race before the caller is told to try again."""
LIFT_TIME = 15_000
"""Milliseconds that lifting the global stop may spend on ending its pauses."""
MINUTE = 60_000


class Handoff:
    """Who holds a conversation: the bot or a person."""

    def __init__(self, store: StorePort, clock: Clock, release: str) -> None:
        self._store = store
        self._clock = clock
        self._release = release

    def pause(
        self,
        conversation_id: str,
        by: Actor,
        reason: str | None = None,
        minutes: int | None = None,
        cause_id: str | None = None,
    ) -> Conversation:
        """Silence the bot at once. A second pause changes the end and reason only, a repeated cause nothing.

        `cause_id` is the row by which the bot was asked: it counts as delivered in the same transaction.
        """

        def decide(conversation: Conversation, now: int) -> _Change | None:
            cause = self._cause(conversation_id, cause_id)
            if cause is not None and cause.caused is not None and not _released_by(cause, conversation):
                return None
            until = None if minutes is None else self._clock() + minutes * MINUTE
            if conversation.pause is None:
                return _pausing(conversation, by, reason, until, now, cause, "delivered")
            new = repaused(conversation, until, reason, by)
            if new == conversation and cause is None:
                return None
            return new, None, None if cause is None else (cause, _marked(cause, new, "delivered"))

        return self._change(conversation_id, decide)

    def resume(self, conversation_id: str, by: Actor, reason: str | None = None) -> Conversation:
        """Give the conversation back to the bot; of an active one, nothing changes."""
        return self._change(conversation_id, lambda conversation, now: _resuming(conversation, by, reason, now))

    def release(self, row: Message) -> tuple[Conversation, Message]:
        """Resume for the user who asked for the bot by this row, where it still ends the pause. Row as it is then."""
        mark = row

        def decide(conversation: Conversation, now: int) -> _Change | None:
            nonlocal mark
            current = self._store.row(row.conversation_id, row.id) or row
            if not releases(conversation, current, self._release):
                mark = current
                return None
            mark = replace(current, caused=conversation.epoch + 1)
            change = _resuming(conversation, Actor("user", Address.parse(row.conversation_id).user_id, ""), None, now)
            return None if change is None else (change[0], change[1], (current, mark))

        return self._change(row.conversation_id, decide), mark

    def give_up(self, row: Message, reason: str) -> Conversation:
        """Pause because the bot does not take this row, and hold the row under that pause. A pause stays."""

        def decide(conversation: Conversation, now: int) -> _Change | None:
            if conversation.pause is not None:
                return None
            current = self._store.row(row.conversation_id, row.id) or row
            return _pausing(conversation, SYSTEM, reason, None, now, current, "held")

        return self._change(row.conversation_id, decide)

    def settled(self, conversation: Conversation, stop: Stop) -> Conversation:
        """The conversation after what is due now has been done: a pause that ended, the global stop set or lifted."""
        ended = conversation.pause is not None and conversation.pause_at(self._clock()) is None
        if not ended and not _is_due(conversation, stop):
            return conversation

        def decide(current: Conversation, now: int) -> _Change | None:
            if not _is_due(current, stop):
                return None
            if current.pause is None:
                return _pausing(current, STOP, stop.reason, None, now, None, "held")
            return _resuming(current, STOP, "the global stop was lifted", now)

        return self._change(conversation.id, decide)

    def touch(self, row: Message) -> None:
        """Let the conversation know of a row that was logged: in one write in the usual case, else by reading first."""
        now = self._clock()
        try:
            self._store.touch(row, now)
        except LostRace:
            self.amend(row.conversation_id, lambda conversation: touched(conversation, row, now))

    def amend(self, conversation_id: str, change: Callable[[Conversation], Conversation]) -> Conversation:
        """Change a conversation by a pure function; made new where there is none yet."""
        for _ in range(RACES):
            old = self._store.conversation(conversation_id) or Conversation(id=conversation_id)
            new = change(old)
            if new == old:
                return old
            new = replace(new, version=old.version + 1)
            try:
                self._store.save(old, new)
            except LostRace:
                continue
            return new
        raise Unavailable("This conversation is changing too fast. Try again.")

    def set_stop(self, is_paused: bool, by: Actor, reason: str | None) -> Stop:
        """Set or lift the global stop; to set it again changes its reason only."""
        for _ in range(RACES):
            old = self._store.stop()
            since = old.since if old.paused else self._clock()
            new = Stop(is_paused, reason if is_paused else None, by, since if is_paused else None, old.version + 1)
            if (old.paused, old.reason) == (new.paused, new.reason):
                return old
            try:
                self._store.set_stop(old, new)
            except LostRace:
                continue
            return new
        raise Unavailable("The global stop is changing too fast. Try again.")

    def end_stop_pauses(self) -> None:
        """End the pauses of the lifted global stop, as many as time allows; whoever meets the others ends them."""
        deadline = self._clock() + LIFT_TIME
        cursor = None
        while self._clock() < deadline:
            page = self._store.list("paused", self._clock(), 100, cursor)
            for conversation in page.conversations:
                self.settled(conversation, Stop())
            cursor = page.cursor
            if cursor is None:
                return

    def _cause(self, conversation_id: str, cause_id: str | None) -> Message | None:
        if cause_id is None:
            return None
        cause = self._store.row(conversation_id, cause_id)
        if cause is None:
            raise NotFound("There is no message with this message_id in the conversation.")
        return cause

    def _change(self, conversation_id: str, decide: Callable[[Conversation, int], _Change | None]) -> Conversation:
        for _ in range(RACES):
            old = self._store.conversation(conversation_id)
            if old is None:
                raise NotFound("There is no such conversation. It begins with the user's first message.")
            now = max(self._clock(), old.changed_at + 1)
            ended = old.pause is not None and old.pause_at(now) is None
            change = _resuming(old, SYSTEM, "the pause ended", now) if ended else decide(old, now)
            if change is None:
                return old
            new, row, cause = change
            new = replace(new, version=old.version + 1)
            try:
                self._store.transition(old, new, row, cause)
            except LostRace:
                continue
            if not ended:
                return new
        raise Unavailable("This conversation is changing too fast. Try again.")


_Change = tuple[Conversation, Message | None, tuple[Message, Message] | None]
"""The new conversation, the transition's row if it is one, and the row that caused it, before and after."""


def _is_due(conversation: Conversation, stop: Stop) -> bool:
    if conversation.pause is None:
        return stop.paused
    return not stop.paused and conversation.pause.by == STOP


def _released_by(cause: Message, conversation: Conversation) -> bool:
    """Whether this row's release led to the conversation as it is; a pause by the same row is then a new effect."""
    return conversation.pause is None and cause.caused == conversation.epoch


def _pausing(
    old: Conversation,
    by: Actor,
    reason: str | None,
    until: int | None,
    now: int,
    cause: Message | None,
    outcome: Literal["delivered", "held"],
) -> _Change:
    new = paused(old, Pause(now, until, by, reason))
    row = transition_row(new, by, reason, now)
    return new, row, None if cause is None else (cause, _marked(cause, new, outcome))


def _resuming(old: Conversation, by: Actor, reason: str | None, now: int) -> _Change | None:
    if old.pause is None:
        return None
    new = resumed(old, now)
    return new, transition_row(new, by, reason, now), None


def _marked(cause: Message, conversation: Conversation, outcome: Literal["delivered", "held"]) -> Message:
    if not cause.is_new:
        return replace(cause, caused=conversation.epoch)
    held_under = conversation.epoch if outcome == "held" else None
    return replace(cause, caused=conversation.epoch, state=outcome, held_under=held_under)
