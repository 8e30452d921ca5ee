"""The rounds that the schedule makes: conversations that nobody else may ever come by are looked after.

Pauses end by themselves, the bot hears of a pause whose maker died before it could be told, what was held goes on being
delivered, and operators are called whom nobody has called. Everything here may also be done by whoever comes by first;
doing it twice changes nothing more.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from chalicelib.errands import Errands
from chalicelib.errors import HitlError, describe
from chalicelib.handoff import MINUTE, Handoff
from chalicelib.mailbox import NUDGE, Letter

if TYPE_CHECKING:
    from chalicelib.ports import Clock, MailboxPort, StorePort

logger = logging.getLogger(__name__)

MOST = 500
"""Conversations that one round looks after; the next one goes on."""
ROUND_TIME = 20_000
"""Milliseconds after which a round begins with no further conversation."""


class Rounds:
    """Looks after conversations, once a minute."""

    def __init__(
        self, store: StorePort, mailbox: MailboxPort, handoff: Handoff, errands: Errands, clock: Clock
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._handoff = handoff
        self._errands = errands
        self._clock = clock

    def make(self) -> Counter[str]:
        """One round; how many conversations were looked after, and how many could not be and wait for the next."""
        now, stop = self._clock(), self._store.stop()
        done: Counter[str] = Counter()
        for found in self._store.due(now, lifted=not stop.paused, limit=MOST):
            if self._clock() > now + ROUND_TIME:
                break
            try:
                conversation = self._handoff.settled(found, stop)
                if conversation.has_news:
                    # Each round has letters of its own, because SQS drops what repeats an earlier one for five minutes.
                    letter_id = f"t:{conversation.epoch}:{now // MINUTE}"
                    self._mailbox.post(Letter(conversation.id, letter_id, NUDGE))
                done["looked_after"] += 1
            except HitlError as error:  # the others must not wait for this one
                logger.warning("A conversation is left to the next round: %s", describe(error))
                done["failed"] += 1
        if self._errands.calls:
            for found in self._store.uncalled(MOST):
                if self._clock() > now + ROUND_TIME:
                    break
                self._errands.queue_call(found)
        return done
