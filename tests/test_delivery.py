"""Deliver: a pause is a barrier, nothing is doubled, and a bot that fails calls a person."""

from __future__ import annotations

import pytest

from chalicelib.bots import PythonBot
from chalicelib.delivery import BOT, BOT_TRIES, SILENT
from chalicelib.errors import BotFailed, WindowClosed
from chalicelib.mailbox import Letter
from chalicelib.message import Actor, Message
from chalicelib.messenger import Profile
from chalicelib.settings import Settings
from chalicelib.system import System
from chalicelib.talk import Delivery, Speaker, Talk
from tests.world import ANA, CONVERSATION, SETTINGS, World

ENDLESS = {"HITL_PAUSE_MINUTES": ""}


@pytest.fixture
def world() -> World:
    world = World()
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    return world


def row(world: World, row_id: str) -> Message:
    found = world.store.row(CONVERSATION, row_id)
    assert found is not None
    return found


def test_an_active_conversation_reaches_the_bot_once(world: World) -> None:
    process = world.process()
    letter = world.mailbox.letters[0]
    assert process.deliveries.deliver(letter, 1) == "delivered"
    assert process.deliveries.deliver(letter, 2) == "done"
    assert world.bot.heard == ["m:m1"]
    assert row(world, "m:m1").state == "delivered"


def test_a_paused_conversation_holds_under_its_epoch(world: World) -> None:
    process = world.process()
    process.handoff.pause(CONVERSATION, ANA)
    letter = world.mailbox.letters[0]
    assert process.deliveries.deliver(letter, 1) == "held"
    assert (row(world, "m:m1").state, row(world, "m:m1").held_under) == ("held", 1)
    assert world.store.held_count(CONVERSATION, 1) == 1
    process.handoff.resume(CONVERSATION, ANA)
    assert process.deliveries.deliver(letter, 2) == "done"
    assert world.bot.heard == []


def test_everything_but_a_release_is_held_while_paused(world: World) -> None:
    process = world.process()
    process.handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)
    quick = world.said("q1", "Yes")
    quick["message"]["quick_reply"] = {"payload": "HITL_STOP"}
    world.receive(process, world.body(quick, world.tapped("p1", "MENU"), world.said("m2", "HITL_STOP")))
    world.settle()
    assert {found.state for found in world.rows() if found.author == "user"} == {"held"}
    assert world.bot.heard == []


def test_a_letter_without_a_row_is_done(world: World) -> None:
    assert world.process().deliveries.deliver(Letter(CONVERSATION, "m:gone"), 1) == "done"


def test_a_message_whose_conversation_was_never_noted_is_delivered_all_the_same(world: World) -> None:
    letter = world.mailbox.take()
    world.store._conversations.clear()
    assert world.process().deliveries.deliver(letter, 1) == "delivered"
    assert world.conversation().last_message is not None


@pytest.mark.parametrize("tries", range(1, BOT_TRIES))
def test_a_bot_that_may_recover_is_tried_again(world: World, tries: int) -> None:
    world.bot.fails = BotFailed("down", retry=True)
    with pytest.raises(BotFailed):
        world.deliver(world.process(), tries)
    assert row(world, "m:m1").state == "received"
    assert world.conversation().pause is None


@pytest.mark.parametrize(("retry", "tries"), [(True, BOT_TRIES), (True, BOT_TRIES + 3), (False, 1)])
def test_a_bot_that_fails_for_good_pauses_and_its_message_is_held(world: World, retry: bool, tries: int) -> None:
    world.bot.fails = BotFailed("down", retry=retry)
    world.deliver(world.process(), tries)
    conversation = world.conversation()
    assert conversation.pause is not None
    assert (conversation.pause.reason, conversation.pause.by) == (SILENT, Actor("system", "system", "chalice-hitl"))
    assert conversation.waiting_since is not None
    assert (row(world, "m:m1").state, row(world, "m:m1").held_under) == ("held", 1)


def test_the_pause_of_a_bot_that_fails_ends_as_any_other(world: World) -> None:
    world.bot.fails = BotFailed("down", retry=False)
    at = world.clock()
    world.deliver(world.process())
    pause, length = world.conversation().pause, SETTINGS.pause_length
    assert pause is not None
    assert length is not None
    assert (pause.until, pause.length) == (at + length, length)


def test_without_an_end_of_pauses_a_bot_that_fails_waits_for_a_person(world: World) -> None:
    settings = Settings({**ENDLESS, "HITL_BOT": "python:no_such_module:bot"}, SETTINGS.parameters)
    process = System(settings, store=world.store, mailbox=world.mailbox, messenger=world.messenger, clock=world.clock)
    world.deliver(process, BOT_TRIES)
    pause = world.conversation().pause
    assert pause is not None
    assert (pause.until, pause.length) == (None, None)


