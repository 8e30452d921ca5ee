"""Operators are called once per pause of the bot, names come off the messages' way, and neither fails a message."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from chalicelib.alerts import Call
from chalicelib.errands import PROFILE_AGAIN, PROFILE_LASTS, QUIET
from chalicelib.errors import BotFailed, Misconfigured, ProfileUnavailable, TokenInvalid, Transient
from chalicelib.mailbox import Letter
from chalicelib.message import Actor
from chalicelib.messenger import Profile
from chalicelib.settings import Settings
from chalicelib.system import System
from tests.world import ANA, CONVERSATION, SETTINGS, Crash, Steps, World

BOT = Actor("bot", "bot", "Bot")
INBOX = Actor("page_inbox", "263902037430900", "Page inbox")
ANA_BELO = Profile("Ana", "Belo", "https://meta.example/ana.jpg")
MINUTE = 60_000


@pytest.fixture
def world() -> World:
    world = World()
    world.messenger.profiles[CONVERSATION] = ANA_BELO
    say(world, "m1", "Where is my parcel?")
    return world


def say(world: World, mid: str, text: str) -> None:
    """The user writes and the bot is given it."""
    world.receive(world.process(), world.body(world.said(mid, text)))
    world.deliver(world.process())
    world.clock.tick(1000)


def schedule(world: World) -> None:
    """What runs once a minute."""
    world.clock.tick(MINUTE)
    world.process().rounds.make()


def run_errands(world: World) -> None:
    while world.mailbox.errands:
        world.run_errand(world.process())


def pause(world: World, by: Actor = BOT) -> None:
    """Pause as the API does."""
    world.process().handoff.pause(CONVERSATION, by, "asked for a person")


def kinds(world: World) -> list[str]:
    return [letter.kind for letter in world.mailbox.errands]


def test_a_pause_of_the_bot_calls_with_name_reason_last_words_and_link(world: World) -> None:
    pause(world)
    run_errands(world)
    assert world.alerts.calls == [Call("Ana Belo", "asked for a person", "Where is my parcel?", None)]
    assert world.conversation().called_epoch == 1


@pytest.mark.parametrize(
    ("url", "link"),
    [("https://desk.example/", "https://desk.example/#/waiting/messenger:100:200"), ("desk.example", None)],
)
def test_the_link_leads_to_the_conversation_in_the_dashboard(world: World, url: str, link: str | None) -> None:
    """A call without one is better than none."""
    settings = Settings(SETTINGS.env, {**SETTINGS.parameters, "dashboard-url": url})
    parts = System(settings, store=world.store, messenger=world.messenger, alerts=world.alerts, clock=world.clock)
    pause(world)
    parts.errands.run(next(letter for letter in world.mailbox.errands if letter.kind == "call"))
    assert world.alerts.calls[0].link == link


def test_the_name_is_asked_for_first_so_that_a_call_has_it(world: World) -> None:
    world.mailbox.errands.clear()
    pause(world)
    world.mailbox.errands = [letter for letter in world.mailbox.errands if letter.kind == "call"]
    run_errands(world)
    assert world.alerts.calls[0].who == "Ana Belo"


def test_who_has_no_name_is_someone(world: World) -> None:
    world.messenger.profiles[CONVERSATION] = Transient("busy", 2)
    pause(world)
    run_errands(world)
    assert world.alerts.calls[0].who == "Someone"


def test_the_last_words_are_the_users_not_the_bots(world: World) -> None:
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_START")))
    world.deliver(world.process())
    run_errands(world)
    assert world.rows()[-1].text != "Hitl_Start"
    assert world.alerts.calls[0].last_words == "Hitl_Start"


def test_a_bot_that_fails_calls(world: World) -> None:
    world.bot.fails = BotFailed("down", retry=False)
    say(world, "m2", "hello?")
    run_errands(world)
    assert [(call.reason, call.last_words) for call in world.alerts.calls] == [("the bot does not answer", "hello?")]


@pytest.mark.parametrize("by", [ANA, INBOX])
def test_a_person_who_pauses_calls_nobody(world: World, by: Actor) -> None:
    pause(world, by)
    schedule(world)
    run_errands(world)
    assert world.alerts.calls == []


def test_the_global_stop_calls_nobody_until_the_bot_pauses_on_top_of_it(world: World) -> None:
    world.process().handoff.set_stop(True, ANA, "fire")
    say(world, "m2", "hello?")
    schedule(world)
    run_errands(world)
    assert world.conversation().pause is not None
    assert world.alerts.calls == []
    pause(world)
    run_errands(world)
    assert len(world.alerts.calls) == 1


def test_one_call_for_each_pause(world: World) -> None:
    for _ in range(2):
        pause(world)
        schedule(world)
        pause(world)
        run_errands(world)
        schedule(world)
        run_errands(world)
        world.process().handoff.resume(CONVERSATION, ANA)
        schedule(world)
        run_errands(world)
    assert len(world.alerts.calls) == 2


@pytest.mark.parametrize(
    "end",
    [
        lambda world: world.process().handoff.resume(CONVERSATION, ANA),
        lambda world: world.process().handoff.pause(CONVERSATION, BOT, minutes=1) and world.clock.tick(2 * MINUTE),
    ],
)
def test_a_pause_that_is_over_calls_nobody(world: World, end: Callable[[World], object]) -> None:
    pause(world)
    end(world)
    run_errands(world)
    assert world.alerts.calls == []


def test_without_a_channel_nothing_is_queued(world: World) -> None:
    world.alerts.has_channel = False
    pause(world)
    assert "call" not in kinds(world)


def test_a_pause_stands_while_the_settings_cannot_say_whom_to_call(world: World) -> None:
    settings = Settings({}, {**SETTINGS.parameters, "alert-webhook": "not a URL"})
    parts = System(settings, store=world.store, mailbox=world.mailbox, messenger=world.messenger, clock=world.clock)
    assert parts.handoff.pause(CONVERSATION, BOT, "asked for a person").pause is not None
    assert "call" not in kinds(world)


def test_a_call_that_nobody_took_is_made_again_by_the_schedule(world: World) -> None:
    world.alerts.deaf = True
    pause(world)
    run_errands(world)
    assert world.conversation().called_epoch is None
    world.alerts.deaf = False
    schedule(world)
    run_errands(world)
    assert (len(world.alerts.calls), world.conversation().called_epoch) == (2, 1)


def test_a_queue_that_is_down_does_not_fail_the_pause_and_the_schedule_catches_up(world: World) -> None:
    world.mailbox.down = True
    pause(world)
    world.mailbox.down = False
    assert world.conversation().pause is not None
    assert "call" not in kinds(world)
    schedule(world)
    run_errands(world)
    assert len(world.alerts.calls) == 1


def test_dying_between_call_and_mark_calls_again_and_dying_before_loses_nothing(world: World) -> None:
    run_errands(world)
    pause(world)
    letter = world.mailbox.errands[0]
    done: list[str] = []
    for after in range(1, 4):
        steps = Steps(after)
        with pytest.raises(Crash):
            world.process(steps).errands.run(letter)
        done = steps.done
    assert done == ["store.conversation", "store.history", "alerts.call"]
    assert len(world.alerts.calls) == 1
    world.process().errands.run(letter)
    assert len(world.alerts.calls) == 2
    world.process().errands.run(letter)
    assert len(world.alerts.calls) == 2


def test_an_errand_is_in_no_conversations_way() -> None:
    call, profile, message = (Letter(CONVERSATION, "x", kind) for kind in ("call", "profile", "message"))
    assert len({call.group, profile.group, message.group}) == 3
    assert message.group == Letter(CONVERSATION, "y").group


def test_a_name_comes_after_the_message_and_is_asked_for_again_after_a_day(world: World) -> None:
    assert (world.conversation().name, world.rows()[0].state, kinds(world)) == (None, "delivered", ["profile"])
    run_errands(world)
    conversation = world.conversation()
    assert (conversation.name, conversation.picture_url) == ("Ana Belo", "https://meta.example/ana.jpg")
    say(world, "m2", "more")
    assert kinds(world) == []
    world.clock.tick(PROFILE_LASTS)
    world.messenger.profiles[CONVERSATION] = Profile("Ana", None, "https://meta.example/new.jpg")
    say(world, "m3", "a day later")
    run_errands(world)
    conversation = world.conversation()
    assert (conversation.name, conversation.picture_url) == ("Ana", "https://meta.example/new.jpg")


def test_a_name_is_asked_for_while_the_conversation_is_paused_too(world: World) -> None:
    world.mailbox.errands.clear()
    world.process().handoff.pause(CONVERSATION, ANA)
    world.clock.tick(MINUTE)
    say(world, "m2", "anyone?")
    assert kinds(world) == ["profile"]
    assert world.rows()[-1].state == "held"


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (Transient("busy", 2), PROFILE_AGAIN),
        (TokenInvalid("Connect the Page again.", 190), PROFILE_AGAIN),
        (Misconfigured("no token"), PROFILE_AGAIN),
        (ProfileUnavailable("Not shown.", 2018218), PROFILE_LASTS),
    ],
)
def test_a_profile_that_is_not_to_be_had_touches_no_message_and_is_not_asked_for_at_each(
    world: World, error: Transient | Misconfigured, wait: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "chalicelib")
    world.messenger.profiles[CONVERSATION] = error
    run_errands(world)
    say(world, "m2", "more")
    assert (world.conversation().name, kinds(world), world.rows()[-2].state) == (None, [], "delivered")
    world.clock.tick(wait)
    say(world, "m3", "and more")
    assert kinds(world) == ["profile"]
    assert "parcel" not in caplog.text


def test_what_meta_does_not_tell_any_more_stays(world: World) -> None:
    run_errands(world)
    world.messenger.profiles[CONVERSATION] = Profile()
    world.clock.tick(PROFILE_LASTS)
    say(world, "m2", "later")
    run_errands(world)
    assert world.conversation().name == "Ana Belo"


def test_a_queue_that_is_down_does_not_keep_a_message_from_the_bot(world: World) -> None:
    world.clock.tick(PROFILE_LASTS)
    world.receive(world.process(), world.body(world.said("m2", "hello")))
    world.mailbox.down = True
    world.deliver(world.process())
    assert world.bot.heard == ["m:m1", "m:m2"]


def test_an_errand_for_nobody_is_done(world: World) -> None:
    world.process().errands.run(Letter("messenger:100:999", "x", "call"))
    assert world.alerts.calls == []


def test_a_process_whose_errand_failed_leaves_the_others_of_its_kind_alone_for_a_while(world: World) -> None:
    """Else a chat or a Graph API that hangs would take every delivery at a time."""
    world.mailbox.errands.clear()
    asked: list[str] = []

    class Down:
        def profile(self, conversation_id: str) -> Profile:
            asked.append(conversation_id)
            raise Transient("busy", 2)

    for user in ("201", "202"):
        item = {**world.said(f"m{user}", "hello"), "sender": {"id": user}}
        world.receive(world.process(), world.body(item))
        world.process().handoff.pause(f"messenger:100:{user}", BOT)
    world.alerts.deaf = True
    process = System(SETTINGS, store=world.store, messenger=Down(), alerts=world.alerts, clock=world.clock)  # type: ignore[arg-type]
    letters = [Letter(f"messenger:100:{user}", "x", kind) for kind in ("profile", "call") for user in ("201", "202")]
    for letter in letters:
        process.errands.run(letter)
    assert (asked, len(world.alerts.calls)) == (["messenger:100:201"], 1)
    world.clock.tick(QUIET)
    world.alerts.deaf = False
    for letter in letters:
        process.errands.run(letter)
    assert (asked, len(world.alerts.calls)) == (["messenger:100:201", "messenger:100:202"], 3)


def test_names_survive_other_writes(world: World) -> None:
    """A message that is logged while Meta is asked changes the conversation; both changes are kept."""
    letter = world.mailbox.errands[0]
    before = world.messenger.profile

    class Slow:
        def profile(self, conversation_id: str) -> Profile:
            say(world, "m2", "meanwhile")
            return before(conversation_id)

    process = world.process()
    replaced = System(SETTINGS, store=world.store, mailbox=world.mailbox, messenger=Slow(), clock=world.clock)  # type: ignore[arg-type]
    replaced.errands.run(letter)
    last = process.store.conversation(CONVERSATION)
    assert last is not None
    assert last.last_message is not None
    assert (last.name, last.last_message.text) == ("Ana Belo", "meanwhile")
    assert json.loads(Letter.of(letter.body).body)["kind"] == "profile"
    assert last._replace(version=0) == world.conversation()
