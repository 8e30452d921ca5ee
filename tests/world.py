"""A whole system on fakes, whose processes can die right after any step, and what must hold whatever dies.

A step is one call to the outside: to the store, the queue, Messenger or the bot. `run` performs an act once for every
step that it takes, lets the process die right after that step, and then does what the outside would do: Meta sends
the webhook again, SQS delivers the letter again, the caller repeats the request.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from chalicelib.bots import PythonBot
from chalicelib.conversation import Conversation
from chalicelib.delivery import HANDOVER_TRIES
from chalicelib.errors import BotFailed
from chalicelib.example_bot import bot as example_bot
from chalicelib.mailbox import NUDGE
from chalicelib.message import Actor, Message
from chalicelib.settings import Settings
from chalicelib.system import System
from chalicelib.talk import Delivery, Speaker, Talk
from chalicelib.webhook import parse
from tests.fakes import Clock, FakeAlerts, FakeMailbox, FakeMessenger, FakeStore

PAGE, USER = "100", "200"
CONVERSATION = f"messenger:{PAGE}:{USER}"
ANA = Actor("operator", "ana", "Ana")
SETTINGS = Settings({}, {f"pages/messenger/{PAGE}": "token", "app-secret": "secret"})


class Crash(BaseException):
    """The process is gone; nothing in it may catch this."""


class Steps:
    """Counts the calls to the outside and dies right after the chosen one."""

    def __init__(self, crash_after: int | None = None) -> None:
        self.done: list[str] = []
        self._crash_after = crash_after

    def around(self, part: Any, name: str) -> Any:
        """The same part, counted."""
        return _Stepped(part, name, self)

    def step(self, name: str) -> None:
        """One more call has taken effect."""
        self.done.append(name)
        if len(self.done) == self._crash_after:
            raise Crash(name)


class _Stepped:
    def __init__(self, part: Any, name: str, steps: Steps) -> None:
        self._part, self._name, self._steps = part, name, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        if not callable(method):
            return method

        def stepped(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            self._steps.step(f"{self._name}.{name}")
            return result

        return stepped


class HeardBot:
    """The example bot, which rows it was given, and of which transitions it was told; `fails` makes it fail instead."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.told: list[str] = []
        self.fails: BotFailed | None = None
        self._bot = PythonBot(cast(Callable[[Talk], None], example_bot), "HITL_STOP")

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Hear, then answer or fail."""
        heard = self.told if delivery.message_id.startswith("t:") else self.heard
        heard.append(delivery.message_id)
        if self.fails is not None:
            raise self.fails
        self._bot.deliver(delivery, speaker)


class World:
    """Everything that outlives a process."""

    def __init__(self, store: FakeStore | None = None) -> None:
        self.clock = Clock()
        self.store = store or FakeStore()
        self.mailbox = FakeMailbox()
        self.messenger = FakeMessenger()
        self.bot = HeardBot()
        self.alerts = FakeAlerts()

    def process(self, steps: Steps | None = None) -> System:
        """A new process on this world."""
        steps = steps or Steps()
        return System(
            SETTINGS,
            store=steps.around(self.store, "store"),
            mailbox=steps.around(self.mailbox, "mailbox"),
            messenger=steps.around(self.messenger, "messenger"),
            bot=steps.around(self.bot, "bot"),
            alerts=steps.around(self.alerts, "alerts"),
            clock=self.clock,
        )

    def body(self, *items: dict[str, Any]) -> bytes:
        """A webhook body of these items."""
        entry = {"id": PAGE, "time": self.clock(), "messaging": list(items)}
        return json.dumps({"object": "page", "entry": [entry]}).encode()

    def said(self, mid: str, text: str) -> dict[str, Any]:
        """The user's text."""
        return {**self._from_user(), "message": {"mid": mid, "text": text}}

    def tapped(self, mid: str, payload: str) -> dict[str, Any]:
        """The user's tap on a button."""
        return {**self._from_user(), "postback": {"mid": mid, "payload": payload, "title": payload.title()}}

    def referred(self) -> dict[str, Any]:
        """The user's coming by a link, which says nothing."""
        return {**self._from_user(), "referral": {"ref": "r", "source": "SHORTLINK"}}

    def echo(self, mid: str, text: str, **more: Any) -> dict[str, Any]:
        """What the Page said."""
        parties = {"sender": {"id": PAGE}, "recipient": {"id": USER}, "timestamp": self.clock()}
        return {**parties, "message": {"mid": mid, "text": text, "is_echo": True, **more}}

    def _from_user(self) -> dict[str, Any]:
        return {"sender": {"id": USER}, "recipient": {"id": PAGE}, "timestamp": self.clock()}

    def receive(self, process: System, body: bytes) -> None:
        """One webhook, taken in whole."""
        tally = process.reception.receive(parse(body, self.clock()).events)
        assert tally.failed == 0

    def deliver(self, process: System, tries: int = 1) -> None:
        """The oldest message, and the nudges before it, as SQS does: each goes only once the handler has returned."""
        self.nudge(process)
        if self.mailbox.letters:
            process.deliveries.deliver(self.mailbox.letters[0], tries)
            self.mailbox.take()

    def run_errand(self, process: System) -> None:
        """The oldest errand, which goes once the handler has returned."""
        if self.mailbox.errands:
            process.deliveries.deliver(self.mailbox.errands[0], 1)
            self.mailbox.errands.pop(0)

    def nudge(self, process: System) -> None:
        """The nudges that nothing is before, on their last try."""
        while self.mailbox.letters and self.mailbox.letters[0].kind == NUDGE:
            process.deliveries.deliver(self.mailbox.letters[0], HANDOVER_TRIES)
            self.mailbox.take()

    def settle(self) -> None:
        """Deliver every letter and let the schedule look around, then let Meta echo everything that was really sent."""
        process = self.process()
        for _ in range(3):
            while self.mailbox.letters:
                self.deliver(process)
            process.rounds.make()
            while self.mailbox.errands:
                self.run_errand(process)
        assert self.mailbox.letters == [], "the schedule finds something to do again and again"
        for number, send in enumerate(self.messenger.sends, 1):
            text = send.message.text or "template"
            self.receive(process, self.body(self.echo(f"mid.{number}", text, metadata=send.metadata, app_id=1)))

    def conversation(self) -> Conversation:
        """The conversation without what counts writes."""
        found = self.store.conversation(CONVERSATION)
        assert found is not None
        return found._replace(version=0)

    def rows(self) -> list[Message]:
        """The log, oldest first."""
        return sorted(self.store.history(CONVERSATION, 1000).messages, key=lambda row: row.order)


