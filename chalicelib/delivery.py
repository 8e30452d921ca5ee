"""Deliver: a user's event reaches the bot, or is held while a person is wanted.

Runs for one letter of the queue, never twice at once within a conversation. What it does follows from the row and the
conversation as they are read now, consistently, so that a letter that comes again does only what is still to do.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.bots import BotPort, Delivery
from chalicelib.conversation import STOP, Conversation
from chalicelib.errands import Errands
from chalicelib.errors import BotFailed, Conflict, LostRace
from chalicelib.handoff import Handoff
from chalicelib.handovers import Handovers
from chalicelib.mailbox import ERRANDS, NUDGE, Letter
from chalicelib.message import Actor, Address, Message
from chalicelib.messenger import Outgoing, Profile
from chalicelib.replies import AGAIN, Replies
from chalicelib.turns import drained, is_left_behind, told

if TYPE_CHECKING:
    from chalicelib.ports import Clock, MailboxPort, StorePort, TelemetryPort

logger = logging.getLogger(__name__)

BOT_TRIES = 5
"""How often a bot is given an event before a person is called; fewer than the queue's own limit."""
BOT = Actor("bot", "bot", "Bot")
SILENT = "the bot does not answer"

HANDOVER_TRIES = 3
"""How often a bot is told of a transition; the user's messages wait meanwhile."""
DRAIN_TIME = 9_000
"""Milliseconds of a letter after which no further held row is begun: the last one may take the bot ten seconds of the
thirty, and telling it of a pause that came meanwhile ten more."""

Outcome = Literal["delivered", "held", "done"]


