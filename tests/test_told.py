"""What dashboards, transcripts and handlers are told, whatever came in between."""

from __future__ import annotations

import json

import pytest

from chalicelib.delivery import BOT
from chalicelib.errors import Transient, Unconfirmed
from chalicelib.message import Actor
from chalicelib.messenger import Outgoing
from chalicelib.talk import Delivery, Speaker, Talk
from tests.world import ANA, CONVERSATION, World, begun, drain, say, with_bot

MINUTE = 60_000
OVERLAP = 10_000
BEN, CLEO = Actor("operator", "ben", "Ben"), Actor("operator", "cleo", "Cleo")


def test_what_is_sent_again_is_not_read_before_it_is_sent() -> None:
    world = World()
    say(world, "m1")
    world.clock.tick(1000)
    world.messenger.errors.append(Transient("Try again."))
    assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA).state == "failed"
    world.clock.tick(1000)
    read = {"sender": {"id": "200"}, "recipient": {"id": "100"}, "timestamp": world.clock()}
    world.receive(world.process(), world.body({**read, "read": {"watermark": world.clock()}}))
    world.clock.tick(MINUTE)
    row = world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA, retry=True)
    conversation = world.conversation()
    assert row.state_for_readers(world.clock(), conversation.delivered_at, conversation.read_at) == "sent"


@pytest.mark.parametrize("how", ["slow", "echo"])
def test_dashboards_hear_that_somebody_waits_no_more(how: str) -> None:
    world = begun(World())
    world.process().handoff.pause(CONVERSATION, ANA, "mine")
    say(world, "m1")
    drain(world)
    world.clock.tick(MINUTE)
    mark = 0

    def polled() -> list[int | None]:
        nonlocal mark
        found = world.store.changed_since(mark, 100).conversations
        mark = world.clock() - OVERLAP
        return [each.waiting_since for each in found]

    polled()
    if how == "slow":

        def before() -> None:
            for _ in range(3):
                world.clock.tick(5000)
                polled()

        world.messenger.before = before
        assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA).state == "sent"
    else:
        world.messenger.errors.append(Unconfirmed("no clear answer"))
        assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA).state == "unconfirmed"
        for _ in range(3):
            world.clock.tick(5000)
            polled()
        echo = world.echo("mid.9", "hello", metadata="hitl:s:a1", app_id=1)
        world.receive(world.process(), world.body(echo))
    assert world.conversation().waiting_since is None
    world.clock.tick(5000)
    assert polled() == [None]


def test_dashboards_hear_of_a_new_end_of_a_pause() -> None:
    world = begun(World())
    world.process().handoff.pause(CONVERSATION, ANA, "mine", 10)
    world.clock.tick(5 * MINUTE)
    mark = world.clock() - OVERLAP
    world.process().handoff.pause(CONVERSATION, BEN, "longer", 60)
    world.clock.tick(5000)
    assert world.store.changed_since(mark, 100).conversations != ()


def test_a_transcript_has_what_is_left_where_its_pause_has_expired() -> None:
    world = begun(World())
    world.process().handoff.pause(CONVERSATION, ANA, "mine", 60 * 24 * 30)
    drain(world)
    for number in range(9):
        world.clock.tick(24 * 60 * MINUTE)
        say(world, f"m{number}")
        drain(world)
        world.clock.tick(MINUTE)
        assert world.process().replies.send(CONVERSATION, f"a{number}", Outgoing(f"a{number}"), ANA).state == "sent"
    del world.store._rows[CONVERSATION, "t:1"]  # as TTL does
    given: list[Delivery] = []
    deliver = world.bot.deliver

    def keep(delivery: Delivery, speaker: Speaker) -> None:
        given.append(delivery)
        deliver(delivery, speaker)

    vars(world.bot)["deliver"] = keep
    world.clock.tick(1000)
    world.process().handoff.resume(CONVERSATION, ANA)
    drain(world)
    told = json.loads(given[-1].event["pass_thread_control"]["metadata"])
    assert "a8" in [line["text"] for line in told["transcript"]]
    assert not told["is_whole"]


@pytest.mark.parametrize("by", [ANA, BOT])
def test_dashboards_hear_that_a_send_has_failed(by: Actor) -> None:
    world = begun(World())
    say(world, "m1")
    world.clock.tick(1000)
    seen: list[int] = []

    def before() -> None:
        world.clock.tick(300)
        seen.extend(each.version for each in world.store.changed_since(0, 10).conversations)
        world.clock.tick(300)

    world.messenger.before = before
    world.messenger.errors.append(Transient("Try again."))
    mark = world.clock() - OVERLAP
    assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), by).state == "failed"
    (after,) = world.store.changed_since(mark, 10).conversations
    assert after.version > seen[0]


def test_the_bot_hears_of_what_came_behind_a_drain_that_a_person_has_cut_short() -> None:
    world = begun(World())
    world.process().handoff.pause(CONVERSATION, ANA, "mine", 60)
    for mid in ("m1", "m2"):
        say(world, mid)
        drain(world)
    given: list[Delivery] = []
    deliver = world.bot.deliver

    def busy(delivery: Delivery, speaker: Speaker) -> None:
        given.append(delivery)
        deliver(delivery, speaker)
        if delivery.message_id == "t:2":
            say(world, "m3")
        if delivery.message_id == "m:m1":
            world.clock.tick(10_000)  # no time for more: a nudge goes on, behind m3
        if delivery.message_id == "m:m2":
            world.clock.tick(1000)
            world.process().handoff.pause(CONVERSATION, ANA, "mine again")

    vars(world.bot)["deliver"] = busy
    world.clock.tick(1000)
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=True)
    drain(world)
    row = world.store.row(CONVERSATION, "m:m3")
    assert row is not None
    assert (row.state, row.held_under, world.conversation().epoch) == ("held", 2, 3)
    world.clock.tick(1000)
    world.process().handoff.resume(CONVERSATION, ANA)
    drain(world)
    transcripts = [
        json.loads(each.event["pass_thread_control"]["metadata"])["transcript"]
        for each in given
        if "pass_thread_control" in each.event
    ]
    said = [line["text"] for lines in transcripts for line in lines]
    assert "m:m3" in world.bot.heard or "m3" in said


def test_the_button_of_a_handler_that_took_the_conversation_back_ends_its_next_pause() -> None:
    world = begun(World())
    buttons: list[str] = []

    def handler(talk: Talk) -> None:
        if talk.handover is not None and not talk.handover.to_bot:
            talk.resume()
            buttons.append(talk.release)
            talk.say("A person comes.", buttons=[("Back to the bot", talk.release)])
            talk.pause("wants a person")

    process = with_bot(world, handler)
    process.handoff.pause(CONVERSATION, ANA, "mine", 600)
    while world.mailbox.letters:
        world.deliver(process)
    assert world.conversation().pause is not None
    world.clock.tick(1000)
    world.receive(process, world.body(world.tapped("p1", buttons[0])))
    while world.mailbox.letters:
        world.deliver(process)
    assert world.conversation().pause is None
