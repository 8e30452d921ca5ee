"""A person who answers in the Page inbox, or in an app that counts as one, has the conversation."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.conversation import Conversation
from chalicelib.errors import Unconfirmed
from chalicelib.messenger import Outgoing
from chalicelib.reception import IN_INBOX
from chalicelib.settings import Settings
from chalicelib.system import System
from chalicelib.webhook import parse
from tests.world import ANA, CONVERSATION, PAGE, SETTINGS, USER, World

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
INSTAGRAM = f"instagram:{PAGE}:{USER}"


@pytest.fixture
def world() -> World:
    world = World()
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    world.mailbox.take()
    world.clock.tick(1000)
    return world


def echo(world: World, mid: str = "i1", **more: Any) -> None:
    world.receive(world.process(), world.body(world.echo(mid, "from the inbox", **more)))


@pytest.mark.parametrize("app", [{}, {"app_id": 263902037430900}, {"app_id": "1217981644879628"}])
def test_an_answer_in_the_inbox_pauses_and_answers(world: World, app: dict[str, Any]) -> None:
    echo(world, **app)
    conversation = world.conversation()
    pause = conversation.pause
    assert pause is not None
    assert (pause.by.type, pause.reason, pause.until) == ("page_inbox", IN_INBOX, world.clock() + DAY)
    assert (conversation.epoch, conversation.waiting_since) == (1, None)
    assert [row.kind for row in world.rows()] == ["text", "text", "paused"]


@pytest.mark.parametrize("app", [{"app_id": 5}, {"metadata": "hitl:s:gone"}])
def test_another_apps_answer_and_our_own_pause_nothing(world: World, app: dict[str, Any]) -> None:
    echo(world, **app)
    assert world.conversation().pause is None


def test_an_app_that_a_setting_names_counts_as_an_inbox(world: World) -> None:
    settings = Settings({**SETTINGS.env, "HITL_TAKEOVER_APP_IDS": "4,5"})
    process = System(settings, store=world.store, mailbox=world.mailbox, messenger=world.messenger, clock=world.clock)
    world.receive(process, world.body(world.echo("i1", "hi", app_id=5)))
    found = world.store.row(CONVERSATION, "m:i1")
    assert found is not None
    assert (found.author, found.caused) == ("page_inbox", 1)


def test_the_same_echo_pauses_once(world: World) -> None:
    body = world.body(world.echo("i1", "from the inbox"))
    world.receive(world.process(), body)
    world.process().handoff.resume(CONVERSATION, ANA)
    world.receive(world.process(), body)
    assert world.conversation().epoch == 2


def test_what_was_said_before_the_last_transition_undoes_nothing(world: World) -> None:
    late = world.body(world.echo("i1", "from the inbox"))
    world.clock.tick(1000)
    world.process().handoff.pause(CONVERSATION, ANA, "mine", 10)
    paused = world.conversation().pause
    world.clock.tick(5000)
    world.receive(world.process(), late)
    assert world.conversation().pause == paused
    world.process().handoff.resume(CONVERSATION, ANA)
    world.clock.tick(1000)
    later = world.body(world.echo("i2", "again"))
    world.clock.tick(1000)
    world.receive(world.process(), later)
    assert world.conversation().epoch == 3


def test_what_was_said_before_the_stop_does_not_take_its_pause_over(world: World) -> None:
    late = world.body(world.echo("i1", "from the inbox"))
    world.clock.tick(1000)
    process = world.process()
    process.handoff.set_stop(True, ANA, "fire")
    world.receive(process, world.body(world.said("m2", "?")))
    world.deliver(process)
    stopped = world.conversation().pause
    assert stopped is not None
    world.receive(process, late)
    assert world.conversation().pause == stopped


def test_each_answer_in_the_inbox_moves_the_end(world: World) -> None:
    world.process().handoff.pause(CONVERSATION, ANA, "mine", 10)
    world.clock.tick(8 * MINUTE)
    echo(world)
    pause = world.conversation().pause
    assert pause is not None
    assert (pause.by, pause.until) == (ANA, world.clock() + 10 * MINUTE)


def test_an_echo_may_be_the_first_thing_that_is_known_of_a_conversation() -> None:
    world = World()
    echo(world)
    assert world.conversation().pause is not None


class OnInstagram:
    """A conversation on Instagram, whose echoes say nothing of their sender."""

    def __init__(self) -> None:
        self.world = World()
        self.receive(self.world.said("m1", "hello"))
        self.world.clock.tick(1000)

    def receive(self, item: dict[str, Any]) -> None:
        body = self.world.body(item).replace(b'"page"', b'"instagram"')
        assert self.world.process().reception.receive(parse(body, self.world.clock()).events).failed == 0

    def echo(self, mid: str) -> None:
        self.receive(self.world.echo(mid, "I am Ana"))

    def reply(self) -> str | None:
        return self.world.process().replies.send(INSTAGRAM, "r1", Outgoing("I am Ana"), ANA).state

    def conversation(self) -> Conversation:
        found = self.world.store.conversation(INSTAGRAM)
        assert found is not None
        return found

    def said(self) -> list[tuple[str, str, str | None]]:
        rows = self.world.store.history(INSTAGRAM, 100).messages
        return [(row.id, row.author, row.state) for row in rows if row.text == "I am Ana"]


def test_an_anonymous_echo_on_instagram_never_pauses() -> None:
    place = OnInstagram()
    place.echo("x1")
    assert place.conversation().pause is None
    assert place.said() == [("m:x1", "bot", "sent")]


def test_it_is_matched_by_its_mid_after_metas_answer() -> None:
    place = OnInstagram()
    place.reply()
    place.echo("mid.1")
    assert place.said() == [("s:r1", "operator", "sent")]


def test_it_is_merged_when_metas_answer_comes_and_the_last_message_follows() -> None:
    place = OnInstagram()

    def early() -> None:
        place.world.clock.tick(5)
        place.echo("mid.1")

    place.world.messenger.before = early
    place.reply()
    assert place.said() == [("s:r1", "operator", "sent")]
    last = place.conversation().last_message
    assert last is not None
    assert (last.id, last.author) == ("s:r1", "operator")


def test_it_is_shown_beside_a_row_that_is_unconfirmed() -> None:
    place = OnInstagram()
    place.world.messenger.errors.append(Unconfirmed("No answer."))
    place.reply()
    place.world.clock.tick(10)
    place.echo("mid.1")
    assert place.said() == [("m:mid.1", "bot", "sent"), ("s:r1", "operator", "unconfirmed")]
