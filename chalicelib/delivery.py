"""Deliver: a user's event reaches the bot, or is held while a person is wanted.

Runs for one letter of the queue, never twice at once within a conversation. What it does follows from the row and the
conversation as they are read now, consistently, so that a letter that comes again does only what is still to do.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Literal

from chalicelib.bots import BotPort, Delivery
from chalicelib.conversation import STOP, Actor, Address, Conversation, Message
from chalicelib.errors import BotFailed, GraphError, LostRace, Misconfigured
from chalicelib.handoff import Handoff
from chalicelib.mailbox import Letter
from chalicelib.messenger import Outgoing, Profile
from chalicelib.ports import MessengerPort, StorePort
from chalicelib.replies import Replies

BOT_TRIES = 5
"""How often a bot is given an event before a person is called; fewer than the queue's own limit."""
BOT = Actor("bot", "bot", "Bot")
SILENT = "the bot does not answer"

Outcome = Literal["delivered", "held", "done"]


class Deliveries:
    """Gives letters to the bot."""

    def __init__(
        self, store: StorePort, handoff: Handoff, replies: Replies, messenger: MessengerPort, bot: BotPort
    ) -> None:
        self._store = store
        self._handoff = handoff
        self._replies = replies
        self._messenger = messenger
        self._bot = bot

    def deliver(self, letter: Letter, tries: int) -> Outcome:
        """Deliver or hold the row that a letter names, on the `tries`-th try. BotFailed: let it come again later."""
        row = self._store.row(letter.conversation_id, letter.message_id)
        if row is None or not row.is_new:
            return "done"
        found, stop = self._store.conversation_and_stop(letter.conversation_id)
        if found is None:
            self._handoff.touch(row)
            found, stop = self._store.conversation_and_stop(letter.conversation_id)
        conversation = self._handoff.settled(found or Conversation(id=letter.conversation_id), stop)
        if conversation.pause is not None and conversation.pause.by != STOP:
            conversation, row = self._handoff.release(row)
            conversation = self._handoff.settled(conversation, stop)
        if conversation.pause is not None:
            return self._hold(row, conversation)
        return self._give(row, conversation, tries)

    def _give(self, row: Message, conversation: Conversation, tries: int) -> Outcome:
        address = Address.parse(row.conversation_id)
        delivery = Delivery(
            conversation_id=row.conversation_id,
            platform=address.platform,
            page_id=address.page_id,
            user_id=address.user_id,
            epoch=conversation.epoch,
            message_id=row.id,
            event=json.loads(row.raw or "{}"),
            sent_at=row.sent_at,
        )
        try:
            self._bot.deliver(delivery, _Speaker(row, self._handoff, self._replies, self._messenger))
        except BotFailed as failure:
            if failure.retry and tries < BOT_TRIES:
                raise
            return self._hold(row, self._handoff.give_up(row, SILENT))
        self._mark(row, replace(row, state="delivered"))
        return "delivered"

    def _hold(self, row: Message, conversation: Conversation) -> Outcome:
        self._mark(row, replace(row, state="held", held_under=conversation.epoch))
        return "held"

    def _mark(self, row: Message, marked: Message) -> None:
        try:
            self._store.change(row, marked)
        except LostRace:
            return  # the pause that this row caused has marked it already


class _Speaker:
    """What a Python bot may do while it has an event; ids follow from the row, so that nothing is said twice."""

    def __init__(self, row: Message, handoff: Handoff, replies: Replies, messenger: MessengerPort) -> None:
        self._row = row
        self._handoff = handoff
        self._replies = replies
        self._messenger = messenger

    def say(self, message: Outgoing, number: int) -> None:
        client_id = f"{hashlib.sha256(self._row.id.encode()).hexdigest()[:32]}-{number}"
        self._replies.say(self._row.conversation_id, client_id, message, BOT)

    def pause(self, reason: str | None, minutes: int | None) -> int:
        return self._handoff.pause(self._row.conversation_id, BOT, reason, minutes, self._row.id).epoch

    def resume(self) -> None:
        self._handoff.resume(self._row.conversation_id, BOT)

    def profile(self) -> Profile:
        try:
            profile = self._messenger.profile(self._row.conversation_id)
        except (GraphError, Misconfigured):
            return Profile(None, None, None)
        self._handoff.amend(self._row.conversation_id, lambda conversation: _named(conversation, profile))
        return profile


def _named(conversation: Conversation, profile: Profile) -> Conversation:
    name, picture = profile.name or conversation.name, profile.picture_url or conversation.picture_url
    return replace(conversation, name=name, picture_url=picture)