def say(world: World, mid: str) -> None:
    """The user writes, a second later."""
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.said(mid, mid)))


def drain(world: World) -> None:
    """Deliver every letter."""
    while world.mailbox.letters:
        world.deliver(world.process())


def begun(world: World) -> World:
    """A conversation that the bot has not heard of."""
    world.receive(world.process(), world.body(world.referred()))
    world.mailbox.take()
    world.clock.tick(1000)
    return world


def paused(world: World) -> World:
    """Paused by Ana for an hour, with m1 to m3 held."""
    begun(world).process().handoff.pause(CONVERSATION, ANA, "mine", 60)
    for mid in ("m1", "m2", "m3"):
        say(world, mid)
        drain(world)
    return world


def with_bot(world: World, handler: Callable[[Talk], object], store: Any = None) -> System:
    """A process whose bot is this handler, and whose store may be another."""
    return System(
        SETTINGS,
        store=store or world.store,
        mailbox=world.mailbox,
        messenger=world.messenger,
        bot=PythonBot(handler, "HITL_STOP"),
        alerts=world.alerts,
        clock=world.clock,
    )


Act = Callable[[World, System], None]


def uncrashed(prepare: Callable[[World], None], act: Act, times: int = 1) -> tuple[World, list[str]]:
    """The world after the act, done `times` times by processes that live, and the steps of the first."""
    world = World()
    prepare(world)
    steps = Steps()
    act(world, world.process(steps))
    for _ in range(times - 1):
        act(world, world.process())
    return world, steps.done


def crashed(prepare: Callable[[World], None], act: Act, after: int) -> World:
    """The world after the act died right after a step and was then done again."""
    world = World()
    prepare(world)
    try:
        act(world, world.process(Steps(after)))
    except Crash:
        act(world, world.process())
    return world


def assert_same(world: World, other: World, *, may_hear_again: bool = False) -> None:
    """Both worlds end alike: log, conversation, what the bot heard, and nothing was sent twice.

    A process that died before Meta was asked leaves its send queued: then the user was not answered and still waits.
    The bot hears an event again only where its own answer was lost with the process.
    """
    world.settle()
    other.settle()
    assert [_comparable(row) for row in world.rows()] == [_comparable(row) for row in other.rows()]
    assert set(world.bot.told) == set(other.bot.told)
    heard, expected = Counter(world.bot.heard), Counter(other.bot.heard)
    assert set(heard) == set(expected)
    assert all(times <= expected[row] + may_hear_again for row, times in heard.items())
    ids = [send.metadata for send in world.messenger.sends]
    assert len(ids) == len(set(ids)), "something was sent twice"
    if len(ids) == len(other.messenger.sends):
        assert [row.state for row in world.rows()] == [row.state for row in other.rows()]
        assert world.conversation() == other.conversation()
    else:
        assert "queued" in [row.state for row in world.rows()]
        assert _unanswered(world.conversation()) == _unanswered(other.conversation())


def _comparable(row: Message) -> Message:
    """A row without what became of a send."""
    return row._replace(state=None, mid=None) if row.id.startswith("s:") else row


def _unanswered(conversation: Conversation) -> Conversation:
    """A conversation without what an operator's answer changes."""
    return conversation._replace(waiting_since=None, last_answer_at=None, last_operator=None, last_operator_at=None)
