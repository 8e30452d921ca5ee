"""Errands: what a conversation needs beside its messages, and what must never keep those waiting or fail them.

There are two: calling the operators to a pause, and asking Meta for the user's name and picture. Each is a letter in a
group of its own. Whether one is due follows from the conversation, so whoever meets it may send it out again; running
it looks once more. What fails, or dies with its process, is due still: a call is found again by the schedule, a
profile by the user's next message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalicelib.alerts import Call
from chalicelib.conversation import Conversation, called, wants_call, wants_profile
from chalicelib.errors import GraphError, Misconfigured, ProfileUnavailable, Unavailable, describe
from chalicelib.handoff import Handoff
from chalicelib.mailbox import Letter
from chalicelib.messenger import Profile

if TYPE_CHECKING:
    from chalicelib.ports import AlertsPort, Clock, MailboxPort, MessengerPort, StorePort

MINUTE = 60_000
PROFILE_LASTS = 24 * 60 * MINUTE
"""Milliseconds after which a name and a picture are asked for again; Meta's picture URLs expire."""
PROFILE_AGAIN = 10 * MINUTE
"""Milliseconds until the next try where Meta gave no answer."""
QUIET = 30_000
"""Milliseconds for which a process runs no errand of a kind that has just failed."""
ROWS_OF_LAST_WORDS = 30
"""How far back the user's last words are looked for."""
NAMELESS = "Someone"
"""What a call says of a user until Meta has told the name."""

logger = logging.getLogger(__name__)


class Errands:
    """Sends errands out, and runs them. `dashboard_url` tells where calls lead to, empty for nowhere."""

    def __init__(
        self,
        store: StorePort,
        mailbox: MailboxPort,
        messenger: MessengerPort,
        alerts: AlertsPort,
        handoff: Handoff,
        clock: Clock,
        dashboard_url: Callable[[], str],
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._messenger = messenger
        self._alerts = alerts
        self._handoff = handoff
        self._clock = clock
        self._dashboard_url = dashboard_url
        self._quiet_until: dict[str, int] = {}

    @property
    def calls(self) -> bool:
        """Whether there is anybody to call; nobody while the settings cannot say."""
        try:
            return self._alerts.has_channel
        except (Misconfigured, Unavailable) as error:
            logger.error("Nobody can be called: %s", describe(error))
            return False

    def queue_call(self, conversation: Conversation) -> None:
        """Let the operators be called if that is due; once a minute at most. It never fails: what is due stays due."""
        now = self._clock()
        if wants_call(conversation, now) and self.calls:
            self._post(Letter(conversation.id, f"t:{conversation.epoch}@{now // MINUTE}", "call"))

    def queue_profile(self, conversation: Conversation) -> None:
        """Let the name and picture be asked for, in the same way."""
        now = self._clock()
        if wants_profile(conversation, now):
            self._post(Letter(conversation.id, f"@{now // MINUTE}", "profile"))

    def run(self, letter: Letter) -> None:
        """Do what a letter asks for, if it is still due and its kind has not failed in this process just now.

        Errands share the bot's deliveries at a time: a chat or a Graph API that hangs must not take them all.
        """
        conversation = self._store.conversation(letter.conversation_id)
        if conversation is None or self._clock() < self._quiet_until.get(letter.kind, 0):
            return
        if letter.kind == "call":
            self._call(conversation)
        else:
            self._ask_profile(conversation)

    def profile(self, conversation_id: str) -> Profile:
        """Who the user is, asked now for a bot that wants to know; empty where Meta does not say."""
        try:
            profile = self._messenger.profile(conversation_id)
        except (GraphError, Misconfigured):
            return Profile()
        self._note(conversation_id, profile)
        return profile

    def _note(self, conversation_id: str, profile: Profile) -> Conversation:
        """Keep what Meta tells of a user; what it does not tell any more stays as it was."""
        due = self._clock() + PROFILE_LASTS

        def named(conversation: Conversation) -> Conversation:
            name, picture = profile.name or conversation.name, profile.picture_url or conversation.picture_url
            return conversation._replace(name=name, picture_url=picture, profile_due_at=due)

        return self._handoff.amend(conversation_id, named)

    def _call(self, conversation: Conversation) -> None:
        """Call, then mark it. A process that dies in between calls twice, which is better than not at all."""
        if not wants_call(conversation, self._clock()):
            return
        conversation = self._ask_profile(conversation)
        pause, epoch = conversation.pause, conversation.epoch
        reason = None if pause is None else pause.reason
        words, link = self._last_words(conversation.id), self._link(conversation.id)
        if self._alerts.call(Call(conversation.name or NAMELESS, reason, words, link)):
            self._handoff.amend(conversation.id, lambda current: called(current, epoch))
        else:
            self._quiet_until["call"] = self._clock() + QUIET

    def _ask_profile(self, conversation: Conversation) -> Conversation:
        if not wants_profile(conversation, self._clock()) or self._clock() < self._quiet_until.get("profile", 0):
            return conversation
        try:
            profile = self._messenger.profile(conversation.id)
        except ProfileUnavailable:
            profile = Profile()
        except (GraphError, Misconfigured) as error:
            logger.warning("A profile was not to be had: %s", describe(error))
            self._quiet_until["profile"] = self._clock() + QUIET
            due = self._clock() + PROFILE_AGAIN
            return self._handoff.amend(conversation.id, _due(due))
        return self._note(conversation.id, profile)

    def _last_words(self, conversation_id: str) -> str | None:
        rows = self._store.history(conversation_id, ROWS_OF_LAST_WORDS).messages
        return next((row.text for row in rows if row.author == "user" and row.text), None)

    def _link(self, conversation_id: str) -> str | None:
        try:
            url = self._dashboard_url()
        except (Misconfigured, Unavailable) as error:  # a call without a link is better than none
            logger.error("A call has no link: %s", describe(error))
            return None
        return f"{url}/#/waiting/{quote(conversation_id, safe=':')}" if url else None

    def _post(self, letter: Letter) -> None:
        try:
            self._mailbox.post(letter)
        except Unavailable as error:
            logger.warning("An errand was not sent out: %s", describe(error))


def _due(at: int) -> Callable[[Conversation], Conversation]:
    return lambda conversation: conversation._replace(profile_due_at=at)