def test_a_bot_that_fails_on_what_it_has_paused_by_pauses_again_once_that_is_over(world: World) -> None:
    process = world.process()

    class Undone:
        """Pauses by the row, which somebody undoes while the bot is failing."""

        def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
            speaker.pause("a person is wanted", None)
            process.handoff.resume(CONVERSATION, ANA)
            raise BotFailed("down", retry=False)

    world.bot = Undone()  # type: ignore[assignment]  # a bot for this test only
    world.deliver(world.process())
    pause = world.conversation().pause
    assert pause is not None
    assert (pause.reason, world.conversation().epoch) == (SILENT, 3)
    assert (row(world, "m:m1").state, row(world, "m:m1").caused) == ("delivered", 3)


def test_a_bot_that_the_settings_do_not_lead_to_calls_a_person_in_the_end(world: World) -> None:
    settings = Settings({"HITL_BOT": "python:no_such_module:bot"}, SETTINGS.parameters)
    process = System(settings, store=world.store, mailbox=world.mailbox, messenger=world.messenger, clock=world.clock)
    with pytest.raises(BotFailed, match="HITL_BOT"):
        world.deliver(process, 1)
    world.deliver(process, BOT_TRIES)
    assert world.conversation().pause is not None
    assert row(world, "m:m1").state == "held"


@pytest.mark.parametrize("by", [ANA, BOT])
def test_a_handler_ends_its_own_pause_but_nobody_elses(world: World, by: Actor) -> None:
    def handler(talk: Talk) -> None:
        if by == BOT:
            talk.pause("a moment")
        else:
            world.process().handoff.pause(CONVERSATION, ANA)
        talk.resume()

    bot, store = PythonBot(handler, "HITL_STOP"), world.store
    meta, clock = world.messenger, world.clock
    process = System(SETTINGS, store=store, mailbox=world.mailbox, messenger=meta, bot=bot, clock=clock)
    world.deliver(process)
    assert (world.conversation().pause is None) == (by == BOT)


def test_a_bot_that_fails_on_the_event_that_released_it_is_paused_again_and_the_event_held(world: World) -> None:
    process = world.process()
    world.settle()
    process.handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)
    world.receive(process, world.body(world.tapped("p1", "HITL_STOP")))
    world.bot.fails = BotFailed("down", retry=False)
    world.deliver(process)
    assert world.conversation().epoch == 3
    assert (row(world, "m:p1").state, row(world, "m:p1").held_under) == ("held", 3)


def test_a_bot_that_fails_in_a_pause_that_came_meanwhile_leaves_that_pause(world: World) -> None:
    world.bot.fails = BotFailed("down", retry=False)
    process = world.process()
    deliver = world.bot.deliver

    class Paused:
        """An operator pauses while the bot is failing."""

        def deliver(self, delivery: object, speaker: object) -> None:
            process.handoff.pause(CONVERSATION, ANA, "mine")
            deliver(delivery, speaker)  # type: ignore[arg-type]  # passed on as they came

    world.bot = Paused()  # type: ignore[assignment]  # a bot for this test only
    world.deliver(world.process())
    pause = world.conversation().pause
    assert pause is not None
    assert (pause.reason, world.conversation().epoch) == ("mine", 1)
    assert (row(world, "m:m1").state, row(world, "m:m1").held_under) == ("held", 1)


def test_a_bot_whose_words_meta_refuses_has_still_taken_the_event(world: World) -> None:
    world.messenger.errors.append(WindowClosed("Too late."))
    world.deliver(world.process())
    assert row(world, "m:m1").state == "delivered"
    assert [found.state for found in world.rows() if found.author == "bot"] == ["failed"]


def test_a_person_is_asked_for_by_name(world: World) -> None:
    world.messenger.profiles[CONVERSATION] = Profile("Ann", "Lee", "https://example.com/ann.jpg")
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_START")))
    world.settle()
    conversation = world.conversation()
    assert conversation.pause is not None
    assert conversation.pause.reason == "Ann wants to talk to a person"
    assert (conversation.name, conversation.picture_url) == ("Ann Lee", "https://example.com/ann.jpg")
    assert (row(world, "m:p1").state, row(world, "m:p1").caused) == ("delivered", 1)


def test_the_whole_story(world: World) -> None:
    """Asks for a person, is held, cancels, and has the bot back."""
    world.settle()
    for item in (world.tapped("p1", "HITL_START"), world.said("m2", "anyone?")):
        world.receive(world.process(), world.body(item))
        world.settle()
        world.clock.tick(1000)
    assert row(world, "m:m2").state == "held"
    button = world.messenger.sends[-1].message.template
    assert button is not None
    world.receive(world.process(), world.body(world.tapped("p2", button["buttons"][0]["payload"])))
    world.settle()
    assert world.conversation().pause is None
    assert world.bot.heard == ["m:m1", "m:p1", "m:p2"]
    world.receive(world.process(), world.body(world.said("m3", "thanks")))
    world.settle()
    assert world.messenger.sends[-1].message.text == "thanks"
