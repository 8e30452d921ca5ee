"""Admission: whether what somebody wants to say may be said now. Meta is asked only after a yes.

Of a bot's send the global stop is read, and then the conversation's touch is conditioned on its being active, and at
the epoch that the send carries: a pause and a send of the bot thereby meet in one row, and one of them comes first. An
operator's reply is never refused for a pause; it pauses, in the same write as its touch.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.conversation import Conversation, Window, reply_window
from chalicelib.errors import NotFound, Refused
from chalicelib.handoff import Handoff
from chalicelib.message import Actor, LastMessage, Message, preview

if TYPE_CHECKING:
    from chalicelib.ports import Clock, StorePort

ANSWERED = "an operator answered"
NEVER_SAID = ("failed", "refused")
LOOKED_BACK = 100
"""Rows among which a colleague's answer is looked for where a later one has failed."""


class Admission:
    """Says who may speak. `human_agent`: Meta lets operators answer for seven days instead of one."""

    def __init__(self, store: StorePort, handoff: Handoff, clock: Clock, *, human_agent: bool) -> None:
        self._store = store
        self._handoff = handoff
        self._clock = clock
        self._human_agent = human_agent

    def admit(self, row: Message, by: Actor, epoch: int | None, seen_id: str | None) -> Window | None:
        """Admit this queued row of what `by` wants to say, or raise Refused. The window for Meta, None for a bot's."""
        conversation, stop = self._store.conversation_and_stop(row.conversation_id)
        if conversation is None:
            raise NotFound("There is no such conversation. It begins with the user's first message.")
        if by.type == "bot" and stop.paused:
            if conversation.last_message is not None and conversation.last_message.author == "user":
                self._handoff.settled(conversation, stop)  # which pauses it: somebody waits for what is not said
            text = "The global stop is set: no bot speaks. Try again once it is lifted."
            raise Refused(text, "stopped", can_retry=True)
        conversation = self._handoff.settled(conversation, stop)
        if by.type == "bot":
            self._handoff.admit(row, lambda current: _check_turn(current, epoch), epoch)
            return None
        window = reply_window(conversation.last_user_message_at, self._clock(), self._human_agent)
        if window is not None and window.type == "closed":
            raise _closed(window, self._human_agent)

        def check(current: Conversation) -> None:
            _check_epoch(current, epoch)
            self._check_seen(current, by, seen_id)

        self._handoff.take(row, by, ANSWERED, check)
        return window

    def said_since(self, conversation: Conversation, by: Actor, seen_id: str | None) -> LastMessage | None:
        """What another person has said, or is saying, after the row that `by` has seen last."""
        said = conversation.last_said
        seen = None if seen_id is None else self._store.row(conversation.id, seen_id)
        if said is None or seen is None or said.order <= seen.order or said.by == by:
            return None
        row = self._store.row(conversation.id, said.id)
        if row is None or row.state not in NEVER_SAID:
            return said
        log = self._store.history(conversation.id, LOOKED_BACK).messages  # what it hides came before it
        others = (each for each in log if each.by_person and each.by != by and each.order > seen.order)
        return next((preview(each) for each in others if each.state not in NEVER_SAID), None)

    def _check_seen(self, conversation: Conversation, by: Actor, seen_id: str | None) -> None:
        said = self.said_since(conversation, by, seen_id)
        if said is not None:
            who = (said.by and said.by.name) or "Somebody"
            text = f"{who} has answered meanwhile. Read that first; to send yours all the same, send it again."
            raise Refused(text, "someone_answered", can_retry=True)


def _check_turn(conversation: Conversation, epoch: int | None) -> None:
    if conversation.pause is not None:
        raise Refused("The conversation is paused: a person answers, not the bot.", "paused", can_retry=True)
    _check_epoch(conversation, epoch)


def _check_epoch(conversation: Conversation, epoch: int | None) -> None:
    if epoch is not None and epoch != conversation.epoch:
        text = (
            f"This answers epoch {epoch}, and the conversation is at {conversation.epoch}: it has changed hands since."
        )
        raise Refused(text, "stale_epoch", can_retry=False)


def _closed(window: Window, human_agent: bool) -> Refused:
    since = datetime.fromtimestamp(window.until / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    days = "7 days" if human_agent else "24 hours"
    text = f"Meta's time for answering, {days} after the user's last message, ended {since}. They must write again."
    return Refused(text, "window_closed", can_retry=False)
