"""The parts of one process, put together at their first use; tests put together their own.

A part is also imported at its first use, unless every Lambda function needs it: a cold start pays for its own only.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib import settings as _settings
from chalicelib import telemetry as _telemetry
from chalicelib.errors import Misconfigured
from chalicelib.handoff import Handoff
from chalicelib.mailbox import Letter, Mailbox
from chalicelib.settings import Settings
from chalicelib.store import Store

if TYPE_CHECKING:
    from chalicelib.admission import Admission
    from chalicelib.bots import BotPort
    from chalicelib.conversation import Conversation
    from chalicelib.delivery import Deliveries
    from chalicelib.errands import Errands
    from chalicelib.identity import Issuer
    from chalicelib.ports import AlertsPort, Clock, MailboxPort, MessengerPort, StorePort, TelemetryPort
    from chalicelib.reception import Reception
    from chalicelib.relay import Relay
    from chalicelib.replies import Replies
    from chalicelib.rounds import Rounds


def now() -> int:
    """Our time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class System:
    """Everything that routes and event handlers call. Parts that are not passed in are made from the settings."""

    def __init__(  # noqa: PLR0913 each is one of the parts
        self,
        settings: Settings,
        *,
        store: StorePort | None = None,
        mailbox: MailboxPort | None = None,
        messenger: MessengerPort | None = None,
        bot: BotPort | None = None,
        issuer: Issuer | None = None,
        alerts: AlertsPort | None = None,
        telemetry: TelemetryPort | None = None,
        clock: Clock = now,
    ) -> None:
        self.settings = settings
        self.telemetry: TelemetryPort = telemetry or _telemetry.Silence()
        self.clock = clock
        self.store: StorePort = store or Store(settings)
        self.handoff = Handoff(self.store, clock, settings.release, settings.pause_length, self._post, self._call)
        self._mailbox = mailbox
        self._messenger = messenger
        self._bot = bot
        self._issuer = issuer
        self._alerts = alerts

    @cached_property
    def mailbox(self) -> MailboxPort:
        """The queue."""
        return self._mailbox or Mailbox(self.settings)

    @cached_property
    def messenger(self) -> MessengerPort:
        """The Graph API, watched for tokens that it does not take any more."""
        from chalicelib.connection import Connection
        from chalicelib.messenger import Messenger

        return Connection(self.store, self._messenger or Messenger(self.settings), self.clock)

    @cached_property
    def admission(self) -> Admission:
        """Who may speak."""
        from chalicelib.admission import Admission

        return Admission(self.store, self.handoff, self.clock, human_agent=self.settings.human_agent)

    @cached_property
    def issuer(self) -> Issuer:
        """The OpenID provider by which operators sign in."""
        from chalicelib.identity import Issuer

        return self._issuer or Issuer(lambda: self.settings.sign_in, self.clock)

    @cached_property
    def errands(self) -> Errands:
        """What must not keep messages waiting."""
        from chalicelib.alerts import Alerts
        from chalicelib.errands import Errands

        alerts = self._alerts or Alerts(self.settings)
        settings = self.settings

        def dashboard_url() -> str:
            return settings.dashboard_url  # read late: on AWS it is known only after the first deployment

        return Errands(self.store, self.mailbox, self.messenger, alerts, self.handoff, self.clock, dashboard_url)

    @cached_property
    def replies(self) -> Replies:
        """Sends."""
        from chalicelib.replies import Replies

        return Replies(self.store, self.messenger, self.handoff, self.admission, self.telemetry, self.clock)

    @cached_property
    def relay(self) -> Relay:
        """Makes bots' own calls of the Graph API."""
        from chalicelib.relay import Relay

        return Relay(self.store, self.messenger, self.admission, self.handoff, self.telemetry, self.clock)

    @cached_property
    def reception(self) -> Reception:
        """Receives webhooks."""
        from chalicelib.reception import Reception

        apps = self.settings.takeover_app_ids
        return Reception(self.store, self.mailbox, self.handoff, self.replies, self.telemetry, self.clock, apps)

    @cached_property
    def deliveries(self) -> Deliveries:
        """Gives letters to the bot."""
        from chalicelib.bots import BrokenBot, connect
        from chalicelib.delivery import Deliveries

        try:
            bot = self._bot or connect(self.settings)
        except Misconfigured as error:
            bot = BrokenBot(error)
        parts = (self.store, self.mailbox, self.handoff, self.replies, self.errands)
        return Deliveries(*parts, bot, self.telemetry, self.clock)

    @cached_property
    def rounds(self) -> Rounds:
        """What the schedule does."""
        from chalicelib.rounds import Rounds

        return Rounds(self.store, self.mailbox, self.handoff, self.errands, self.clock)

    def _post(self, letter: Letter) -> None:
        self.mailbox.post(letter)

    def _call(self, conversation: Conversation) -> None:
        self.errands.queue_call(conversation)


_current: list[System] = []


def current() -> System:
    """The process's system."""
    if not _current:
        settings = _settings.current()
        install(System(settings, telemetry=_telemetry.start(settings)))
    return _current[0]


def install(system: System) -> None:
    """Let the process use this system; for tests."""
    _current[:] = [system]