class Deliveries:
    """Gives letters to the bot."""

    def __init__(
        self,
        store: StorePort,
        mailbox: MailboxPort,
        handoff: Handoff,
        replies: Replies,
        errands: Errands,
        bot: BotPort,
        telemetry: TelemetryPort,
        clock: Clock,
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._handoff = handoff
        self._replies = replies
        self._errands = errands
        self._bot = bot
        self._telemetry = telemetry
        self._clock = clock
        self._handovers = Handovers(store)

    def deliver(self, letter: Letter, tries: int) -> Outcome:
        """Deliver or hold the row that a letter names, on the `tries`-th try. BotFailed: let it come again later.

        In an active conversation the bot is first told of the last transition, if it has not been. While held rows
        are being delivered, the letter's own row takes its place behind them. A nudge does that much without a row.
        An errand is run.
        """
        end = self._clock() + DRAIN_TIME
        if letter.kind in ERRANDS:
            self._errands.run(letter)
            return "done"
        if letter.kind == NUDGE:
            conversation = self._current(letter.conversation_id, None)
            if conversation is not None:
                self._drain(self._told(conversation, tries), tries, end)
            return "done"
        row = self._store.row(letter.conversation_id, letter.message_id)
        if row is None or not (row.is_new or row.state == "held"):
            return "done"
        conversation = self._current(letter.conversation_id, row) or Conversation(id=letter.conversation_id)
        if row.is_new:
            conversation, row = self._released(row, conversation)
        outcome = self._settle(row, conversation, tries, end)
        self._errands.queue_profile(conversation)  # last, so that nothing lies between what was read and the bot
        return outcome

    def _settle(self, row: Message, conversation: Conversation, tries: int, end: int) -> Outcome:
        if conversation.pause is not None or (not row.is_new and conversation.draining is None):
            return self._hold(row, conversation)
        conversation = self._told(conversation, tries)
        if row.is_new and conversation.pause is None and conversation.draining is None:
            return self._give(row, conversation, tries)
        outcome = self._hold(row, conversation)
        self._drain(conversation, tries, end)
        return outcome

    def _current(self, conversation_id: str, row: Message | None) -> Conversation | None:
        """The conversation and the stop, read now, after what is due has been done; made by `row` if it is missing."""
        found, stop = self._store.conversation_and_stop(conversation_id)
        if found is None and row is not None:
            self._handoff.touch(row)
            found, stop = self._store.conversation_and_stop(conversation_id)
        return None if found is None else self._handoff.settled(found, stop)

    def _released(self, row: Message, conversation: Conversation) -> tuple[Conversation, Message]:
        """Both after the user's wish to have the bot back, if this row is one."""
        if conversation.pause is None or conversation.pause.by == STOP:
            return conversation, row
        released, row = self._handoff.release(row)
        if released.epoch == conversation.epoch:
            return released, row
        return self._current(row.conversation_id, row) or released, row

    def _told(self, conversation: Conversation, tries: int) -> Conversation:
        """The conversation after the bot was told of its last transition; what it does not take in time is dropped.

        It is read again after each, because the bot, or anybody meanwhile, may have made the next one.
        """
        while conversation.told_epoch < conversation.epoch:
            self._tell(conversation, tries)
            conversation = self._current(conversation.id, None) or conversation
        return conversation

    def _tell(self, conversation: Conversation, tries: int) -> None:
        epoch = conversation.epoch
        row = self._store.row(conversation.id, f"t:{epoch}")
        if row is not None:
            try:
                self._hand(row, self._handovers.event(conversation, row), conversation)
            except BotFailed as failure:
                if failure.retry and tries < HANDOVER_TRIES:
                    raise
                logger.warning("The bot is told no more of a transition: %s", failure.message)
        self._handoff.amend(conversation.id, lambda current: told(current, epoch))

    def _drain(self, conversation: Conversation, tries: int, end: int) -> None:
        """Give the bot what was held, oldest first, as long as nobody pauses and there is time; a nudge goes on."""
        while conversation.pause is None and conversation.draining is not None:
            rows = self._store.held(conversation.id, conversation.draining, 1)
            if not rows:
                self._drained(conversation.id, conversation.epoch, conversation.draining)
                return
            if self._clock() >= end:
                self._mailbox.post(Letter(conversation.id, f"t:{conversation.epoch}:{rows[0].id}", NUDGE))
                return
            self._give(rows[0], conversation, tries)
            conversation = self._told(self._current(conversation.id, None) or conversation, tries)

    def _drained(self, conversation_id: str, epoch: int, start: str) -> None:
        self._handoff.amend(conversation_id, lambda current: drained(current, epoch, start))

    def _give(self, row: Message, conversation: Conversation, tries: int) -> Outcome:
        try:
            was_stopped = self._hand(row, json.loads(row.raw or "{}"), conversation)
        except BotFailed as failure:
            if failure.retry and tries < BOT_TRIES:
                raise
            return self._hold(row, self._handoff.give_up(row, SILENT))
        self._mark(row, row._replace(state="delivered", held_under=None))
        if was_stopped:
            self._current(row.conversation_id, row)  # which pauses it: somebody waits for what the bot could not say
        self._telemetry.add("Delivered")
        if row.is_new:  # how long somebody was held says nothing of how quick we are
            self._telemetry.add("DeliveryLatency", max(0, self._clock() - row.received_at))
        return "delivered"

    def _hand(self, row: Message, event: Mapping[str, Any], conversation: Conversation) -> bool:
        """Hand an event to the bot; whether the global stop has kept it from answering."""
        address = Address.parse(row.conversation_id)
        delivery = Delivery(
            conversation_id=row.conversation_id,
            platform=address.platform,
            page_id=address.page_id,
            user_id=address.user_id,
            epoch=conversation.epoch,
            message_id=row.id,
            event=event,
            sent_at=row.sent_at,
            correlation_id=row.correlation_id,
        )
        speaker = _Speaker(row, conversation.epoch, self._handoff, self._replies, self._errands)
        begun = self._clock()
        with self._about(row, "bot"):
            try:
                self._bot.deliver(delivery, speaker)
            except BotFailed as failure:
                self._telemetry.add("BotFailed")
                logger.warning("The bot has not taken an event: %s", failure.message)
                raise
            finally:
                took = max(0, self._clock() - begun)
                self._telemetry.add("BotLatency", took)
            logger.info("given to the bot", extra={"epoch": conversation.epoch, "bot_ms": took})
        return speaker.was_stopped

    def _about(self, row: Message, what: str) -> AbstractContextManager[None]:
        ids = {"conversation_id": row.conversation_id, "message_id": row.id}
        return self._telemetry.about(what, **ids, correlation_id=row.correlation_id)

    def _hold(self, row: Message, conversation: Conversation) -> Outcome:
        """What is held already keeps its place among the others."""
        if not row.is_new:
            self._catch_up(row, conversation)
            return "done"
        held = row._replace(state="held", held_under=conversation.epoch)
        self._mark(row, held)
        if conversation.pause is not None and conversation.pause_at(self._clock()) is None:  # it has ended since
            self._catch_up(held, self._current(conversation.id, row) or conversation)
        self._telemetry.add("Held")
        with self._about(row, "hold"):
            logger.info("held", extra={"epoch": conversation.epoch})
        return "held"

    def _catch_up(self, row: Message, conversation: Conversation) -> None:
        """Give a held row its place behind what is being given, where it would be left behind."""
        if is_left_behind(conversation, row):
            self._mark(row, row._replace(held_under=conversation.epoch))

    def _mark(self, row: Message, marked: Message) -> None:
        try:
            self._store.change(row, marked)
        except LostRace:
            return  # the pause that this row caused has marked it already


class _Speaker:
    """What a bot may do while it has an event, at the epoch of its delivery.

    Ids follow from the row, so that nothing is said twice. It resumes the turn that it was given, or its own pause: a
    handler that comes late ends nobody else's.
    """

    def __init__(self, row: Message, epoch: int, handoff: Handoff, replies: Replies, errands: Errands) -> None:
        self._row = row
        self._epoch = self._turn = epoch
        self.was_stopped = False
        self._handoff = handoff
        self._replies = replies
        self._errands = errands

    def say(self, message: Outgoing, number: int) -> None:
        conversation_id = self._row.conversation_id
        client_id = f"{hashlib.sha256(self._row.id.encode()).hexdigest()[:32]}-{number}"
        for _ in range(BOT_TRIES):
            try:
                # What was sent is not sent again; what was refused, in an earlier delivery, is admitted anew.
                sent = self._replies.send(conversation_id, client_id, message, BOT, epoch=self._epoch, retry=True)
                self.was_stopped |= sent.failure is not None and sent.failure.code == "stopped"
            except Conflict:  # still being said, or in other words than when the bot was first given this event
                if self._replies.never_went_out(conversation_id, client_id):
                    client_id += AGAIN  # those never went out: these have a row of their own
                    continue
            return

    def pause(self, reason: str | None, minutes: int | None) -> int:
        paused = self._handoff.pause(self._row.conversation_id, BOT, reason, minutes, self._row.id)
        if paused.pause is not None and paused.pause.by == BOT:
            self._turn = paused.epoch
        return paused.epoch

    def resume(self) -> int:
        resumed = self._handoff.resume(self._row.conversation_id, BOT, epoch=self._turn)
        if resumed.pause is None and resumed.epoch == self._turn + 1:
            self._epoch = resumed.epoch  # it has the word again
        return self._epoch

    def profile(self) -> Profile:
        return self._errands.profile(self._row.conversation_id)
