"""What was held goes to the bot in order when it is asked for, is dropped when not, and each pause cuts in at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.conversation import SYSTEM
from chalicelib.delivery import BOT, BOT_TRIES, DRAIN_TIME
from chalicelib.errors import BotFailed
from chalicelib.handoff import HELD_PAGE
from chalicelib.mailbox import NUDGE, Letter
from chalicelib.message import Actor, Message, held_key
from chalicelib.messenger import Outgoing
from chalicelib.rounds import ROUND_TIME
from chalicelib.talk import Delivery, Speaker
from tests.world import ANA, CONVERSATION, PAGE, World, drain, say

BEN = Actor("operator", "ben", "Ben")
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def world() -> World:
    """A conversation paused by Ana, with m1 to m3 held; the bot has heard nothing."""
    world = World()
    process = world.process()
    world.receive(process, world.body(world.referred()))
    world.mailbox.take()
    world.clock.tick(1000)
    process.handoff.pause(CONVERSATION, ANA, "mine", 60)
    hold(world, "m1", "m2", "m3")
    return world


def hold(world: World, *mids: str) -> None:
    for mid in mids:
        say(world, mid)
        drain(world)


def resume(world: World, *, deliver_held: bool = True) -> None:
    world.clock.tick(1000)
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=deliver_held)


def pause(world: World) -> None:
    world.clock.tick(1000)
    world.process().handoff.pause(CONVERSATION, BEN, "wait")


def states(world: World) -> dict[str, str | None]:
    return {row.id[2:]: row.state for row in world.rows() if row.kind == "text" and row.author == "user"}


def during(world: World, row_id: str, act: Callable[[], object]) -> None:
    """Let something happen while the bot has a row, once."""
    deliver = world.bot.deliver

    def busy(delivery: Delivery, speaker: Speaker) -> None:
        if delivery.message_id == row_id:
            vars(world.bot).pop("deliver")
            act()
        deliver(delivery, speaker)

    vars(world.bot)["deliver"] = busy


def test_what_was_held_is_dropped_unless_it_is_asked_for(world: World) -> None:
    resume(world, deliver_held=False)
    say(world, "m4")
    drain(world)
    assert world.bot.heard == ["m:m4"]
    assert states(world) == {"m1": "held", "m2": "held", "m3": "held", "m4": "delivered"}


def test_what_was_held_is_delivered_in_order_before_anything_newer(world: World) -> None:
    say(world, "m4")
    resume(world)
    say(world, "m5")
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4", "m:m5"]
    assert set(states(world).values()) == {"delivered"}
    assert world.conversation().draining is None
    assert world.store.held(CONVERSATION, "", 10) == ()


def test_the_bot_is_told_before_it_is_given_what_was_held(world: World) -> None:
    order: list[str] = []
    deliver = world.bot.deliver

    def noting(delivery: Delivery, speaker: Speaker) -> None:
        order.append(delivery.message_id)
        deliver(delivery, speaker)

    vars(world.bot)["deliver"] = noting
    resume(world)
    drain(world)
    assert order == ["t:2", "m:m1", "m:m2", "m:m3"]


def test_a_new_pause_ends_a_drain_at_once_and_leaves_the_rest(world: World) -> None:
    during(world, "m:m2", lambda: pause(world))
    resume(world)
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2"]
    assert world.conversation().draining == held_key(1)
    hold(world, "m4")
    resume(world)
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


def test_a_pause_that_ends_by_itself_goes_on_with_the_drain_that_it_ended(world: World) -> None:
    during(world, "m:m2", lambda: pause(world))
    resume(world)
    drain(world)
    hold(world, "m4")
    end(world, DAY)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


def test_the_next_resume_that_does_not_ask_drops_what_the_last_one_left(world: World) -> None:
    during(world, "m:m2", lambda: pause(world))
    resume(world)
    drain(world)
    resume(world, deliver_held=False)
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2"]
    assert world.conversation().draining is None


def test_the_users_own_resume_drops_what_was_held(world: World) -> None:
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_STOP")))
    drain(world)
    assert world.bot.heard == ["m:p1"]


def test_the_stop_ends_a_drain_and_its_lifting_goes_on(world: World) -> None:
    during(world, "m:m1", lambda: world.process().handoff.set_stop(True, ANA, "fire"))
    resume(world)
    drain(world)
    assert world.bot.heard == ["m:m1"]
    hold(world, "m4")
    process = world.process()
    process.handoff.set_stop(False, ANA, None)
    process.handoff.end_stop_pauses()
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


def test_what_comes_while_a_drain_goes_on_takes_its_place_behind_it(world: World) -> None:
    resume(world)
    say(world, "m4")
    while world.mailbox.letters[0].kind == NUDGE:
        world.mailbox.take()  # the process that had the nudge died
    world.deliver(world.process())
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


def test_what_is_held_while_a_slow_process_ends_a_drain_is_given_by_the_next(world: World) -> None:
    held = world.store.held

    def meanwhile(*args: Any) -> tuple[Message, ...]:
        rows = held(*args)
        if not rows:
            vars(world.store).pop("held")
            pause(world)
            say(world, "m4")
            world.process().deliveries.deliver(Letter(CONVERSATION, "m:m4"), 1)
            resume(world)
        return rows

    vars(world.store)["held"] = meanwhile
    resume(world)
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


def test_a_drain_that_runs_out_of_time_nudges_itself(world: World) -> None:
    during(world, "m:m1", lambda: world.clock.tick(DRAIN_TIME))
    resume(world)
    world.process().deliveries.deliver(world.mailbox.take(), 1)
    assert world.bot.heard == ["m:m1"]
    assert [letter.kind for letter in world.mailbox.letters] == [NUDGE]
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3"]


def test_the_schedule_finds_a_drain_whose_nudge_was_lost(world: World) -> None:
    world.mailbox.down = True
    resume(world)
    world.mailbox.down = False
    assert world.mailbox.letters == []
    world.process().rounds.make()
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3"]
    assert world.process().rounds.make() == {}


def test_a_bot_that_fails_in_a_drain_is_tried_again_from_there_and_then_paused(world: World) -> None:
    during(world, "m:m2", lambda: setattr(world.bot, "fails", BotFailed("down", retry=True)))
    resume(world)
    letter = world.mailbox.take()
    for tries in range(1, BOT_TRIES):
        with pytest.raises(BotFailed):
            world.process().deliveries.deliver(letter, tries)
    world.process().deliveries.deliver(letter, BOT_TRIES)
    assert world.bot.heard == ["m:m1"] + ["m:m2"] * BOT_TRIES
    assert world.conversation().pause is not None
    world.bot.fails = None
    resume(world)
    drain(world)
    assert world.bot.heard[-2:] == ["m:m2", "m:m3"]
    assert set(states(world).values()) == {"delivered"}


def test_a_bot_that_pauses_by_what_was_held_has_had_it(world: World) -> None:
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_START")))
    hold(world, "m4")
    resume(world)
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:p1"]
    found = world.store.row(CONVERSATION, "m:p1")
    assert found is not None
    assert (found.state, found.held_under, found.caused) == ("delivered", None, 3)


def test_who_asked_for_a_person_while_the_bot_was_down_gets_one_when_the_bot_has_heard(world: World) -> None:
    resume(world)
    drain(world)
    world.bot.fails = BotFailed("down", retry=False)
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_START")))
    drain(world)
    world.bot.fails = None
    resume(world)
    drain(world)
    pause = world.conversation().pause
    assert pause is not None
    assert pause.by.type == "bot"
    assert [row.state for row in world.rows() if row.id == "m:p1"] == ["delivered"]


def test_a_bot_that_pauses_only_after_it_has_answered_is_heard_too(world: World) -> None:
    world.bot.fails = BotFailed("down", retry=False)
    resume(world)
    drain(world)
    assert [(row.state, row.caused) for row in world.rows() if row.id == "m:m1"] == [("held", None)]
    world.bot.fails = None
    resume(world)
    drain(world)
    for _ in range(2):  # once, however often it asks
        paused = world.process().handoff.pause(CONVERSATION, BOT, "asked for a person", cause_id="m:m1")
        assert (paused.pause is not None, paused.epoch) == (True, 5)
    world.process().handoff.resume(CONVERSATION, ANA)
    assert world.process().handoff.pause(CONVERSATION, BOT, "again", cause_id="m:m1").epoch == 6


def test_a_bot_that_pauses_late_by_what_released_the_conversation_is_heard_too(world: World) -> None:
    world.bot.fails = BotFailed("down", retry=False)
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_STOP")))
    drain(world)
    assert [(row.state, row.caused) for row in world.rows() if row.id == "m:p1"] == [("held", 2)]
    world.bot.fails = None
    resume(world)
    drain(world)
    for _ in range(2):  # once, however often it asks
        paused = world.process().handoff.pause(CONVERSATION, BOT, "asked for a person", cause_id="m:p1")
        assert (paused.pause is not None, paused.epoch) == (True, 5)


def end(world: World, ms: int = 60 * MINUTE) -> None:
    world.clock.tick(ms)
    world.process().rounds.make()
    drain(world)


def test_a_pause_that_ends_gives_the_bot_what_nobody_answered(world: World) -> None:
    end(world)
    assert world.conversation().epoch == 2
    assert [(row.by, row.text) for row in world.rows() if row.id == "t:2"] == [(SYSTEM, "the pause ended")]
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3"]


def test_what_a_person_has_answered_is_not_given_to_the_bot(world: World) -> None:
    world.clock.tick(1000)
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    hold(world, "m4", "m5")
    end(world, 59 * MINUTE)
    assert world.conversation().epoch == 1
    end(world, 2 * MINUTE)
    assert world.bot.heard == ["m:m4", "m:m5"]
    assert states(world)["m3"] == "held"


@pytest.mark.parametrize(("late_by", "heard"), [(0, []), (1, ["m:m4"])])
def test_an_answer_is_to_what_had_reached_us_whenever_it_was_said(world: World, late_by: int, heard: list[str]) -> None:
    body = world.body(world.said("m4", "late"))
    world.clock.tick(1000)
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    world.clock.tick(late_by)
    world.receive(world.process(), body)
    drain(world)
    end(world)
    assert world.bot.heard == heard


@pytest.mark.parametrize("mid", ["m1", "m3", "m4", "m5"])
def test_a_letter_that_comes_again_at_the_end_of_a_pause_changes_neither_what_is_given_nor_its_order(
    world: World, mid: str
) -> None:
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    hold(world, "m4", "m5")
    world.clock.tick(61 * MINUTE)
    world.process().deliveries.deliver(Letter(CONVERSATION, f"m:{mid}"), 1)
    drain(world)
    assert world.bot.heard == ["m:m4", "m:m5"]


@pytest.mark.parametrize("mid", ["m1", "m5"])
def test_a_letter_that_comes_again_before_a_drain_finds_its_row_in_its_place_or_dropped(world: World, mid: str) -> None:
    resume(world, deliver_held=False)
    pause(world)
    hold(world, "m4", "m5", "m6")
    resume(world)
    world.process().deliveries.deliver(Letter(CONVERSATION, f"m:{mid}"), 1)
    assert world.bot.heard == ["m:m4", "m:m5", "m:m6"]


@pytest.mark.parametrize(("before", "after"), [(HELD_PAGE, 1), (0, HELD_PAGE)])
def test_a_pause_ends_behind_what_was_answered_however_much_was_held(world: World, before: int, after: int) -> None:
    hold(world, *(f"b{number}" for number in range(before)))
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    hold(world, *(f"a{number}" for number in range(after)))
    end(world)
    assert world.bot.heard == [f"m:a{number}" for number in range(after)]


def test_where_everything_was_answered_only_what_is_still_to_come_is_given(world: World) -> None:
    world.clock.tick(1000)
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    world.clock.tick(61 * MINUTE)
    say(world, "m4")
    drain(world)
    assert world.bot.heard == ["m:m4"]
    assert world.conversation().draining is None


def test_an_end_that_nobody_has_met_is_made_by_whoever_acts_first(world: World) -> None:
    world.clock.tick(61 * MINUTE)
    say(world, "m4")
    assert world.conversation().epoch == 1
    drain(world)
    assert world.conversation().epoch == 2
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


def test_a_round_leaves_alone_what_has_nothing_due(world: World) -> None:
    before = world.conversation()
    assert world.process().rounds.make() == {}
    assert world.conversation() == before
    assert world.mailbox.letters == []


def test_a_round_goes_on_where_one_conversation_fails(world: World) -> None:
    world.clock.tick(61 * MINUTE)
    world.mailbox.down = True
    assert world.process().rounds.make() == {"failed": 1}
    world.mailbox.down = False
    assert world.process().rounds.make() == {"looked_after": 1}
    drain(world)
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3"]


def test_a_round_that_runs_out_of_time_leaves_the_rest_to_the_next(world: World) -> None:
    other = f"messenger:{PAGE}:201"
    world.receive(world.process(), world.body({**world.said("o1", "hello"), "sender": {"id": "201"}}))
    drain(world)
    world.process().handoff.pause(other, BOT, "a person is wanted", minutes=60)
    world.clock.tick(61 * MINUTE)
    post = world.mailbox.post

    def slow(letter: Letter) -> None:
        world.clock.tick(ROUND_TIME + 1)
        post(letter)

    world.mailbox.post = slow  # type: ignore[method-assign]  # for this test only
    for _ in range(2):
        assert world.process().rounds.make() == {"looked_after": 1}
        drain(world)
    assert world.process().rounds.make() == {}
    found = [world.store.conversation(each) for each in (CONVERSATION, other)]
    assert [each and each.epoch for each in found] == [2, 2]
